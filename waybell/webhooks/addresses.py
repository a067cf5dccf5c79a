"""Which addresses a webhook may be sent to. A name is looked up once, and what was checked is what is connected to.

So a name that first leads to the outside and then to the inside (DNS rebinding), or a number that is an address in
disguise (``http://2130706433/``), leads nowhere. TLS still asks for the name's certificate.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpcore2
from httpcore2 import SOCKET_OPTION, AsyncNetworkBackend, AsyncNetworkStream

_NAT64, _COMPATIBLE = IPv6Network("64:ff9b::/96"), IPv6Network("::/96")
# Of AWS, Alibaba Cloud and Oracle Cloud; the others have theirs at a link-local address.
_METADATA = frozenset(map(ip_address, ("fd00:ec2::254", "100.100.100.200", "192.0.0.192")))
_MOST_TRIED = 3


class ForbiddenAddressError(Exception):
    """The URL leads where no webhook may be sent; the text says where."""


def is_allowed(text: str, *, allow_private: bool) -> bool:
    """Whether a webhook may be sent to the address ``text``.

    ``allow_private``: to this machine and private networks too; never to link-local ones and the others where clouds
    keep the secrets of their machines.
    """
    try:
        address = _unwrapped(ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if address.is_multicast or address.is_unspecified or address.is_link_local or address in _METADATA:
        return False
    if address.is_global:
        return not (isinstance(address, IPv6Address) and address.is_site_local)
    return allow_private and (address.is_loopback or not address.is_reserved)


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The address of IPv4 that one of IPv6 stands for, if it does."""
    if isinstance(address, IPv4Address) or address.is_loopback or address.is_unspecified:
        return address
    if address in _NAT64 or address in _COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


class CheckedBackend(AsyncNetworkBackend):
    """The network as :mod:`httpcore2` uses it, without the addresses that are not allowed."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- the library's own
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Connects to an allowed address of ``host``. Raises :class:`ForbiddenAddressError` when it has none."""
        error: Exception | None = None
        for address in (await self._allowed(host, port))[:_MOST_TRIED]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as failed:
                error = failed
        raise error or httpcore2.ConnectError(f"{host} has no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
        socket_options: Iterable[SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> AsyncNetworkStream:
        """Never."""
        raise ForbiddenAddressError(f"{path} is no address")

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(seconds)

    async def _allowed(self, host: str, port: int) -> list[str]:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host} cannot be looked up: {error}") from error
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        allowed = [address for address in addresses if is_allowed(address, allow_private=self._allow_private)]
        if addresses and not allowed:
            raise ForbiddenAddressError(
                f"{host} leads to {', '.join(addresses[:_MOST_TRIED])}: private addresses are allowed with "
                "allow_private = true, link-local and metadata ones never"
            )
        return allowed
