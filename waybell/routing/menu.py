"""The spoken choice between several couriers, as a list of prompts to play one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from waybell.routing.state import Choice

_DIGITS_SPOKEN = 4
"""A parcel is told from the others by the end of its number; nobody listens to twelve digits nine times."""


def menu_prompts(choices: Sequence[Choice], *, again: bool) -> list[str]:
    """The prompts' names: "Your parcels are with several couriers. For the parcel ending in 1 0 press 1. …"."""
    spoken = ["menu-wrong" if again else "menu-intro"]
    for key, choice in enumerate(choices, start=1):
        ending = [c for c in choice.parcel if c in "0123456789"][-_DIGITS_SPOKEN:]
        spoken += ["menu-parcel", *(f"digit-{digit}" for digit in ending), "menu-press", f"digit-{key}"]
    return [f"waybell/{name}" for name in spoken]
