"""Where Asterisk's REST interface is, and as whom we ask there."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode


@dataclass(frozen=True, slots=True)
class Access:
    """``url`` is Asterisk's HTTP server (``http://127.0.0.1:8088``, with its prefix where ``http.conf`` has one).

    ``app`` names our Stasis application: two instances on one Asterisk must not share it. ``deadline``: seconds for
    one question with its answer; ``connections``: most at once, of the 100 that Asterisk has for all.
    """

    url: str
    user: str
    password: str = field(repr=False)
    app: str = "waybell"
    deadline: float = 2.0
    connections: int = 8

    @property
    def rest_url(self) -> str:
        """What the paths of the REST interface are put behind."""
        return f"{self.url.rstrip('/')}/ari"

    @property
    def events_url(self) -> str:
        """The websocket of our application's events. It has none before something is subscribed to.

        Not with ``subscribeAll``: that takes the states of devices in too, and when such a connection closes while a
        device changes, Asterisk's event threads lock each other for ever (asterisk/asterisk issue 2170).
        """
        scheme, _, rest = self.rest_url.partition("://")
        query = urlencode({"app": self.app, "subscribeAll": "false"}, quote_via=quote)
        return f"{'wss' if scheme == 'https' else 'ws'}://{rest}/events?{query}"

    @property
    def authorization(self) -> str:
        """The header of HTTP Basic; a query string would stand in logs."""
        return "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode()
