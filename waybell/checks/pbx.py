"""Asterisk as the checks ask it: reads over ARI, each with a limit on time and size."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2

from waybell.settings import Ari

_LARGEST_ANSWER = 1 << 20


class PbxError(Exception):
    """Asterisk did not answer as it should; ``problem`` and ``remedy`` are one sentence each."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem, self.remedy = problem, remedy


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and the JSON that came with it, ``None`` where it was no JSON."""

    status: int
    body: Any

    def text(self, *path: str) -> str:
        """The text at ``path`` in the body, empty when there is none: what the other side sends may be anything."""
        value = self.body
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, str) else ""


class Pbx:
    """Asterisk's REST interface at ``ari.url``, as the user ``ari.user``. Every method raises :class:`PbxError`."""

    def __init__(self, client: httpx2.AsyncClient, settings: Ari) -> None:
        self._client, self._settings = client, settings

    async def get(self, path: str, **parameters: str) -> Answer:
        """``GET /ari/<path>``; 401 and 403 are errors already."""
        return await self._ask("GET", path, parameters)

    async def may_write(self) -> bool:
        """Whether our user may change things: a read-only one is turned away before Asterisk looks for the channel."""
        answer = await self._ask("DELETE", "channels/waybell-check-no-such-channel", {}, allowed=(403,))
        return answer.status != 403

    async def variable(self, name: str) -> str:
        """A global variable of the dialplan; empty when it is not set."""
        return (await self.get("asterisk/variable", variable=name)).text("value")

    async def extension_exists(self, extension: str, context: str) -> bool:
        """Whether the dialplan has it: the device state of a local channel is valid only then.

        ``DIALPLAN_EXISTS`` would say it more plainly, but ARI evaluates functions only on a channel.
        """
        device = quote(f"Local/{extension}@{context}", safe="")
        answer = await self.get(f"deviceStates/{device}")
        state = answer.text("state")
        if answer.status != 200 or not state:
            raise PbxError(
                f"Asterisk does not tell device states (HTTP {answer.status})",
                "load res_ari_device_states.so and res_stasis_device_state.so in modules.conf",
            )
        return state != "INVALID"

    async def _ask(self, method: str, path: str, parameters: dict[str, str], allowed: tuple[int, ...] = ()) -> Answer:
        try:
            answer = await self._exchange(method, f"{self._settings.url}/ari/{path}", parameters)
        except httpx2.TimeoutException:
            raise PbxError(
                f"{self._settings.url} took the connection but gave no answer in time",
                "see that ari.url is Asterisk's HTTP server and that it has connections left (http.conf: sessionlimit)",
            ) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise PbxError(
                f"{self._settings.url} cannot be reached ({error or type(error).__name__})",
                "start Asterisk, set enabled = yes in http.conf (bindaddr 127.0.0.1), "
                'run: asterisk -rx "core reload", or correct ari.url',
            ) from None
        if answer.status in (401, 403) and answer.status not in allowed:
            raise self._refused(answer)
        return answer

    def _refused(self, answer: Answer) -> PbxError:
        who = self._settings.user
        if answer.status == 401:
            return PbxError(
                f"Asterisk refuses user {who} with this password (HTTP 401)",
                f"make [{who}] in ari.conf (type = user) and ari.user, ari.password agree, "
                'then: asterisk -rx "module reload res_ari.so"',
            )
        said = answer.text("message") or "no reason given"
        return PbxError(
            f"Asterisk does not let user {who} in (HTTP 403: {said})", f"see [{who}] and its acl in ari.conf"
        )

    async def _exchange(self, method: str, url: str, parameters: dict[str, str]) -> Answer:
        content = bytearray()
        async with self._client.stream(method, url, params=parameters) as response:
            async for part in response.aiter_bytes():
                content += part
                if len(content) > _LARGEST_ANSWER:
                    raise PbxError(f"{self._settings.url} sent over a megabyte", "correct ari.url: that is no Asterisk")
        try:
            return Answer(response.status_code, json.loads(content))
        except ValueError:
            return Answer(response.status_code, None)


@asynccontextmanager
async def open_pbx(settings: Ari, deadline: float) -> AsyncIterator[Pbx]:
    """Nothing is connected yet; every question has ``deadline`` seconds for each of its parts."""
    auth = (settings.user, settings.password.get_secret_value())
    # No proxy of the environment's: it would see the password, and loopback is not behind one.
    async with httpx2.AsyncClient(auth=auth, timeout=deadline, trust_env=False) as client:
        yield Pbx(client, settings)
