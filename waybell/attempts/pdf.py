"""The attempts as a PDF. A process of its own (:mod:`waybell.attempts.printing`): with a font it takes some 40 MB.

The letters are drawn with a font of the system's, and go into the file: PDF's own fonts know no Cyrillic.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

from waybell.attempts.printing import NO_FONT, NoFontError
from waybell.attempts.telling import Row, Told

_FONTS: Final = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
    "/usr/share/fonts/TTF/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
    "/usr/share/fonts/liberation-sans/LiberationSans-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/noto/NotoSans-Regular.ttf",
)
_FAMILY = "sheet"
_WIDTHS = (36, 44, 26, 14, 72, 33, 48)  # millimetres, of the 273 that are left of A4's longer side
_HEADING, _THEIRS = FontFace(fill_color=(235, 235, 235)), FontFace(fill_color=(247, 247, 247))
# What the font has no letter for is drawn as a box; that is not worth a line in the log each time.
logging.getLogger("fpdf").setLevel(logging.ERROR)
logging.getLogger("fontTools").setLevel(logging.ERROR)


def font_path(chosen: str = "") -> Path:
    """The font ``chosen`` in the settings, or the first that the system has. Raises :class:`NoFontError`."""
    found = next((path for path in map(Path, (chosen,) if chosen else _FONTS) if path.is_file()), None)
    if found is None:
        where = f"attempts.font names {chosen}, which is no file" if chosen else "this system has no font for it"
        raise NoFontError(f"{where}: install fonts-dejavu-core, or name a TrueType font in attempts.font")
    return found


def pdf(told: Told, font: Path, made_at: datetime) -> bytes:
    """The file; as many pages as it needs, each of which says how many there are. Raises :class:`NoFontError`."""
    page = _Page(told)
    try:
        page.add_font(_FAMILY, fname=font)
    except Exception as error:  # whatever a file may hold that is no font
        raise NoFontError(f"{font} cannot be used as a font: name another TrueType font in attempts.font") from error
    page.set_title(told.title)
    page.set_creator("Waybell")
    page.set_lang(told.language)
    page.set_creation_date(made_at)
    page.set_margin(12)
    page.set_auto_page_break(auto=True, margin=14)
    page.add_page()
    page.line_of(told.title, 14)
    page.line_of(told.summary, 9)
    page.ln(2)
    page.lines(told)
    page.ln(2)
    for note in told.notes:
        page.line_of(note, 8)
    return bytes(page.output())


class _Page(FPDF):
    def __init__(self, told: Told) -> None:
        super().__init__(orientation="landscape", format="A4")
        self._told = told

    def footer(self) -> None:
        """How many pages there are stands on each."""
        self.set_y(-10)
        self.set_font(_FAMILY, size=7)
        pages = self._told.page.format(page=self.page_no(), pages=self.str_alias_nb_pages)
        self.cell(0, 5, pages, align="R")

    def line_of(self, text: str, size: int) -> None:
        """A paragraph."""
        self.set_font(_FAMILY, size=size)
        self.multi_cell(0, size * 0.5, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def lines(self, told: Told) -> None:
        """The table; its headings stand on every page."""
        self.set_font(_FAMILY, size=8)
        with self.table(col_widths=_WIDTHS, line_height=4, headings_style=_HEADING, text_align="LEFT") as table:
            _cells(table.row(), told.headings)
            for row in told.rows:
                style = None if row.ours else _THEIRS
                texts = (row.at, row.by, row.number, row.rang, row.ended, row.verdict, row.id)
                _cells(table.row(style=style), texts)


def _cells(row: object, texts: Sequence[str]) -> None:
    for text in texts:
        row.cell(text)  # type: ignore[attr-defined]


def main() -> int:
    """JSON on standard input, the file on standard output; :data:`NO_FONT` and a sentence when there is no font."""
    asked = json.load(sys.stdin)
    rows = tuple(Row(**row) for row in asked["told"].pop("rows"))
    headings, notes = (tuple(asked["told"].pop(name)) for name in ("headings", "notes"))
    told = Told(**asked["told"], rows=rows, headings=headings, notes=notes)
    try:
        made = pdf(told, font_path(asked["font"]), datetime.fromisoformat(asked["made_at"]))
    except NoFontError as error:
        sys.stderr.write(str(error))
        return NO_FONT
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
