from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from waybell.routing import flow as flows
from waybell.routing.flow import FlowError, default_flow, load_flow

DEFAULT = Path(flows.__file__).with_name("default.yaml")


def changed(tmp_path: Path, *path: str, value: Any) -> Path:
    """The default flow with one thing changed; ``...`` takes it out."""
    document = yaml.safe_load(DEFAULT.read_text("utf-8"))
    place = document
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    file = tmp_path / "own.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    return file


def test_the_default_flow_loads_with_all_its_nodes() -> None:
    ways = {"find", "parcels", "choose", "courier", "manager", "office"}
    assert set(default_flow().nodes) == ways | {"rate", "comment", "end"}


def test_an_admins_own_flow_is_a_changed_copy(tmp_path: Path) -> None:
    flow = load_flow(changed(tmp_path, "nodes", "courier", "show", value="caller"))
    assert flow.nodes["courier"].show == "caller"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("start",), "nowhere", "'nowhere' is no node"),
        (("start",), ..., "is no node"),
        (("colour",), "red", "unknown 'colour'"),
        (("nodes",), [], "a mapping was expected"),
        (("nodes", "find", "element"), "dance", "allowed: find, parcels, menu, dial, rate, comment, hangup"),
        (("nodes", "find", "order"), ["nobody"], "nodes.find.order"),
        (("nodes", "find", "order"), [], "nodes.find.order"),
        (("nodes", "find", "order"), ..., "nodes.find.order"),
        (("nodes", "choose", "attempts"), 0, "allowed: 1 to 10"),
        (("nodes", "choose", "seconds"), "six", "allowed: 1 to 60"),
        (("nodes", "courier", "to"), "900", "allowed: courier, manager, office"),
        (("nodes", "courier", "to"), ..., "needs both 'to' and 'show'"),
        (("nodes", "courier", "exits", "busy"), ..., "'busy' leads nowhere"),
        (("nodes", "courier", "exits", "busy"), "gone", "'gone' is no node"),
        (("nodes", "courier", "exits", "sneezed"), "end", "unknown 'sneezed'"),
        (("nodes", "a.b,c"), {"element": "hangup"}, "'a.b,c'"),
    ],
)
def test_a_wrong_flow_is_refused_with_the_place_and_what_is_allowed(
    tmp_path: Path, path: tuple[str, ...], value: Any, said: str
) -> None:
    with pytest.raises(FlowError, match=r"own\.yaml") as error:
        load_flow(changed(tmp_path, *path, value=value))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"nodes: [", b"\xff\xfe", b"- a"])
def test_a_file_that_is_no_flow_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "own.yaml"
    file.write_bytes(content)
    with pytest.raises(FlowError, match=r"own\.yaml") as error:
        load_flow(file)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"none\.yaml"):
        load_flow(tmp_path / "none.yaml")
