"""One question to Asterisk's REST interface and its answer, with a limit on time, size and connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx2

from ari_app.access import Access
from ari_app.refusals import no_answer, unreachable
from waybell.callbacks.ports import PbxUnavailableError

LARGEST_ANSWER = 8 << 20
"""Bytes; some 8,000 channels."""
# Asterisk closes an idle connection after 15 s (http.conf: session_keep_alive). We are first, so that no question is
# sent into a connection that is just being closed.
_KEEP_IDLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and the JSON that came with it, ``None`` where it was no JSON."""

    status: int
    body: Any

    @property
    def said(self) -> str:
        """Asterisk's own reason for a refusal; empty where it gives none."""
        if not isinstance(self.body, dict):
            return ""
        told = self.body.get("message") or self.body.get("error")
        return told[:200] if isinstance(told, str) else ""


class Rest:
    """``async with Rest(access) as rest: …``; connects when first asked."""

    def __init__(self, access: Access) -> None:
        self._access = access
        limits = httpx2.Limits(
            max_connections=access.connections,
            max_keepalive_connections=access.connections,
            keepalive_expiry=_KEEP_IDLE_SECONDS,
        )
        self._client = httpx2.AsyncClient(
            headers={"Authorization": access.authorization},
            # Whoever waited long for a connection must not begin to ask just before the deadline.
            timeout=httpx2.Timeout(access.deadline, connect=access.deadline / 2, pool=access.deadline / 2),
            limits=limits,
            verify=access.url.startswith("https:"),  # the certificates take 20 ms to load
            # No proxy of the environment's: it would see the password, and loopback is not behind one.
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._client.aclose()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        """``method`` on ``/ari/<path>``; any status is an answer.

        Raises :class:`~waybell.callbacks.ports.PbxUnavailableError` when there is no whole answer within the deadline.
        """
        sending = _Sending()
        try:
            async with asyncio.timeout(self._access.deadline):
                return await self._exchange(sending, method, path, query, body)
        except (TimeoutError, httpx2.TimeoutException):
            why = f"not within {self._access.deadline:g} s" if sending.begun else "no connection in time"
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            why = str(error) or type(error).__name__
        except _TooMuchError:
            why = f"it sent over {LARGEST_ANSWER >> 20} MB"
        text = (no_answer if sending.begun else unreachable)(self._access, why)
        raise PbxUnavailableError(text, sent=sending.begun) from None

    async def _exchange(
        self,
        sending: _Sending,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
    ) -> Answer:
        url = f"{self._access.rest_url}/{path}"
        content = bytearray()
        async with self._client.stream(
            method, url, params=query, json=body, extensions={"trace": sending.note}
        ) as response:
            async for part in response.aiter_bytes():
                content += part
                if len(content) > LARGEST_ANSWER:
                    raise _TooMuchError
        return Answer(response.status_code, _json(content))


class _TooMuchError(Exception):
    """The answer is larger than any that Asterisk gives."""


class _Sending:
    """Whether a question has begun to leave: from then on nobody knows whether it had its effect."""

    def __init__(self) -> None:
        self.begun = False

    async def note(self, name: str, _info: Mapping[str, Any]) -> None:
        """Told by the HTTP library of every step."""
        if name.endswith("send_request_headers.started"):
            self.begun = True


def _json(content: bytearray) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
