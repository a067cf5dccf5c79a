"""Everybody in the demo company and in ``edges.sql``, as any adapter must report them."""

from __future__ import annotations

from typing import Any

from waybell.people.values import Identity, PersonKind

BORIS = {
    "courier": "11",
    "courier_name": "Борис Курьер",
    "courier_phone": "79010000011",
    "manager_extension": "199,100",
    "manager_name": "Ольга Менеджер",
}
SEMYON = {"courier": "12", "courier_name": "Семён Курьер", "courier_phone": "79010000012"}
TIMUR = {
    "courier": "13",
    "courier_name": "Тимур Курьер",
    "courier_phone": "79020000013",
    "manager_extension": "101",
    "manager_name": "Павел Менеджер",
}
ULYANA = {**TIMUR, "courier": "14", "courier_name": "Ульяна Курьер", "courier_phone": "79010000014"}
BOOKS = {"client": "101", "client_name": "Книжный магазин"}
TEA = {"client": "102", "client_name": "Чайная"}
OLGA = {"manager_extension": "199,100", "manager_name": "Ольга Менеджер"}


def parcel(code: str, name: str | None, *who: dict[str, str], status: str = "with_courier") -> Identity:
    """A recipient with the parcel ``code``; ``who`` are the courier and the client."""
    known: dict[str, Any] = {key: value for part in who for key, value in part.items()}
    return Identity(PersonKind.RECIPIENT, code, name, parcel=code, **known, status=status)


def courier(who: dict[str, str]) -> Identity:
    known: dict[str, Any] = who
    return Identity(PersonKind.COURIER, who["courier"], who["courier_name"], **known, status="1")


def client(code: str, name: str, *who: dict[str, str], status: str | None = "1") -> Identity:
    known: dict[str, Any] = {key: value for part in who for key, value in part.items()}
    return Identity(PersonKind.CLIENT, code, name, **known, status=status)


DEMO: dict[str, tuple[Identity, ...]] = {
    "79161000001": (parcel("10", "Анна", BORIS, BOOKS),),
    "79161000002": (
        parcel("21", "Вера", BORIS, BOOKS),
        parcel("22", "Вера", SEMYON, TEA),
        parcel("23", "Вера", TIMUR, BOOKS),
    ),
    "79161000003": (
        parcel("30", "Глеб", BOOKS, status="in_work"),
        parcel("31", "Глеб", TEA, status="delivered"),
    ),
    "79161000004": (parcel("40", "Дарья", SEMYON, TEA),),
    "79161000005": (parcel("50", "Егор", TIMUR, BOOKS),),
    "79161000006": (parcel("61", "Зоя", BORIS, BOOKS), parcel("62", "Зоя", BORIS, TEA)),
    "79010000011": (courier(BORIS),),
    "79020000011": (courier(BORIS),),
    "79010000012": (courier(SEMYON),),
    "79020000013": (courier(TIMUR),),
    "79010000014": (parcel("70", "Ульяна", BORIS, BOOKS), courier(ULYANA)),
    "74950000101": (client("101", "Книжный магазин", BOOKS, OLGA),),
    "74950000102": (client("102", "Чайная", TEA),),
    "79055000201": (client("201", "Ирина Контакт", BOOKS, OLGA),),
    "79055000202": (client("202", "Кирилл Контакт", TEA), client("102", "Чайная", TEA)),
    "79990000000": (),
}

EDGES: dict[str, tuple[Identity, ...]] = {
    "79162000090": (parcel("90", None, BORIS),),
    "79162000091": (parcel("91", "No order", status="in_work"),),
    "79162000092": (parcel("92", "No client", status="in_work"),),
    "79162000093": (parcel("93", "Delivered, yet with a courier", BORIS, BOOKS),),
    "79162000094": (
        parcel("94", "Two couriers at once", BORIS, BOOKS),
        parcel("94", "Two couriers at once", SEMYON, BOOKS),
    ),
    "79162000095": (parcel("95", "With nobody we know", BOOKS, status="in_work"),),
    "79162000096": (parcel("96", "Twice in the contacts", BOOKS, status="in_work"),),
    "79162000097": (),
    "79162000098": (),
    "79162000099": (Identity(PersonKind.COURIER, "90", "Иван", courier="90", courier_name="Иван", status="7"),),
    "79162000100": (client("290", "Without a client", status=None),),
}

EVERYBODY = {**DEMO, **EDGES}
