"""An ARI server that behaves as the recorded Asterisk did: HTTP and the event websocket on one port."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ari_app.access import Access
from tests.loopback.ari.recording import FIRST, Scene, read

STARTED = "2026-11-22T05:26:35.123+0000"
_NO_CHANNEL = JSONResponse({"message": "Channel not found"}, 404)


class FakeAri:
    """``async with FakeAri() as ari: …``; ``scene`` names the recording that the next calls follow.

    ``alive`` are the channels there are, ``doing`` where each is in the dialplan, ``bridges`` who is in each;
    ``originated`` the bodies of what was asked for, ``allowed`` and ``sources`` what is subscribed to. A scene stops at
    its mark, where we ended the call, until the channel is deleted. The answer to an originate comes after its events,
    as it may.
    """

    def __init__(self, app: str = "waybell") -> None:
        self.scene = "first_answers_dialplan_ends"
        self.password = "secret"
        self.app = app
        self.alive: set[str] = set()
        self.doing: dict[str, dict[str, str]] = {}
        self.bridges: list[list[str]] = []
        self.originated: list[dict[str, Any]] = []
        self.deleted: list[dict[str, str]] = []
        self.allowed: frozenset[str] = frozenset()
        self.sources: list[str] = []
        self.instead: Response | None = None
        self._waiting: dict[str, tuple[str, ...]] = {}
        self._calls = 0
        self._sockets: dict[str, WebSocket] = {}

    async def __aenter__(self) -> Self:
        await self.start(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Address of the fake."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def access(self) -> Access:
        """As whom to ask here."""
        return Access(self.url, "waybell", self.password, app=self.app)

    async def start(self, port: int) -> None:
        """Listens on ``port``; 0 takes a free one."""
        listening = socket.create_server(("127.0.0.1", port))
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else a body waits 40 ms for its head
        self.port = int(listening.getsockname()[1])
        config = uvicorn.Config(
            self._routes(), ws="websockets-sansio", log_config=None, log_level="critical", lifespan="off"
        )
        config.timeout_graceful_shutdown = 1
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]))

    async def stop(self) -> None:
        """Ends as Asterisk does when it stops: calls and connections are gone."""
        self.alive.clear()
        for connected in self._sockets.values():
            with suppress(RuntimeError, WebSocketDisconnect):
                await connected.close(1001)
        self._server.should_exit = True
        await self._task

    async def send(self, text: str, app: str = "") -> None:
        """Sends ``text`` to whoever listens for events."""
        if connected := self._sockets.get(app or self.app):
            with suppress(RuntimeError, WebSocketDisconnect):
                await connected.send_text(text)

    def _routes(self) -> Starlette:
        return Starlette(
            routes=[
                WebSocketRoute("/ari/events", self._events),
                Route("/ari/channels", self._guarded(self._originate), methods=["POST"]),
                Route("/ari/channels", self._guarded(self._channels), methods=["GET"]),
                Route("/ari/channels/{id}", self._guarded(self._delete), methods=["DELETE"]),
                Route("/ari/bridges", self._guarded(self._bridges), methods=["GET"]),
                Route("/ari/asterisk/info", self._guarded(self._info), methods=["GET"]),
                Route("/ari/applications/{app}/eventFilter", self._guarded(self._filter), methods=["PUT"]),
                Route("/ari/applications/{app}/subscription", self._guarded(self._subscribe), methods=["POST"]),
            ]
        )

    def _guarded(self, answer: Any) -> Any:
        async def guarded(request: Request) -> Response:
            if request.headers.get("Authorization") != self.access.authorization:
                return JSONResponse({"message": "Authentication required"}, 401)
            return self.instead or await answer(request)

        return guarded

    async def _events(self, connected: WebSocket) -> None:
        if connected.headers.get("Authorization") != self.access.authorization:
            await connected.send_denial_response(Response(status_code=401))
            return
        app = connected.query_params["app"]
        await connected.accept()
        await self.send(json.dumps({"type": "ApplicationReplaced", "application": app}), app)
        self._sockets[app] = connected
        with suppress(WebSocketDisconnect):
            while True:
                await connected.receive_text()
        if self._sockets.get(app) is connected:
            del self._sockets[app]
            self.sources = []

    async def _originate(self, request: Request) -> Response:
        body = await request.json()
        self.originated.append(body)
        channel = body["channelId"]
        if channel in self.alive:
            return JSONResponse({"message": "Channel with given unique ID already exists"}, 409)
        if not body["endpoint"].endswith("@trunk"):
            return JSONResponse({"error": "Allocation failed"}, 500)
        self._calls += 1
        scene = _renamed(read(self.scene), channel, self._calls)
        if scene.mark == "we":
            self._waiting[channel] = scene.after
            await self._play(scene.before)
        else:
            await self._play(scene.messages)
        return JSONResponse({"id": channel, "state": "Down"})

    async def _delete(self, request: Request) -> Response:
        channel = request.path_params["id"]
        if channel not in self.alive:
            return _NO_CHANNEL
        self.deleted.append({"id": channel, **request.query_params})
        await self._play(self._waiting.pop(channel, ()))
        self.alive.discard(channel)
        return Response(status_code=204)

    async def _channels(self, _request: Request) -> Response:
        idle = {"context": "default", "exten": "s", "priority": 1, "app_name": "", "app_data": ""}
        found = [{"id": one, "state": "Up", "dialplan": idle | self.doing.get(one, {})} for one in sorted(self.alive)]
        return JSONResponse(found)

    async def _bridges(self, _request: Request) -> Response:
        return JSONResponse([{"id": str(number), "channels": ids} for number, ids in enumerate(self.bridges)])

    async def _info(self, _request: Request) -> Response:
        return JSONResponse({"status": {"startup_time": STARTED, "last_reload_time": STARTED}})

    async def _filter(self, request: Request) -> Response:
        body = await request.json()
        self.allowed = frozenset(one["type"] for one in body["allowed"])
        return JSONResponse({"name": request.path_params["app"]})

    async def _subscribe(self, request: Request) -> Response:
        if request.path_params["app"] not in self._sockets:
            return JSONResponse({"message": "Application does not exist."}, 404)
        self.sources = request.query_params["eventSource"].split(",")
        return JSONResponse({"name": request.path_params["app"]})

    async def _play(self, messages: tuple[str, ...]) -> None:
        for text in messages:
            event = json.loads(text)
            if event["type"] == "ChannelCreated":
                self.alive.add(event["channel"]["id"])
            elif event["type"] == "ChannelDestroyed":
                self.alive.discard(event["channel"]["id"])
            if event["type"] in self.allowed and self.sources:
                await self.send(text)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _renamed(scene: Scene, first: str, number: int) -> Scene:
    """``scene`` with ids of its own for the ``number``-th call."""
    created = [event for text in scene.messages if (event := json.loads(text))["type"] == "ChannelCreated"]
    names = {event["channel"]["id"]: f"{event['channel']['id']}-{number}" for event in created} | {FIRST: first}

    def renamed(messages: tuple[str, ...]) -> tuple[str, ...]:
        out = []
        for text in messages:
            for old, new in names.items():
                text = text.replace(f'"{old}"', f'"{new}"')
            out.append(text)
        return tuple(out)

    return Scene(renamed(scene.before), scene.mark, renamed(scene.after))
