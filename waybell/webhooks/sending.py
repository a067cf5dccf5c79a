"""One event, sent once: what came of it. No redirect is followed, and nothing that the receiver does takes long."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Self

import httpcore2
import structlog

from waybell.webhook_settings import Webhook
from waybell.webhooks.addresses import CheckedBackend, ForbiddenAddressError
from waybell.webhooks.events import CONTENT_TYPE
from waybell.webhooks.signature import HEADER, sign
from waybell.webhooks.template import render

_log = structlog.get_logger("webhooks")

SEND_SECONDS = 10.0
_MOST_ANSWER = 64 * 1024
_KEEP_IDLE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """``status``: the answer's, 0 where there was none; ``why``: what went wrong, empty where all is well."""

    status: int
    why: str = ""
    retry_after: float = 0.0

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver has taken it."""
        return not self.why


class Sender:
    """``async with Sender(webhook, connections) as sender: …``"""

    def __init__(self, webhook: Webhook, connections: int, seconds: float = SEND_SECONDS) -> None:
        """``connections`` at once at most; ``seconds``: how long one event may take in all."""
        self._webhook = webhook
        self._seconds = seconds
        self._agent = f"Waybell/{version('waybell')}"
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=_certificates() if webhook.url.startswith("https:") else None,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=_KEEP_IDLE_SECONDS,
            network_backend=CheckedBackend(allow_private=webhook.allow_private),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.aclose()

    async def send(self, event_id: str, event_type: str, event: str) -> Outcome:
        """Sends the event whose JSON text is ``event``. Never raises."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post(event_id, event_type, self._body(event))
        except TimeoutError:
            return Outcome(0, f"no answer within {self._seconds:g} s")
        except ForbiddenAddressError as error:
            return Outcome(0, str(error))
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, OSError) as error:
            return Outcome(0, f"{type(error).__name__}: {error}"[:300])
        except Exception as error:  # a receiver must not end the deliveries, whatever it makes our libraries raise
            _log.error("an error of Waybell's own; please report this", event=event_id, exc_info=error)
            return Outcome(0, f"it could not be sent: {type(error).__name__}")

    def _body(self, event: str) -> bytes:
        webhook = self._webhook
        if not webhook.template:
            return event.encode()
        return render(webhook.template, webhook.content_type, json.loads(event)).encode("utf-8", "replace")

    async def _post(self, event_id: str, event_type: str, body: bytes) -> Outcome:
        webhook = self._webhook
        headers = {
            "Content-Type": f"{webhook.content_type if webhook.template else CONTENT_TYPE}; charset=utf-8",
            "User-Agent": self._agent,
            "Waybell-Event": event_type,
            "Waybell-Event-Id": event_id.encode("ascii", "backslashreplace").decode(),
            HEADER: sign(webhook.secret.get_secret_value(), body, int(time.time())),
        }
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        async with self._pool.stream("POST", webhook.url, headers=[*_host(webhook.url), *sent], content=body) as answer:
            length = 0
            async for part in answer.aiter_stream():
                length += len(part)
                if length > _MOST_ANSWER:
                    break
            return _outcome(answer)


def _host(url: str) -> list[tuple[bytes, bytes]]:
    parsed = httpcore2.URL(url)
    port = b"" if parsed.port is None else b":%d" % parsed.port
    return [(b"Host", parsed.host + port)]


def _outcome(answer: httpcore2.Response) -> Outcome:
    if 200 <= answer.status < 300:
        return Outcome(answer.status)
    after = next((value for name, value in answer.headers if name.lower() == b"retry-after"), b"")
    wait = float(after) if after.isdigit() and len(after) < 6 else 0.0
    told = "redirects are not followed" if 300 <= answer.status < 400 else "the receiver did not take it"
    return Outcome(answer.status, f"answer {answer.status}: {told}", wait)


def _certificates() -> ssl.SSLContext:
    return httpcore2.default_ssl_context()
