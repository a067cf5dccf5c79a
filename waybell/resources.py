"""Where the files that come with Waybell are: SQL, dialplan."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def data_dir(name: str) -> Path:
    """The folder ``name`` (``sql``, ``dialplan``) of the installed package, or else of the checkout.

    Raises :class:`FileNotFoundError` when there is neither: the installation is broken.
    """
    places = (_PACKAGE / "data" / name, _PACKAGE.parent / name)
    for place in places:
        if place.is_dir():
            return place
    tried = " or ".join(str(place) for place in places)
    raise FileNotFoundError(f"Waybell's own folder {name!r} is missing (looked for {tried}); install Waybell again")
