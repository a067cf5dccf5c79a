from __future__ import annotations

from pathlib import Path

import pytest

from waybell.checks import calls
from waybell.checks.findings import Site, Status
from waybell.checks.run import ORDER, run_checks
from waybell.settings import Settings


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [("", Status.WARNING, "calls.company_number is not set"), ("+74951234567", Status.OK, "sees +74951234567")],
)
async def test_an_unset_company_number_is_told_with_the_setting(number: str, status: Status, said: str) -> None:
    [found] = await calls.check_calls(Site(Settings.model_validate({"calls": {"company_number": number}})))
    assert (found.check, found.status) == ("calls", status)
    assert said in found.message
    assert ("set calls.company_number" in found.advice) is (not number)


async def test_it_is_one_of_all_checks(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "ari": {"url": "http://127.0.0.1:1"},
            "crm": {"url": f"sqlite+aiosqlite:///{tmp_path}/crm.db"},
            "store": {"url": f"sqlite+aiosqlite:///{tmp_path}/store.db"},
            "cel": {"path": str(tmp_path / "cel.csv")},
        }
    )
    found = await run_checks(Site(settings, tmp_path, deadline=2.0))
    assert [finding.status for finding in found if finding.check == "calls"] == [Status.WARNING]
    assert "calls" in ORDER
