"""Programs of Debian's packages, unpacked into the cache: installed, they would be there for everybody at all times."""

from __future__ import annotations

import asyncio
from pathlib import Path

from lab.rootfs import cache_dir


class NoPackageError(Exception):
    """A package cannot be had; the text says why."""


async def unpacked(package: str) -> Path:
    """The folder that holds the files of ``package`` as ``/`` would. Raises :class:`NoPackageError`."""
    folder = cache_dir() / f"debian-{package}"
    if not (folder / "usr").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        await run("apt-get", "-q", "download", package, cwd=folder)
        for file in folder.glob(f"{package}_*.deb"):
            await run("dpkg", "-x", str(file), str(folder))
    return folder


async def run(*command: str, cwd: Path | None = None) -> None:
    """Runs ``command`` to its end. Raises :class:`NoPackageError` with what it says."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=cwd, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
    except FileNotFoundError:
        raise NoPackageError(f"{command[0]} is not installed here") from None
    _, errors = await process.communicate()
    if process.returncode:
        raise NoPackageError(f"{' '.join(command)}: {errors.decode(errors='replace')}")
