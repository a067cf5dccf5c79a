"""Asterisk as callbacks need it: ring somebody, hang up, see which channels there are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn, Self
from urllib.parse import quote

from ari_app.access import Access
from ari_app.caller_id import caller_id
from ari_app.events import TYPES
from ari_app.refusals import no_answer, refusal
from ari_app.rest import Answer, Rest
from waybell.callbacks.ports import Originate, PbxRefusedError, PbxUnavailableError, Seen

_ALL_CHANNELS = "channel:,bridge:"
"""Without an id each is all there are and will be."""


class AriClient:
    """The port :class:`~waybell.callbacks.ports.Pbx`; ``async with AriClient(access) as pbx: …``.

    Every method raises :class:`~waybell.callbacks.ports.PbxUnavailableError` and
    :class:`~waybell.callbacks.ports.PbxRefusedError`, with a text that says what to do and holds no password.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._rest = Rest(access)
        self._retiring: dict[asyncio.Task[None], Rest] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes all connections; calls go on."""
        for task, rest in list(self._retiring.items()):
            task.cancel()
            await rest.aclose()
        await self._rest.aclose()

    async def originate(self, channel: Originate) -> None:
        """Rings it; returns when Asterisk has begun to. It enters the dialplan as soon as somebody answers."""
        answer = await self._rest.ask("POST", "channels", body=_body(channel))
        if answer.status != 200:
            self._refuse(answer, f"to dial {channel.dial}")

    async def hangup(self, channel_id: str) -> bool:
        """Ends a channel, ringing or up; ``False`` when there is none of that id."""
        answer = await self._rest.ask("DELETE", f"channels/{quote(channel_id, safe='')}", query={"reason": "normal"})
        if answer.status == 404 and answer.said:  # without a reason it is no ARI that answers
            return False
        if answer.status != 204:
            self._refuse(answer, f"to end the channel {channel_id}")
        return True

    async def channels(self) -> Mapping[str, Seen]:
        """All channels there are, by their ids."""
        found = await self._list("channels")
        seen = {one["id"]: _seen(one) for one in found if isinstance(one.get("id"), str)}
        if len(seen) < len(found):
            raise self._no_asterisk("a list of channels")
        return seen

    async def talking(self) -> frozenset[str]:
        """The ids of all channels that share a bridge with another one."""
        members = [one.get("channels") for one in await self._list("bridges")]
        return frozenset(one for ids in members if isinstance(ids, list) and len(ids) > 1 for one in map(str, ids))

    async def started_at(self) -> datetime:
        """When this Asterisk started, in UTC."""
        answer = await self._rest.ask("GET", "asterisk/info", query={"only": "status"})
        if answer.status != 200:
            self._refuse(answer, "to say since when it runs")
        try:
            told = datetime.fromisoformat(answer.body["status"]["startup_time"])
            return told.astimezone(UTC)
        except (KeyError, TypeError, ValueError, OverflowError):
            raise self._no_asterisk("the time of its start") from None

    async def subscribe(self) -> None:
        """Our application is to hear of all channels, also of those outside Stasis, but only of what we have a use for.

        Its event connection must stand; the subscription ends with it. The filter saves three quarters of the traffic.
        A new event connection often means that a firewall forgot the old one, and with it those that wait here to be
        used again: so new ones are made, now and for what is asked next.
        """
        self._renew()
        application = f"applications/{quote(self._access.app, safe='')}"
        wanted = {"allowed": [{"type": one} for one in TYPES]}
        for answer in (
            await self._rest.ask("PUT", f"{application}/eventFilter", body=wanted),
            await self._rest.ask("POST", f"{application}/subscription", query={"eventSource": _ALL_CHANNELS}),
        ):
            if answer.status != 200:
                self._refuse(answer, f"to send events to application {self._access.app}")

    async def _list(self, what: str) -> list[dict[str, Any]]:
        answer = await self._rest.ask("GET", what)
        if answer.status != 200:
            self._refuse(answer, f"to list its {what}")
        if not isinstance(answer.body, list) or not all(isinstance(one, dict) for one in answer.body):
            raise self._no_asterisk(f"a list of {what}")
        return answer.body

    def _renew(self) -> None:
        task = asyncio.create_task(_retire(self._rest, self._access.deadline))
        self._retiring[task] = self._rest
        task.add_done_callback(self._retiring.pop)
        self._rest = Rest(self._access)

    def _refuse(self, answer: Answer, asked: str) -> NoReturn:
        raise PbxRefusedError(answer.status, refusal(self._access, answer.status, answer.said, asked))

    def _no_asterisk(self, missing: str) -> PbxUnavailableError:
        return PbxUnavailableError(no_answer(self._access, f"what it sent is not {missing}"), sent=True)


async def _retire(rest: Rest, seconds: float) -> None:
    """Closes it when whatever is being asked there has its answer or is too late."""
    await asyncio.sleep(seconds)
    await rest.aclose()


def _seen(raw: Mapping[str, Any]) -> Seen:
    dialplan = raw.get("dialplan")
    place = dialplan if isinstance(dialplan, dict) else {}
    dialled = str(place.get("app_data", "")).partition(",")[0] if place.get("app_name") == "Dial" else ""
    return Seen(raw.get("state") == "Up", dialled)


def _body(channel: Originate) -> dict[str, Any]:
    body: dict[str, Any] = {
        "channelId": channel.channel_id,
        "endpoint": _utf8(channel.dial),
        "context": channel.context,
        "extension": channel.extension,
        "priority": 1,
        "timeout": channel.ring_seconds,
        "variables": _utf8_all(channel.variables),
    }
    if shown := caller_id(channel.caller_name, channel.caller_number):
        body["callerId"] = shown
    return body


def _utf8_all(variables: Mapping[str, str]) -> dict[str, str]:
    return {_utf8(name): _utf8(value) for name, value in variables.items()}


def _utf8(text: str) -> str:
    """Asterisk refuses JSON with half characters (lone surrogates) in it, and cuts at NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")
