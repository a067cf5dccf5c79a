from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from waybell.notes import Note, Target, decode, encode, is_second

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
WORD = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=8)
SMALL = st.builds(
    Note,
    WORD,
    WORD,
    WORD,
    WORD,
    parcel=WORD,
    number=WORD,
    to=st.lists(st.builds(Target, WORD, WORD, WORD, WORD), max_size=3).map(tuple),
)
TARGETS = st.lists(st.builds(Target, TEXT, TEXT, TEXT, TEXT), max_size=5).map(tuple)
NOTES = st.builds(
    Note, step=TEXT, verb=TEXT, why=TEXT, source=TEXT, last=TEXT, name=TEXT, parcel=TEXT, to=TARGETS
).filter(lambda note: note.step and note.verb and note.why and note.source)


@given(NOTES)
def test_a_note_comes_back_with_all_that_had_room(note: Note) -> None:
    back = decode(*encode(note))
    assert back is not None
    for field in ("step", "verb", "why", "source"):
        assert getattr(note, field).startswith(getattr(back, field))


@given(SMALL)
def test_a_note_of_usual_size_comes_back_whole(note: Note) -> None:
    assert decode(*encode(note)) == note


@given(NOTES)
def test_a_note_holds_nothing_that_agi_or_the_dialplan_takes_for_syntax(note: Note) -> None:
    assert not set("".join(encode(note))) & set(",\"'\\${}()[]&\n\r\0")


@given(NOTES)
def test_no_part_is_so_long_that_asterisk_would_cut_its_record(note: Note) -> None:
    assert max(len(part.encode()) for part in encode(note)) <= 290


@given(st.text(), st.text())
def test_any_text_is_a_note_or_none(first: str, second: str) -> None:
    assert decode(first, second) is None or isinstance(decode(first, second), Note)


def test_letters_of_any_alphabet_stay_readable() -> None:
    assert "name=Ольга" in encode(Note("find", "dial", "x", "crm", name="Ольга"))[0]


def test_a_lone_surrogate_of_a_foreign_encoding_is_replaced_not_raised() -> None:
    assert encode(Note("find", "dial", "x", "crm", name="\udcc8van"))[0].isprintable()


def test_a_long_name_goes_to_the_second_part_and_what_matters_stays_in_the_first() -> None:
    name = "Константинопольская-Романова Александра Константиновна"
    note = Note(
        "manager", "dial", "w" * 100, "crm", number="79161000001", kind="courier", id="11", parcel="10", name=name
    )
    first, second = encode(replace(note, to=(Target("199", "employee", "", name), Target("100", "employee", "", name))))
    assert "parcel=10" in first
    assert "number=79161000001" in first
    assert is_second(second)
    back = decode(first, second)
    assert back is not None
    assert back.name == name


def test_a_managers_twenty_extensions_have_room_with_one_name() -> None:
    to = tuple(Target(str(number), "employee", "", "Ольга Менеджер") for number in range(1000, 1020))
    back = decode(*encode(Note("manager", "dial", "ring manager", "crm", to=to)))
    assert back is not None
    assert back.to == to
