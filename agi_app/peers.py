"""Who may connect: loopback, and the networks an admin lists."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

_REMEMBERED = 1024


class Peers:
    """Decides by address. A FastAGI server is believed to be Asterisk's own: foreign peers may only cost work."""

    def __init__(self, networks: Sequence[Network]) -> None:
        """``networks`` (``agi.allow_remote``); loopback needs no entry."""
        self._networks = tuple(networks)
        self._verdicts: dict[str, bool] = {}

    def allowed(self, address: str) -> bool:
        """Whether ``address`` (IPv4 or IPv6 as text, as a socket gives it) may connect."""
        verdict = self._verdicts.get(address)
        if verdict is None:
            if len(self._verdicts) >= _REMEMBERED:
                self._verdicts.clear()
            verdict = self._verdicts[address] = self._decide(address)
        return verdict

    def _decide(self, address: str) -> bool:
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        # A socket that listens on both families shows an IPv4 peer as ::ffff:a.b.c.d.
        if isinstance(peer, IPv6Address) and peer.ipv4_mapped:
            peer = peer.ipv4_mapped
        return peer.is_loopback or any(peer in network for network in self._networks)
