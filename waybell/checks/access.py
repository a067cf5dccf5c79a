"""Why a file or folder cannot be read, and who has to be let in where."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps this process from a file; ``is_missing`` when nothing is there at all."""

    problem: str
    remedy: str
    is_missing: bool = False


def what_hinders(path: Path) -> Obstacle:
    """The first obstacle on the way to ``path``, which this process cannot read."""
    for place in [*reversed(path.absolute().parents), path]:
        needed = os.R_OK if place == path and not place.is_dir() else os.X_OK
        try:
            status = place.stat()
        except FileNotFoundError:
            return Obstacle(f"{place} does not exist", "correct the path", is_missing=True)
        except OSError as error:
            return Obstacle(f"{place}: {error.strerror}", "see what stands at that place")
        if place != path and not stat.S_ISDIR(status.st_mode):
            return Obstacle(f"{place} is no folder", "correct the path")
        if not os.access(place, needed, effective_ids=True) or (
            place == path and not os.access(place, os.R_OK, effective_ids=True)
        ):
            return Obstacle(f"user {me()} may not read {place} ({describe(status)})", _let_in(place, status))
    return Obstacle(f"{path} is not what it should be", "correct the path")


def is_there(path: Path) -> bool:
    """Whether this process can see ``path``; unlike ``Path.exists`` false, too, behind a folder closed to us."""
    return os.access(path, os.F_OK, effective_ids=True)


def describe(status: os.stat_result) -> str:
    """Owner, group and mode as ``ls -l`` shows them."""
    return f"{_user(status.st_uid)}:{_group(status.st_gid)} {stat.filemode(status.st_mode)}"


def me() -> str:
    """The user that this process runs as."""
    return _user(os.geteuid())


def _let_in(place: Path, status: os.stat_result) -> str:
    letters = "rx" if place.is_dir() else "r"
    bits = stat.S_IXGRP | stat.S_IRGRP if place.is_dir() else stat.S_IRGRP
    if status.st_gid == 0:
        return f"chgrp asterisk {place} && chmod g+{letters} {place}, then usermod -aG asterisk {me()}"
    orders = [] if status.st_mode & bits == bits else [f"chmod g+{letters} {place}"]
    if status.st_gid not in (os.getegid(), *os.getgroups()):
        orders.append(f"usermod -aG {_group(status.st_gid)} {me()}")
    return " && ".join(orders) + ", then start Waybell again"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
