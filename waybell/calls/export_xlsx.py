"""Calls as a workbook of Excel's, written row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, BinaryIO, Self

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from waybell.calls.export_cells import HEADER, cells

# Excel's own limits: rows of a sheet, the header among them, and characters of a cell.
MOST_ROWS = 1_048_576
_MOST_CELL = 32_767
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    "nan_inf_to_errors": True,
}


class Workbook:
    """A context manager. What is written waits in temporary files until :meth:`finish` packs it."""

    def __init__(self, file: BinaryIO, most_rows: int | None = None) -> None:
        self._book = xlsxwriter.Workbook(file, _OPTIONS)
        self._most_rows = most_rows or MOST_ROWS
        self._bold = self._book.add_format({"bold": True})
        self._sheets = 0
        self._sheet, self._row = self._next_sheet()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sheet in self._book.worksheets():
            sheet._opt_close()

    def add(self, rows: Sequence[Mapping[Any, Any]]) -> None:
        """Writes a line for each call. All text is a string cell: nothing is ever a formula or a link."""
        for row in rows:
            if self._row == self._most_rows:
                self._sheet, self._row = self._next_sheet()
            for column, cell in enumerate(cells(row)):
                if isinstance(cell, str):
                    self._sheet.write_string(self._row, column, cell[:_MOST_CELL])
                elif cell is not None:
                    self._sheet.write_number(self._row, column, cell)
            self._row += 1

    def finish(self) -> None:
        """Packs it into the file."""
        self._book.close()

    def _next_sheet(self) -> tuple[Worksheet, int]:
        self._sheets += 1
        sheet = self._book.add_worksheet(f"calls {self._sheets}")
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(HEADER):
            sheet.write_string(0, column, name, self._bold)
        return sheet, 1
