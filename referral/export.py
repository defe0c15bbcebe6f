"""The weekly intake log as a table: one row an intake, one column a Column of the plan. Pure; coded values only.

The same intakes give the same table: rows by time of receipt and id, no clock, nothing that depends on when it is made.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from referral.book import Column, ExportPlan, ReferralBook
from referral.coded import ALLOWED, Cell, Entry
from referral.model import Intake, Problem, Referral

ID = "intake.id"
"""Every plan has this column: without it no row could be reconciled."""

_RUNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "﹦", "﹢", "﹣", "﹫", "−")
"""What spreadsheets take for the beginning of a formula, with the full-width, small and minus forms they also accept
(OWASP, CSV Injection). Tab, carriage return and line feed begin a cell no better."""

_BLANK = " \t\r\n\v\f\u00a0\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u3000\ufeff\0"


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet: its columns and, row by row, one cell a column. Text is harmless in a spreadsheet; figures are int."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


def weekly_rows(
    plan: ExportPlan, intakes: Iterable[Intake], referrals: Iterable[Referral], book: ReferralBook
) -> Table:
    """One row an intake, oldest first. Raises ValueError for a plan that `column_problems` refuses."""
    problems = column_problems(plan)
    if problems:
        raise ValueError(str(problems[0]))
    sources = [ALLOWED[column.value] for column in plan.columns]
    rows = [tuple(harmless(source.read(entry)) for source in sources) for entry in _entries(intakes, referrals, book)]
    return Table(plan.columns, tuple(rows))


def column_problems(plan: ExportPlan) -> list[Problem]:
    """Columns that must not load: what could carry a person's words or identity, repeated keys, a log without its code."""
    where = f"export {plan.id}"
    found = [
        Problem(
            f"{where}, column {column.key}",
            f"`{column.value}` is not on the list of coded values, so it could carry words or an identity",
            f"Use one of {', '.join(ALLOWED)}.",
        )
        for column in plan.columns
        if column.value not in ALLOWED
    ]
    for name in ("key", "heading"):
        found += _repeated(where, name, [getattr(column, name) for column in plan.columns])
    if all(column.value != ID for column in plan.columns):
        found.append(Problem(where, f"no column shows `{ID}`", f"Add one: rows are reconciled by `{ID}`."))
    return found


def harmless(cell: Cell) -> Cell:
    """The cell so that no spreadsheet runs it: text that begins like a formula gets an apostrophe in front."""
    if isinstance(cell, int):
        return cell
    bare = cell.lstrip(_BLANK)
    return f"'{cell}" if bare.startswith(_RUNS) or cell.startswith(("\t", "\r", "\n")) else cell


def csv_text(table: Table) -> str:
    """The table as RFC 4180: a line of headings, then the rows, each ended by CRLF, quotes only where needed."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow([harmless(column.heading) for column in table.columns])
    writer.writerows(table.rows)
    return written.getvalue()


def ids_in(text: str, columns: Sequence[Column]) -> tuple[str, ...]:
    """The ids of the intakes that a written CSV holds: read back, not remembered."""
    at = next(place for place, column in enumerate(columns) if column.value == ID)
    return tuple(_given(row[at]) for row in list(csv.reader(io.StringIO(text, newline="")))[1:])


# -------------------------------------------------------------------------------------------------------------- parts


def _given(cell: str) -> str:
    """The text that `harmless` made this cell of."""
    return cell[1:] if cell.startswith("'") and harmless(cell[1:]) == cell else cell


def _entries(intakes: Iterable[Intake], referrals: Iterable[Referral], book: ReferralBook) -> list[Entry]:
    of_intake: dict[str, list[Referral]] = {}
    for one in sorted(referrals, key=lambda one: (one.created_at, one.id)):
        of_intake.setdefault(one.intake, []).append(one)
    ordered = sorted(intakes, key=lambda intake: (intake.created_at, intake.id))
    return [Entry(intake, tuple(of_intake.get(intake.id, ())), book) for intake in ordered]


def _repeated(where: str, name: str, given: Sequence[str]) -> list[Problem]:
    return [
        Problem(where, f"the {name} `{one}` is used by two columns", f"Give one of them another {name}.")
        for one in sorted(set(given))
        if given.count(one) > 1
    ]
