"""Which addresses a webhook may be sent to, however they are written."""

from __future__ import annotations

import pytest

from waybell.webhooks.addresses import is_allowed

OUTSIDE = ("8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808")
PRIVATE = ("127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "fd12::1", "100.64.0.1", "::ffff:10.0.0.1")
NEVER = (
    *("169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::"),
    *("fd00:ec2::254", "100.100.100.200", "::ffff:100.100.100.200", "192.0.0.192", "0.0.0.0", "::", "224.0.0.1"),
    *("ff02::1", "255.255.255.255", "240.0.0.1", "::169.254.169.254", "", "localhost", "2130706433"),
)


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_outside_is_allowed(address: str) -> None:
    assert is_allowed(address, allow_private=False)
    assert is_allowed(address, allow_private=True)


@pytest.mark.parametrize("address", PRIVATE)
def test_the_inside_is_allowed_only_where_it_is_set(address: str) -> None:
    assert not is_allowed(address, allow_private=False)
    assert is_allowed(address, allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_some_are_never_allowed(address: str) -> None:
    assert not is_allowed(address, allow_private=False)
    assert not is_allowed(address, allow_private=True)
