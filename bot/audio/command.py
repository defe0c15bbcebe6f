"""`python -m bot audio`: the sheet for a studio, its recordings taken, what is missing, a machine's voice to try it."""

from __future__ import annotations

import argparse
import csv
import io
from datetime import date
from pathlib import Path

from bot.audio.script import ToRead, gaps, script, sheet
from bot.audio.store import MANIFEST, load, make_placeholders, rows_of, take
from bot.book import ROOT, Book, read_book
from bot.settings import BadSetting

HASH, BACK, BY = 1, 7, 8
"""Columns of the sheet that a studio gives back."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`sheet`, `take`, `check` and `placeholder`."""
    does = parser.add_subparsers(dest="does", required=True, metavar="what")
    made = does.add_parser("sheet", help="every sentence of a language to be recorded, with the name of its file")
    made.add_argument("language")
    made.add_argument("--to", type=Path, metavar="FILE", help="a .csv or .xlsx file; else CSV on standard output")
    taken = does.add_parser("take", help="take a studio's files into the folder of the language and its manifest")
    taken.add_argument("language")
    taken.add_argument("--from", dest="source", type=Path, required=True, metavar="FOLDER")
    taken.add_argument("--by", required=True, help="who spoke")
    taken.add_argument("--on", required=True, metavar="DAY", help="when, like 2026-11-23")
    taken.add_argument("--sheet", type=Path, metavar="FILE.csv", help="the sheet with what was heard, and by whom")
    proof = does.add_parser("check", help="what is missing, changed, or unchecked; exit 1 where anything is")
    proof.add_argument("language", nargs="?", default="")
    machine = does.add_parser(
        "placeholder", help="a machine's voice (espeak-ng) for what nobody recorded: for trials only"
    )
    machine.add_argument("language")


def run(chosen: argparse.Namespace, today: date, root: Path = ROOT, book: Book | None = None) -> tuple[str, bool]:
    """Do it; what is to be printed, and whether nothing is wrong. `book`: where it was read. Raises BadSetting, BadBook."""
    book = book or read_book(root)[0]
    known = book.catalogues.languages
    if chosen.language and chosen.language not in known:
        raise BadSetting(f"{chosen.language} is no language of locales/languages.yaml; known are {', '.join(known)}")
    if chosen.does == "check":
        return _check(book, root, [chosen.language] if chosen.language else list(known))
    folder = root / "locales" / chosen.language / "audio"
    to_read = script(book.flows, book.catalogues, chosen.language)
    if chosen.does == "take":
        backs = _backs(chosen.sheet) if chosen.sheet else {}
        count = take(folder, chosen.source, to_read, chosen.by, chosen.on, backs)
        return f"{count} of {len(to_read)} sentences taken into {folder}.", True
    if chosen.does == "placeholder":
        count = make_placeholders(folder, chosen.language, to_read, today.isoformat())
        return f"{count} sentences spoken by a machine into {folder}: for trials, never heard in production.", True
    return _sheet(root, chosen, to_read), True


def _sheet(root: Path, chosen: argparse.Namespace, to_read: list[ToRead]) -> str:
    sounds = load(root / "locales")[0].of.get(chosen.language, {})
    current = {one.hash for one in to_read}
    stale = {sound.recording.context for key, sound in sounds.items() if key not in current}
    rows = sheet(to_read, sounds, stale)
    if chosen.to is None:
        return _csv(rows).rstrip("\n")
    if chosen.to.suffix == ".xlsx":
        from bot.workbook import Sheet, workbook

        widths = (5, 24, 26, 14, 50, 50, 22, 40, 24)
        chosen.to.write_bytes(workbook(f"Nhịp Cầu: {chosen.language}", [Sheet("Thu âm", rows, widths)]))
    elif chosen.to.suffix == ".csv":
        chosen.to.write_text("\ufeff" + _csv(rows), "utf-8")
    else:
        raise BadSetting(f"{chosen.to.name} should end with .csv or .xlsx")
    return f"{len(to_read)} sentences in {chosen.to}."


def _csv(rows: list[list[str]]) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerows(rows)
    return made.getvalue()


def _backs(path: Path) -> dict[str, tuple[str, str]]:
    """By hash, what somebody heard and who they are. Raises BadSetting for what is no sheet of ours."""
    try:
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))[1:]
        return {row[HASH].partition(".")[0]: (row[BACK].strip(), row[BY].strip()) for row in rows if row[BACK].strip()}
    except (OSError, UnicodeDecodeError, IndexError):
        raise BadSetting(f"{path.name} is no recording sheet: save what `audio sheet` wrote as CSV in UTF-8") from None


def _check(book: Book, root: Path, languages: list[str]) -> tuple[str, bool]:
    sounds, problems = load(root / "locales")
    lines = [str(one) for one in problems]
    is_whole = not problems
    for language in languages:
        to_read = script(book.flows, book.catalogues, language)
        found = gaps(language, to_read, sounds.of.get(language, {}))
        rows = rows_of(root / "locales" / language / "audio" / MANIFEST)[0]
        have = len({one.text_hash for one in rows} & {one.hash for one in to_read})
        # A language that nobody has begun with is one line and not hundreds.
        lines += [str(one) for one in found] if rows else []
        lines.append(f"{language}: {have} of {len(to_read)} sentences recorded, {len(found)} things to do.")
        is_whole = is_whole and not found
    return "\n".join(lines), is_whole
