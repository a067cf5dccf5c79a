"""Who is rung, and how: settings that are allowed but seldom meant."""

from __future__ import annotations

from waybell.checks.findings import Finding, Site, ok, warning

CHECK = "calls"


async def check_calls(site: Site) -> list[Finding]:
    """One line."""
    number = site.settings.calls.company_number
    if number:
        return [ok(CHECK, f"whoever we call sees {number}")]
    return [
        warning(
            CHECK,
            "calls.company_number is not set: whoever we call sees no number, and many providers refuse such a call",
            "set calls.company_number to the number that couriers and customers are to see, such as 74951234567",
        )
    ]
