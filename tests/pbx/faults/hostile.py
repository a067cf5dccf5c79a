"""What no decent caller sends: each payload in each place of an INVITE that a caller chooses."""

from __future__ import annotations

from dataclasses import dataclass

from lab.sip import Headers

MARK = b"FORGED"
_COMMAND = b'SET VARIABLE WAYBELL_NEXT "x.x,dial,PJSIP/101,9,FORGED,,step=FORGED;verb=dial;why=FORGED;source=crm"'

# Spaces are encoded where they may be: a user part with a bare one never gets past the SIP parser.
PAYLOADS = {
    "a line feed": b"79161000001%0aFORGED:%201",
    "carriage return and line feed": b"79161000001%0d%0aFORGED:%201%0d%0a",
    "the environment's end and a reply": b"79161000001%0a%0a200%20result=1%20(FORGED)%0a",
    "lines of an environment": b"1%0aagi_callerid:%2079161000001%0aagi_arg_1:%20FORGED%0aagi_arg_2:%20BUSY%0a",
    "a command": b"1%0a%0a" + _COMMAND.replace(b" ", b"%20").replace(b'"', b"%22") + b"%0a",
    "a record of the event log": b"1%22%0a%22WAYBELL%22,%22USER_DEFINED%22,%22WAYBELL%22,%221.000000%22,%22FORGED%22",
    "a second dial target": b"79161000001&PJSIP/101",
    "a second dial target, encoded": b"79161000001%26PJSIP%2f101",
    "an assignment": b"79161000001,WAYBELL_NEXT=FORGED",
    "an assignment, encoded": b"1%2cWAYBELL_NEXT%3dFORGED%29",
    "a function": b"${SHELL(echo FORGED)}",
    "a function, encoded": b"1%24%7bSHELL%28echo%20FORGED%29%7d",
    "an expression, encoded": b"1%24%5b1%20+%201%5d",
    "double quotes": b'1"FORGED"',
    "double quotes, encoded": b"1%22%22,%22FORGED%22",
    "quotes": b"1'FORGED'",
    "an at sign, encoded": b"101%40FORGED",
    "two at signs": b"101@FORGED",
    "a semicolon": b"79161000001;FORGED=1",
    "a semicolon, encoded": b"79161000001%3bFORGED%3d1",
    "a pipe": b"79161000001|FORGED",
    "a pipe, encoded": b"79161000001%7cFORGED",
    "cp1251": "Пётр FORGED".encode("cp1251"),
    "cp1251, encoded": b"1%cf%b8%f2%f0FORGED",
    "emoji": "📦FORGED".encode(),
    "emoji, encoded": b"1%f0%9f%93%a6FORGED",
    "full-width digits, encoded": "".join(f"%ef%bc%{0x90 + int(digit):x}" for digit in "79161000001").encode(),
    "spaces and hyphens, encoded": b"+7%20916%20100-00-01",
    "NUL, encoded": b"1FORGED%0079161000001",
    "NUL": b"1FORGED\x0079161000001",
    "a bare line feed": b"79161000001\nFORGED: 1",
    "8 KB of digits": b"9" * 8192,
    "8 KB of letters": b"1" + b"FORGED" * 1366,
    "8 KB of line feeds": b"1" + b"%0a" * 2730 + b"FORGED",
    "percent signs that encode nothing": b"79161000001%zz%FORGED%",
    "angle brackets": b"79161000001><FORGED",
}
# Who calls by the From header when another header is at stake; that one counts when Asterisk cannot read the other.
_IN_FROM = "79031112233"
# Asterisk itself ends a user part there, before the dialplan sees it: what is left are digits.
CUT_BY_ASTERISK = {"a semicolon": "79161000001", "a semicolon, encoded": "79161000001"}


@dataclass(frozen=True)
class Hostile:
    """A call with a payload in one place of it.

    ``honest`` are the digits by which its conversation is known: dialled, or the caller's where the payload is what
    is dialled. ``shown`` is whom the dialplan may take for the caller, ``None`` for anonymous.
    """

    place: str
    honest: str
    shown: tuple[str | None, ...]
    to: bytes
    from_user: bytes
    display_name: bytes = b""
    headers: Headers = ()


def hostile_calls(caller: str) -> dict[str, Hostile]:
    """Every payload in every place. Where the From header is honest, ``caller`` is in it."""
    found: dict[str, Hostile] = {}
    for number, (name, payload) in enumerate(PAYLOADS.items()):
        for place, make in enumerate(_PLACES):
            hostile = make(payload, f"7495{place}{number:06d}", caller, CUT_BY_ASTERISK.get(name))
            found[f"{name} in {hostile.place}"] = hostile
    return found


def _from_user(payload: bytes, did: str, _caller: str, left: str | None) -> Hostile:
    return Hostile("From's user", did, (left,), did.encode(), payload)


def _display_name(payload: bytes, did: str, caller: str, _left: str | None) -> Hostile:
    return Hostile("the display name", did, (caller,), did.encode(), caller.encode(), payload)


def _request_uri(payload: bytes, number: str, _caller: str, _left: str | None) -> Hostile:
    return Hostile("the request URI", number, (number,), payload, number.encode())


def _header(name: bytes, after: bytes, payload: bytes, did: str, *shown: str | None) -> Hostile:
    value = b'"%s" <sip:%s@example.com>%s' % (payload, payload, after)
    return Hostile(name.decode(), did, (*shown, _IN_FROM), did.encode(), _IN_FROM.encode(), headers=((name, value),))


def _asserted(payload: bytes, did: str, _caller: str, left: str | None) -> Hostile:
    return _header(b"P-Asserted-Identity", b"", payload, did, left)


def _remote_party(payload: bytes, did: str, _caller: str, left: str | None) -> Hostile:
    return _header(b"Remote-Party-ID", b";party=calling", payload, did, left)


def _diversion(payload: bytes, did: str, _caller: str, _left: str | None) -> Hostile:
    return _header(b"Diversion", b";reason=unconditional", payload, did)


_PLACES = (_from_user, _display_name, _request_uri, _asserted, _remote_party, _diversion)
