"""The recordings of an installation on its disk: read at start, taken from a studio, made by a machine to try the way of it."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from bot.audio.model import COLUMNS, TYPES, Recording, Sound, Sounds
from bot.audio.read import read_manifest, read_sounds, seconds_of, unfit
from bot.audio.script import ToRead
from bot.book import ROOT, BadBook, Book
from bot.settings import BadSetting
from flows.model import Problem

MANIFEST = "manifest.csv"
SPEAK_WITHIN_S = 30


def load(locales: Path) -> tuple[Sounds, list[Problem]]:
    """The recordings of all languages, and every file or row that is wrong."""
    found: dict[str, dict[str, Sound]] = {}
    problems: list[Problem] = []
    for path in sorted(locales.glob(f"*/audio/{MANIFEST}")):
        language = path.parts[-3]
        rows, wrong = rows_of(path)
        sounds, missing = read_sounds(f"locales/{language}/audio", path.parent, rows)
        problems += [*wrong, *missing]
        found[language] = sounds
    return Sounds(found), problems


def heard_too(book: Book, locales: Path = ROOT / "locales") -> Book:
    """The book with its recordings. Raises BadBook: nothing starts on one that was exchanged or is gone."""
    sounds, problems = load(locales)
    if problems:
        raise BadBook(problems)
    return replace(book, sounds=sounds)


def rows_of(path: Path) -> tuple[list[Recording], list[Problem]]:
    """The rows of a manifest; none where there is no file."""
    if not path.is_file():
        return [], []
    return read_manifest(f"locales/{path.parts[-3]}/audio/{MANIFEST}", path.read_text("utf-8"))


def write(path: Path, rows: Iterable[Recording]) -> None:
    """The manifest, whole or not at all, sorted so that a change of one recording is a change of one line."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in sorted(rows, key=lambda row: (row.context, row.text_hash)):
        cells = {name: str(getattr(one, name)) for name in COLUMNS}
        cells |= {"seconds": f"{one.seconds:.1f}", "placeholder": "yes" if one.placeholder else "no"}
        writer.writerow([cells[name] for name in COLUMNS])
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_text(made.getvalue(), "utf-8")
    os.replace(aside, path)


def take(
    folder: Path, source: Path, to_read: Sequence[ToRead], by: str, on: str, backs: dict[str, tuple[str, str]]
) -> int:
    """Files of a studio, named as the sheet says, into the folder of a language and its manifest; how many.

    `backs`: by hash, what was heard in Vietnamese and who wrote that. Raises BadSetting for a file that is no recording.
    """
    if not source.is_dir():
        raise BadSetting(f"{source} is no folder: name the one with the studio's files")
    if not (by.strip() and len(on) == 10):
        raise BadSetting("--by and --on are missing: who spoke, and on which day, like 2026-11-23")
    made = []
    for one in to_read:
        file = next((path for end in TYPES if (path := source / f"{one.hash}.{end}").is_file()), None)
        if file is not None:
            made.append(_taken(folder, file, one, by, on, backs.get(one.hash, ("", ""))))
    _merge(folder / MANIFEST, made)
    return len(made)


def _taken(
    folder: Path, file: Path, one: ToRead, by: str, on: str, back: tuple[str, str], *, placeholder: bool = False
) -> Recording:
    content, ending = file.read_bytes(), file.suffix[1:]
    if what := unfit(content, ending):
        raise BadSetting(f"{file.name} {what}: record it as Opus in Ogg, or as MP3")
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{one.hash}.{ending}"
    if file != folder / name:
        shutil.copyfile(file, folder / name)
    seconds = seconds_of(content, ending)
    # An MP3 is not decoded here: by its size, at the 128 kbit/s that studios use.
    length = len(content) / 16_000 if seconds is None else seconds
    return Recording(
        one.context, one.spoken, one.hash, name, hashlib.sha256(content).hexdigest(), round(length, 1), by.strip(), on,
        back[0], back[1], placeholder,
    )  # fmt: skip


def _merge(path: Path, made: Sequence[Recording]) -> None:
    rows, wrong = rows_of(path)
    if wrong:
        raise BadSetting(str(wrong[0]))
    new = {one.text_hash for one in made}
    write(path, [*(row for row in rows if row.text_hash not in new), *made])


def make_placeholders(
    folder: Path, language: str, to_read: Sequence[ToRead], on: str, speaker: str = "espeak-ng"
) -> int:
    """A machine's voice for what nobody has recorded, marked as that; how many. Raises BadSetting without the machine."""
    if shutil.which(speaker) is None or shutil.which("ffmpeg") is None:
        raise BadSetting(f"{speaker} or ffmpeg is not installed: apt-get install espeak-ng ffmpeg")
    rows, wrong = rows_of(folder / MANIFEST)
    if wrong:
        raise BadSetting(str(wrong[0]))
    there = {row.text_hash for row in rows}
    made = []
    with tempfile.TemporaryDirectory() as aside:
        for one in (one for one in to_read if one.hash not in there):
            file = _spoken(Path(aside), language, one, speaker)
            made.append(_taken(folder, file, one, speaker, on, ("", ""), placeholder=True))
    _merge(folder / MANIFEST, made)
    return len(made)


def _spoken(aside: Path, language: str, one: ToRead, speaker: str) -> Path:
    wave, made = aside / "spoken.wav", aside / f"{one.hash}.ogg"
    voice = {"zh": "cmn"}.get(language, language)
    said = [speaker, "-v", voice, "-s", "130", "-w", str(wave), "--", one.spoken]
    put = [
        "ffmpeg",
        "-nostdin",
        "-loglevel",
        "error",
        "-y",
        "-i",
        str(wave),
        "-c:a",
        "libopus",
        "-b:a",
        "24k",
        str(made),
    ]
    for command in (said, put):
        done = subprocess.run(command, capture_output=True, timeout=SPEAK_WITHIN_S, check=False)  # noqa: S603 - our own words
        if done.returncode:
            raise BadSetting(
                f"{command[0]} does not speak {language} (exit {done.returncode}): no placeholder was made of it"
            )
    return made
