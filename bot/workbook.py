"""Sheets → the bytes of an XLSX file. The same sheets give the same bytes; no cell is ever a formula, a link or a guess."""

from __future__ import annotations

import io
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from referral.coded import Cell
from referral.export import harmless

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
"""A fixed date of making inside the file: the real one is in the audit, and a repeat gives the same bytes."""
_OPTIONS = {
    "in_memory": True,  # no temporary files of intakes on disk
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_format_properties": {"font_name": "Times New Roman", "font_size": 11, "valign": "top"},
}
_A4 = 9


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. The first row is its heading, and stays in sight. `widths` are in characters, one a column."""

    name: str
    rows: Sequence[Sequence[Cell]]
    widths: Sequence[int]
    bold: frozenset[int] = frozenset()


def workbook(title: str, sheets: Sequence[Sheet]) -> bytes:
    """The file. Text is written as constant text, figures as numbers. Raises ValueError for text no cell can hold."""
    import xlsxwriter  # a tenth of a second of every start, for one export a week

    written = io.BytesIO()
    # It takes out of what it is given: the second file of a process would have other bytes than the first.
    with xlsxwriter.Workbook(written, deepcopy(_OPTIONS)) as book:
        book.set_properties({"title": title, "author": "", "created": CREATED})
        heading = book.add_format({"bold": True, "text_wrap": True, "bottom": 1, "bg_color": "#EDEDED"})
        plain = book.add_format({"text_wrap": True, "num_format": "@"})
        figure = book.add_format({"num_format": "0"})
        for sheet in sheets:
            _fill(book.add_worksheet(sheet.name), sheet, heading, plain, figure)
    return written.getvalue()


def _fill(page: Worksheet, sheet: Sheet, heading: Format, plain: Format, figure: Format) -> None:
    for column, width in enumerate(sheet.widths):
        page.set_column(column, column, width)
    page.freeze_panes(1, 0)
    page.repeat_rows(0)
    page.set_landscape()
    page.set_paper(_A4)
    page.fit_to_pages(1, 0)
    page.set_footer("&C&P/&N")
    for at, row in enumerate(sheet.rows):
        style = heading if at == 0 or at in sheet.bold else plain
        for column, cell in enumerate(row):
            # The library leaves out what does not fit (over 32,767 characters) and only says so in what it returns.
            if _write(page, at, column, cell, figure if isinstance(cell, int) else style):
                raise ValueError(f"sheet {sheet.name}, row {at + 1}, column {column + 1} does not fit: shorten it")


def _write(page: Worksheet, row: int, column: int, cell: Cell, style: Format) -> int:
    if isinstance(cell, int):
        return page.write_number(row, column, cell, style)
    return page.write_string(row, column, str(harmless(cell)), style)
