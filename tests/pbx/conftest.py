"""A real Asterisk and phones around it for the tests in this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.asterisk import Asterisk
from lab.phone import Phone
from lab.rootfs import rootfs_path

MakeAsterisk = Callable[..., Awaitable[Asterisk]]
MakePhones = Callable[[Asterisk], Awaitable["Phones"]]


@dataclass(frozen=True, slots=True)
class Phones:
    """The two sides of a PBX: ``provider`` is the trunk's peer, ``office`` is all extensions at once."""

    provider: Phone
    office: Phone


@pytest.fixture(scope="session")
def rootfs() -> Path:
    """Asterisk's root file system; made first where it is missing."""
    return rootfs_path()


@pytest.fixture
async def asterisk(rootfs: Path) -> AsyncIterator[MakeAsterisk]:
    """``pbx = await asterisk(extra_files=…)``: ready for calls, gone after the test. Takes what ``Asterisk`` takes."""
    async with AsyncExitStack() as stack:

        async def make(**options: Any) -> Asterisk:
            pbx = await stack.enter_async_context(Asterisk(rootfs, **options))
            # A graceful end takes Asterisk a second for nothing that a test looks at.
            stack.push_async_callback(pbx.kill9)
            return pbx

        yield make


@pytest.fixture
async def phones() -> AsyncIterator[MakePhones]:
    """``around = await phones(pbx)``: the provider and the office's phones, switched on until the test ends."""
    async with AsyncExitStack() as stack:

        async def make(pbx: Asterisk) -> Phones:
            provider = await stack.enter_async_context(Phone(pbx.trunk_address, pbx.sip_address))
            office = await stack.enter_async_context(Phone(pbx.phones_address, pbx.sip_address))
            return Phones(provider, office)

        yield make


def dialplan(text: str) -> Mapping[str, str]:
    """``extra_files`` with ``text`` in the place of Waybell's dialplan."""
    return {"waybell.conf": text}
