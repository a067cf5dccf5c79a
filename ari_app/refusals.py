"""What Asterisk's refusals mean, in plain words and with what to do."""

from __future__ import annotations

from ari_app.access import Access

_RELOAD = 'then: asterisk -rx "module reload res_ari.so"'


def refusal(access: Access, status: int, said: str, asked: str) -> str:
    """One sentence for ``status``, the HTTP status of the answer to ``asked``; ``said`` is Asterisk's own reason."""
    reason = f": {said}" if said else ""
    return f"Asterisk at {access.url} refuses {asked} (HTTP {status}{reason}); {_remedy(access, status, said)}"


def unreachable(access: Access, why: str) -> str:
    """Nobody takes the connection."""
    return (
        f"Asterisk at {access.url} cannot be reached ({why}); start Asterisk, set enabled = yes in http.conf "
        '(bindaddr 127.0.0.1), run: asterisk -rx "core reload", or correct ari.url'
    )


def no_answer(access: Access, why: str) -> str:
    """The connection was taken, and then there was no whole answer."""
    return (
        f"Asterisk at {access.url} gave no answer ({why}); see that ari.url is Asterisk's HTTP server and that it has "
        "connections left (http.conf: sessionlimit)"
    )


def _remedy(access: Access, status: int, said: str) -> str:
    if status == 401:
        return f"make [{access.user}] in ari.conf (type = user) and ari.user, ari.password agree, {_RELOAD}"
    if status == 403:
        return f"set read_only = no for [{access.user}] in ari.conf and see its acl, {_RELOAD}"
    if status == 404:
        return (
            "set enabled = yes in [general] of ari.conf, load res_ari.so, res_ari_channels.so, res_ari_asterisk.so, "
            "res_ari_applications.so and res_ari_events.so in modules.conf; with a prefix in http.conf, put it into "
            "ari.url"
        )
    if status == 409:
        return "a channel of this id is alive already: the call was placed before"
    if said.lower().startswith("allocation failed"):
        return (
            "the phone cannot be dialled: see that calls.phone_dial, calls.extension_dial and [[calls.lines]] name an "
            'endpoint that Asterisk has (asterisk -rx "pjsip show endpoints") and that it has a contact'
        )
    if status == 400:
        return (
            "see that calls.phone_dial, calls.extension_dial and [[calls.lines]] are dial strings of Asterisk's "
            "(PJSIP/{number}@trunk)"
        )
    return "see Asterisk's log"
