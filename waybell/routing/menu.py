"""The spoken choice between several couriers: what it offers, and the prompts to play one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from waybell.routing.state import Choice, State, encode, short_name

_DIGITS_SPOKEN = 4
"""A parcel is told from the others by the end of its number; nobody listens to twelve digits nine times."""

# Bytes of state and prompts together that leave an answer to the dialplan room for its note and what stands around.
_ROOM = 2850
_NAMES = (20, 10, 0)


def menu_prompts(choices: Sequence[Choice], *, again: bool) -> list[str]:
    """The prompts' names: "Your parcels are with several couriers. For the parcel ending in 1 0 press 1. …"."""
    spoken = ["menu-wrong" if again else "menu-intro"]
    for key, choice in enumerate(choices, start=1):
        spoken += ["menu-parcel", *spoken_digits(choice.parcel), "menu-press", f"digit-{key}"]
    return [f"waybell/{name}" for name in spoken]


def spoken_digits(parcel: str) -> list[str]:
    """The prompts that say the last digits of ``parcel``."""
    return [f"digit-{digit}" for digit in [c for c in parcel if c in "0123456789"][-_DIGITS_SPOKEN:]]


def fitting(state: State) -> tuple[Choice, ...]:
    """The choices of ``state`` that an answer to the dialplan has room for: all with shorter names, or the first ones.

    Names go before keys do: a caller who is not offered their courier cannot reach them.
    """
    for choices in _ever_fewer(state.choices):
        prompts = "&".join(menu_prompts(choices, again=False))
        if len(encode(replace(state, choices=choices))) + len(prompts) <= _ROOM:
            return choices
    return ()


def _ever_fewer(choices: tuple[Choice, ...]) -> Iterator[tuple[Choice, ...]]:
    for longest in _NAMES:
        choices = tuple(
            replace(
                choice,
                courier_name=short_name(choice.courier_name, longest),
                manager_name=short_name(choice.manager_name, longest),
            )
            for choice in choices
        )
        yield choices
    for count in range(len(choices) - 1, 0, -1):
        yield choices[:count]
