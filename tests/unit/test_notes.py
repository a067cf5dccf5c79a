from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from waybell.notes import Note, Target, decode, encode

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
TARGETS = st.lists(st.builds(Target, TEXT, TEXT, TEXT, TEXT), max_size=5).map(tuple)
NOTES = st.builds(
    Note, step=TEXT, verb=TEXT, why=TEXT, source=TEXT, last=TEXT, name=TEXT, parcel=TEXT, to=TARGETS
).filter(lambda note: note.step and note.verb and note.why and note.source)


@given(NOTES)
def test_a_note_comes_back_as_it_was(note: Note) -> None:
    assert decode(encode(note)) == note


@given(NOTES)
def test_a_note_holds_nothing_that_agi_or_the_dialplan_takes_for_syntax(note: Note) -> None:
    assert not set(encode(note)) & set(",\"'\\${}()[]&\n\r\0")


@given(st.text())
def test_any_text_is_a_note_or_none(text: str) -> None:
    assert decode(text) is None or isinstance(decode(text), Note)


def test_letters_of_any_alphabet_stay_readable() -> None:
    assert "name=Ольга" in encode(Note("find", "dial", "x", "crm", name="Ольга"))


def test_a_lone_surrogate_of_a_foreign_encoding_is_replaced_not_raised() -> None:
    assert encode(Note("find", "dial", "x", "crm", name="\udcc8van")).isprintable()


def test_a_long_name_is_cut() -> None:
    assert len(encode(Note("find", "dial", "x", "crm", name="я" * 9000))) < 400
