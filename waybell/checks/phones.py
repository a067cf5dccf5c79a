"""Whom a call can ring: the office's phones and the trunk, as the running Asterisk knows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from waybell.checks.asterisk_conf import is_yes
from waybell.checks.findings import Finding, Site, failed, ok, skipped, warning
from waybell.checks.pbx import Pbx, PbxError

CHECK = "phones"
ENTRY = "waybell-incoming"
_OFFICE_VARIABLE = "WAYBELL_OFFICE_DIAL"
_OFFICE_DEFAULT = "PJSIP/500"
# What keeps Asterisk from telling one side of a call the other's number, and callers from sending a call elsewhere.
_MUST_BE_NO = ("send_connected_line", "trust_connected_line", "allow_transfer")
# Channel drivers that tell ARI their endpoints. chan_sip did, and is gone: its endpoints are never found.
_TELLING = frozenset({"PJSIP", "IAX2", "SIP"})
_LIST = 'asterisk -rx "pjsip list endpoints"'
_RELOAD_PJSIP = 'asterisk -rx "module reload res_pjsip.so"'
_RELOAD_DIALPLAN = 'asterisk -rx "dialplan reload"'


async def check_phones(site: Site, pbx: Pbx) -> list[Finding]:
    """Everything that calls are sent to without the CRM: ``calls.office``, ``WAYBELL_OFFICE_DIAL``, the trunk."""
    try:
        return [*await _office(site, pbx), *await _without_waybell(site, pbx), *await _trunk(site, pbx)]
    except PbxError as error:
        return [failed(CHECK, f"cannot be looked at: {error.problem}", error.remedy)]


async def _office(site: Site, pbx: Pbx) -> list[Finding]:
    remedy = f"name an extension in calls.office that is there ({_LIST}), or make this one in pjsip.conf"
    return [
        await _look(pbx, "calls.office", dial, "calls that nobody else takes are lost", remedy)
        for dial in _office_dials(site)
    ]


async def _without_waybell(site: Site, pbx: Pbx) -> list[Finding]:
    """The dialplan rings the office by itself when no Waybell answers: the same one, unless somebody wants it so."""
    written = await pbx.variable(_OFFICE_VARIABLE)
    wanted, rung = _office_dials(site), (written or _OFFICE_DEFAULT).split("&")
    found = []
    if not written or set(rung) != set(wanted):
        state = f"is {written}" if written else f"is not set, which means {_OFFICE_DEFAULT}"
        found.append(
            warning(
                CHECK,
                f"{_OFFICE_VARIABLE} {state}: that rings when no Waybell answers; calls.office is {'&'.join(wanted)}",
                f"set {_OFFICE_VARIABLE} = {'&'.join(wanted)} in [globals] of extensions.conf, "
                f"then: {_RELOAD_DIALPLAN}; or let it be, if that is how you want it",
            )
        )
    remedy = f"correct {_OFFICE_VARIABLE} in [globals] of extensions.conf, then: {_RELOAD_DIALPLAN}"
    lost = "calls are lost when no Waybell answers"
    others = [await _look(pbx, _OFFICE_VARIABLE, dial, lost, remedy) for dial in rung if dial not in wanted]
    return [*found, *others]


async def _trunk(site: Site, pbx: Pbx) -> list[Finding]:
    template = site.settings.calls.phone_dial
    technology, name = endpoint(template)
    remedy = f"write the trunk's endpoint into calls.phone_dial ({_LIST}), such as PJSIP/{{number}}@mytrunk"
    if "{number}" in name and technology != "LOCAL":
        return [failed(CHECK, f"calls.phone_dial is {template}: it names no trunk", remedy)]
    found = await _look(pbx, "calls.phone_dial", template, "no courier's telephone can be rung", remedy)
    settings = await _pjsip_settings(pbx, name) if technology == "PJSIP" else {}
    if settings:
        return [found, *_leading_here(name, settings), *_leaking(name, settings)]
    return [found] if found.advice or technology != "PJSIP" else [found, _unread(name)]


async def _look(pbx: Pbx, setting: str, dial: str, lost: str, remedy: str) -> Finding:
    """Whether there is anything at ``dial``; ``lost`` says what comes of it when there is not."""
    technology, name = endpoint(dial)
    state = await _state(pbx, technology, name)
    shown = dial.replace("{number}", "…")
    if state is None:
        return skipped(CHECK, f"{setting}: Asterisk does not tell whether {shown} is there")
    if state == "":
        gone = " (Asterisk 22 has no chan_sip any more: write PJSIP)" if technology == "SIP" else ""
        what = f"Asterisk has no {dial.partition('/')[0]} endpoint {name}{gone}"
        return failed(CHECK, f"{setting} is {shown}: {what}, so {lost}", remedy)
    if state == "offline":
        todo = f'see that it is registered or answers OPTIONS: asterisk -rx "pjsip show endpoint {name}"'
        return warning(CHECK, f"{setting} is {shown}: nothing can be reached there at present", todo)
    return ok(CHECK, f"{setting}: {shown} is there")


async def _state(pbx: Pbx, technology: str, name: str) -> str | None:
    """``online``, ``offline`` or ``unknown``; empty when there is no such endpoint, ``None`` when nobody can tell."""
    if technology == "LOCAL":
        extension, _, context = name.partition("@")
        if "{" in extension:
            return None
        return "unknown" if await pbx.extension_exists(extension, context or "default") else ""
    if technology not in _TELLING:
        return None
    answer = await pbx.get(f"endpoints/{technology}/{quote(name, safe='')}")
    if answer.status == 200:
        return answer.text("state") or "unknown"
    if answer.text("message") != "Endpoint not found":
        raise PbxError(
            f"Asterisk does not tell endpoints (HTTP {answer.status})", "load res_ari_endpoints.so in modules.conf"
        )
    # An endpoint of a realtime database becomes known with its first use.
    return "unknown" if technology == "PJSIP" and await _pjsip_settings(pbx, name) else ""


async def _pjsip_settings(pbx: Pbx, name: str) -> dict[str, str]:
    """The endpoint's settings; empty where there is none, or where it is kept in a place that ARI does not read."""
    answer = await pbx.get(f"asterisk/config/dynamic/res_pjsip/endpoint/{quote(name, safe='')}")
    pairs = answer.body if answer.status == 200 and isinstance(answer.body, list) else []
    return {str(pair.get("attribute")): str(pair.get("value")) for pair in pairs if isinstance(pair, dict)}


def _leading_here(name: str, settings: dict[str, str]) -> Iterator[Finding]:
    if (context := settings.get("context", ENTRY)) == ENTRY:
        return
    yield warning(
        CHECK,
        f"calls from the trunk {name} enter the context {context}, not {ENTRY}: Waybell is not asked about them",
        f"context = {ENTRY} in [{name}] of pjsip.conf, then: {_RELOAD_PJSIP}; or let {context} lead there",
    )


def _leaking(name: str, settings: dict[str, str]) -> Iterator[Finding]:
    wrong = [key for key in _MUST_BE_NO if is_yes(settings.get(key, "no"))]
    if not wrong:
        return
    lines = ", ".join(f"{key} = no" for key in wrong)
    yield warning(
        CHECK,
        f"the trunk {name} has {' and '.join(wrong)} switched on: {_danger(wrong)}",
        f"put into [{name}] of pjsip.conf: {lines}; then: {_RELOAD_PJSIP}",
    )


def _danger(wrong: Iterable[str]) -> str:
    kinds = ["numbers leak from one side of a call to the other"] if any("line" in key for key in wrong) else []
    kinds += ["outsiders can send a call elsewhere"] if "allow_transfer" in wrong else []
    return ", ".join(kinds)


def _unread(name: str) -> Finding:
    lines = ", ".join(f"{key} = no" for key in _MUST_BE_NO)
    return skipped(CHECK, f"ARI does not read the trunk {name}'s settings: see to context = {ENTRY}, {lines} there")


def _office_dials(site: Site) -> list[str]:
    calls = site.settings.calls
    return [calls.extension_dial.replace("{extension}", extension) for extension in calls.office.split(",")]


def endpoint(dial: str) -> tuple[str, str]:
    """(technology in capitals, endpoint) of one dial string: ``PJSIP/500``, ``PJSIP/7916…@trunk``,
    ``PJSIP/trunk/sip:7916…@host``; of ``Local/500@from-internal/n`` all but the options.
    """
    technology, _, rest = dial.partition("/")
    name = rest.partition("/")[0]
    technology = technology.upper()
    return technology, name if technology == "LOCAL" else name.rpartition("@")[2]
