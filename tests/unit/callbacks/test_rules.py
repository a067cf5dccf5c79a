"""Who may call whom."""

from __future__ import annotations

import pytest

from waybell.callbacks import rules
from waybell.callbacks.rules import Policy
from waybell.callbacks.values import ByNumber, ByParcel, ByPhones, Kind, Party, Plan, RefusedError
from waybell.numbers import NumberPlan
from waybell.people.directory import CourierCard, ParcelCard
from waybell.people.values import Identity, PersonKind

POLICY = Policy(company_number="84951234567")
IVAN = CourierCard("11", "Ivan", "8 901 000-00-11", "199,+7 903 000 00 99", "Anna")
CARD = ParcelCard("10", "11", "79161234567", "Olga", "3", "Shop")
OLGA = Identity(PersonKind.RECIPIENT, "10", "Olga", parcel="10", courier="11", client="3")
SHOP = Identity(PersonKind.CLIENT, "3", "Shop", client="3")
CONTACT = Identity(PersonKind.CLIENT, "77", "Boris", client="3", client_name="Shop")
FIRST = Party("79010000011", "courier", "11", "Ivan")


def by_parcel(*cards: ParcelCard, courier: CourierCard | None = IVAN, policy: Policy = POLICY) -> Plan:
    return rules.by_parcel(courier, cards, ByParcel("11", "10"), policy)


def by_number(
    to: str,
    *people: Identity,
    held: tuple[str, ...] = (),
    courier: CourierCard | None = IVAN,
    policy: Policy = POLICY,
) -> Plan:
    return rules.by_number(courier, to, people, frozenset(held), ByNumber("11", to), policy)


def test_a_courier_reaches_the_recipient_of_a_parcel_of_theirs() -> None:
    second = Party("79161234567", "recipient", "10", "Olga")
    assert by_parcel(CARD) == Plan(Kind.CALLBACK, FIRST, second, "11", "10", "3")


def test_a_parcel_with_somebody_else_or_nobody_or_that_there_is_not_is_foreign_alike() -> None:
    details = set()
    for cards in (
        [ParcelCard("10", "12", "79161234567", "Olga", "3", "Shop")],
        [ParcelCard("10", "", "7", "", "", "")],
        [],
    ):
        with pytest.raises(RefusedError) as refused:
            by_parcel(*cards)
        assert (refused.value.type, refused.value.status) == ("foreign-parcel", 403)
        details.add(refused.value.detail)
    assert len(details) == 1


def test_cards_of_another_parcel_count_for_nothing() -> None:
    with pytest.raises(RefusedError, match="is not with courier Ivan"):
        by_parcel(ParcelCard("20", "11", "79161234567", "Olga", "3", "Shop"))


def test_a_courier_whom_the_crm_does_not_know_is_told_so() -> None:
    with pytest.raises(RefusedError, match="no courier by '11'") as refused:
        by_parcel(CARD, courier=None)
    assert (refused.value.type, refused.value.status) == ("unknown-courier", 404)


@pytest.mark.parametrize("phone", ["", "  ", "none", "205", "&PJSIP/1"])
def test_a_courier_without_a_telephone_is_named(phone: str) -> None:
    courier = CourierCard("11", "Ivan", phone, "199", "Anna")
    with pytest.raises(RefusedError, match="The card of courier Ivan") as refused:
        by_parcel(CARD, courier=courier)
    assert (refused.value.type, refused.value.status) == ("no-number", 409)
    with pytest.raises(RefusedError, match="The card of courier Ivan"):
        by_number("+79161234567", OLGA, courier=courier)


def test_the_courier_s_own_phone_may_not_be_one_that_costs() -> None:
    with pytest.raises(RefusedError, match="The phone of courier Ivan") as refused:
        by_parcel(CARD, courier=CourierCard("11", "Ivan", "+7 809 123-45-67", "", ""))
    assert (refused.value.type, refused.value.status) == ("premium-number", 403)


@pytest.mark.parametrize("number", ["", "none", "500"])
def test_a_recipient_without_a_number_is_told_of(number: str) -> None:
    with pytest.raises(RefusedError, match="recipient of parcel '10' has no telephone number") as refused:
        by_parcel(ParcelCard("10", "11", number, "Olga", "3", "Shop"))
    assert (refused.value.type, refused.value.status) == ("no-recipient-number", 409)


def test_of_several_numbers_of_a_recipient_s_the_first_that_may_be_called_is_taken() -> None:
    numbers = ("", "+7 809 123-45-67", "8 916 123-45-67", "79169999999")
    plan = by_parcel(*(ParcelCard("10", "11", number, "Olga", "3", "Shop") for number in numbers))
    assert plan.second.number == "79161234567"


def test_no_refusal_tells_a_courier_the_recipient_s_number() -> None:
    with pytest.raises(RefusedError) as refused:
        by_parcel(ParcelCard("10", "11", "+7 809 123-45-67", "Olga", "3", "Shop"))
    assert refused.value.type == "premium-number"
    assert "809" not in refused.value.detail
    assert "parcel '10'" in refused.value.detail


def test_a_courier_reaches_a_recipient_of_theirs_by_number_in_any_spelling() -> None:
    plan = by_number("8 (916) 123-45-67", OLGA)
    assert plan == Plan(Kind.CALLBACK, FIRST, Party("79161234567", "recipient", "10", "Olga"), "11", "10", "3")


@pytest.mark.parametrize("person", [SHOP, CONTACT])
def test_a_courier_reaches_a_client_and_its_people_while_they_hold_a_parcel_of_it(person: Identity) -> None:
    plan = by_number("+79161234567", person, held=("3", "4"))
    assert (plan.second.kind, plan.client, plan.parcel, plan.courier) == ("client", "3", "", "11")


@pytest.mark.parametrize(
    "person",
    [
        SHOP,  # of whom they hold nothing
        Identity(PersonKind.CLIENT, "4", "Contact with a client's id", client="3"),
        Identity(PersonKind.RECIPIENT, "10", "Olga", parcel="10", courier="12", client="4"),
        Identity(PersonKind.RECIPIENT, "10", "Olga", parcel="10", client="4"),
        Identity(PersonKind.COURIER, "12", "Petr", courier="12"),
        Identity(PersonKind.EMPLOYEE, "1", "Anna"),
    ],
)
def test_nobody_else_is_their_customer(person: Identity) -> None:
    with pytest.raises(RefusedError) as refused:
        by_number("+79161234567", person, held=("4",))
    assert (refused.value.type, refused.value.status) == ("not-your-customer", 403)


def test_a_stranger_is_not_their_customer() -> None:
    with pytest.raises(RefusedError, match="'\\+79161234567' is no number for courier Ivan"):
        by_number("+79161234567")


@pytest.mark.parametrize(("to", "number"), [("199", "199"), ("8 903 000-00-99", "79030000099")])
def test_a_courier_reaches_their_manager_inside_and_outside(to: str, number: str) -> None:
    assert by_number(to).second == Party(number, "employee", "", "Anna")


@pytest.mark.parametrize("to", ["500", "+7 495 123-45-67"])
def test_a_courier_reaches_the_office_and_the_company_s_own_number_is_its_extension(to: str) -> None:
    assert by_number(to).second == Party("500", "employee", "", "office")


def test_the_company_s_number_is_the_office_even_where_the_manager_has_its_extension() -> None:
    courier = CourierCard("11", "Ivan", "79010000011", "500", "Anna")
    assert by_number("84951234567", courier=courier).second.number == "500"


@pytest.mark.parametrize("to", ["101", "200", "1", "0911", "5000"])
def test_other_extensions_and_short_numbers_are_no_courier_s(to: str) -> None:
    with pytest.raises(RefusedError) as refused:
        by_number(to)
    assert refused.value.status in (403, 422)


def test_what_costs_is_refused_to_whom_it_belongs_too() -> None:
    with pytest.raises(RefusedError) as refused:
        by_number("+7 809 123-45-67", OLGA)
    assert refused.value.type == "premium-number"
    dear = CourierCard("11", "Ivan", "79010000011", "112,+881612345678", "Anna")
    for to, type_ in (("112", "emergency-number"), ("+881612345678", "satellite-number")):
        with pytest.raises(RefusedError) as refused:
            by_number(to, courier=dear)
        assert refused.value.type == type_


def test_a_number_that_an_admin_lists_is_still_no_stranger_s_to_call() -> None:
    policy = Policy(allowed_numbers=frozenset(("78091234567",)))
    with pytest.raises(RefusedError) as refused:
        by_number("+7 809 123-45-67", policy=policy)
    assert refused.value.type == "not-your-customer"
    assert by_number("+7 809 123-45-67", OLGA, policy=policy).second.number == "78091234567"


def test_software_that_knows_just_two_phones_rings_the_one_it_names() -> None:
    wish = ByPhones("+79010000012", "+79161234567")
    plan = rules.by_number(IVAN, wish.to, (OLGA,), frozenset(), wish, POLICY)
    assert (plan.first.number, plan.first.id, plan.parcel) == ("79010000012", "11", "10")
    with pytest.raises(RefusedError, match=r"no courier by '\+79010000012'"):
        rules.by_number(None, wish.to, (), frozenset(), wish, POLICY)


def test_nobody_calls_themselves() -> None:
    mine = Identity(PersonKind.RECIPIENT, "10", "Ivan", parcel="10", courier="11")
    with pytest.raises(RefusedError) as refused:
        by_number("79010000011", mine)
    assert (refused.value.type, refused.value.status) == ("same-number", 409)


def test_an_operator_reaches_whoever_may_be_called_and_the_journal_knows_whom() -> None:
    plan = rules.click("101", "8 916 123-45-67", (OLGA,), POLICY)
    assert plan.first == Party("101", "employee")
    assert (plan.kind, plan.second.kind, plan.parcel, plan.courier, plan.client) == (
        Kind.CLICK,
        "recipient",
        "10",
        "11",
        "3",
    )
    assert rules.click("101", "+74951112233", (), POLICY).second == Party("74951112233")


@pytest.mark.parametrize("to", ["102", "199", "500"])
def test_an_operator_reaches_extensions_too(to: str) -> None:
    assert rules.click("101", to, (), POLICY).second.number == to


@pytest.mark.parametrize("extension", ["", "1", "1234567", "10a", "١٠١", "101&102", "101@x", "+101", "1 01"])
def test_an_operator_s_extension_must_be_one(extension: str) -> None:
    with pytest.raises(RefusedError) as refused:
        rules.click(extension, "+79161234567", (), POLICY)
    assert (refused.value.type, refused.value.status) == ("invalid-extension", 422)


def test_an_emergency_number_is_no_operator_s_extension() -> None:
    for policy in (POLICY, Policy(allowed_numbers=frozenset(("112",)))):
        with pytest.raises(RefusedError) as refused:
            rules.click("112", "+79161234567", (), policy)
        assert refused.value.type == "emergency-number"


def test_a_number_that_leaves_by_a_line_is_no_operator_s_extension() -> None:
    with pytest.raises(RefusedError) as refused:
        rules.click("0911", "+79161234567", (), Policy(allowed_numbers=frozenset(("0911",))))
    assert refused.value.type == "invalid-extension"


def test_an_admin_joins_two_phones_by_the_same_rules() -> None:
    plan = rules.trial("101", "8 916 123-45-67", POLICY)
    assert (plan.kind, plan.first.number, plan.second.number) == (Kind.TEST, "101", "79161234567")
    with pytest.raises(RefusedError):
        rules.trial("8 809 123-45-67", "101", POLICY)


def test_what_is_rung_inside_is_known_by_its_digits() -> None:
    listed = Policy(allowed_numbers=frozenset(("0911",)))
    inside = [
        digits for digits in ("101", "500", "112233", "79161234567", "0911") if rules.is_extension(digits, listed)
    ]
    assert inside == ["101", "500", "112233"]
    assert not rules.is_extension("79161234567", Policy(NumberPlan(extension_digits=(2, 11))))


def test_hostile_names_do_not_reach_a_terminal() -> None:
    courier = CourierCard("11", "Iv\x1b[31man\n" + "x" * 100, "", "", "")
    with pytest.raises(RefusedError) as refused:
        by_parcel(CARD, courier=courier)
    assert refused.value.detail.isprintable()
    assert len(refused.value.detail) < 150


def test_of_several_extensions_the_first_rings() -> None:
    assert rules.click("199,100", "79161000001", (), Policy()).first.number == "199"
