"""Who may use the AMI door, from where, and for which calls."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

NUMBER = r"\+?[0-9]{1,20}"
"""A number as clients write it: digits, perhaps a plus before them."""

_PLACE = "{NUMBER}"
_TEMPLATE = re.compile(r"[A-Za-z0-9]+(/[\w@.:{}+-]+)*", re.ASCII)
_NAME = re.compile(r"[\w.@-]{1,40}", re.ASCII)
_CONTEXT = re.compile(r"[\w.-]{1,80}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AmiUser:
    """One user of the door.

    ``networks`` are all it may log in from; loopback needs an entry too. ``channel`` is the template of its calls:
    ``SIP/trunk`` takes ``Channel: SIP/trunk/79001234567``, ``SIP/{NUMBER}@trunk`` takes ``SIP/79001234567@trunk``.
    ``contexts`` are the names its requests may carry. Raises :class:`ValueError` for what could never be meant.
    """

    name: str
    secret: str = field(repr=False)
    networks: tuple[Network, ...]
    channel: str
    contexts: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuses a user that anybody, or nobody, could be."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"ami user {self.name!r}: name: up to 40 letters, digits and . @ _ - are allowed")
        if not self.secret or self.secret != self.secret.strip() or not self.secret.isprintable():
            raise ValueError(f"ami user {self.name}: secret: printable text without blanks around it is allowed")
        if not self.networks:
            raise ValueError(f"ami user {self.name}: networks: at least one is needed, such as 127.0.0.0/8")
        if not _TEMPLATE.fullmatch(self.channel) or not _one_place(self.channel):
            allowed = "SIP/trunk, SIP/{NUMBER}@trunk and the like are allowed, with {NUMBER} once at most"
            raise ValueError(f"ami user {self.name}: channel: {allowed}")
        if not self.contexts or not all(map(_CONTEXT.fullmatch, self.contexts)):
            raise ValueError(f"ami user {self.name}: context: names of letters, digits and . _ - are allowed")

    @property
    def is_workplace(self) -> bool:
        """Whether its calls name a phone of the PBX (``SIP/101``) and not a number behind a trunk."""
        return re.fullmatch(r"[A-Za-z0-9]+(/\{NUMBER\})?", self.channel) is not None

    def may_come_from(self, address: Address) -> bool:
        """Whether it may log in from ``address``."""
        return any(address in network for network in self.networks)

    def number_in(self, channel: str) -> str | None:
        """The number in ``channel``, as written; ``None`` when this is not exactly the template with a number in it."""
        template = self.channel if _PLACE in self.channel else f"{self.channel}/{_PLACE}"
        before, _, after = template.partition(_PLACE)
        match = re.fullmatch(f"{re.escape(before)}({NUMBER}){re.escape(after)}", channel)
        return match[1] if match else None


def _one_place(template: str) -> bool:
    rest = template.replace(_PLACE, "", 1)
    return "{" not in rest and "}" not in rest


def read_address(text: str) -> Address | None:
    """A peer's address as a socket gives it; ``None`` when it is none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # A socket that listens on both families shows an IPv4 peer as ::ffff:a.b.c.d.
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def by_name(users: Sequence[AmiUser]) -> dict[str, AmiUser]:
    """``users`` by their names. Raises :class:`ValueError` when two have the same, or there is none."""
    found = {user.name: user for user in users}
    if len(found) < len(users):
        raise ValueError("ami.users: two users have the same name")
    if not found:
        raise ValueError("ami.users: the door is open but has no user; list one, or leave ami.listen empty")
    return found
