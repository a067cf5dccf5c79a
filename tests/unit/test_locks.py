"""The lock files: complete, hashed, and silent about where anything was fetched."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
_PIN = re.compile(
    r"(?P<name>[\w.-]+)==(?P<version>\S+)(?: ; (?P<marker>.+?))?(?P<hashes>(?: --hash=sha256:[0-9a-f]{64})+)"
)


def lines(name: str) -> Iterator[str]:
    text = (ROOT / "requirements" / f"{name}.lock").read_text().replace("\\\n", "")
    yield from (" ".join(line.split()) for line in text.splitlines())


def pins(name: str) -> dict[str, str]:
    """Package → version, of those for the platform that runs the tests."""
    found = [match for match in map(_PIN.fullmatch, lines(name)) if match]
    return {m["name"]: m["version"] for m in found if not m["marker"] or Marker(m["marker"]).evaluate()}


def wanted(*groups: str) -> list[Requirement]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    texts = [
        *project["project"]["dependencies"],
        *(text for group in groups for text in project["dependency-groups"][group]),
    ]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("name", ["run", "dev"])
def test_every_line_is_one_version_with_its_hashes_and_nothing_else(name: str) -> None:
    # No registry's address, no option, no path of the machine that wrote it.
    assert [line for line in lines(name) if not _PIN.fullmatch(line)] == []


@pytest.mark.parametrize(("name", "groups"), [("run", ["build"]), ("dev", ["build", "dev"])])
def test_every_requirement_of_the_project_is_locked_in_a_version_it_allows(name: str, groups: list[str]) -> None:
    locked = pins(name)
    for requirement in wanted(*groups):
        version = locked.get(canonicalize_name(requirement.name), "none")
        assert requirement.specifier.contains(version), f"{requirement} in {name}.lock: {version}; ./run lock mends it"


def test_the_tests_run_with_the_versions_that_users_get() -> None:
    assert pins("run").items() <= pins("dev").items()


def test_users_get_none_of_the_tests_tools() -> None:
    assert not {"pytest", "mypy", "ruff", "hypothesis", "pyst2"} & pins("run").keys()
