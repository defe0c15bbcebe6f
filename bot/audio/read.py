"""locales/<language>/audio/manifest.csv and its files → recordings, or what is wrong with them."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from bot.audio.model import COLUMNS, MOST_BYTES, TYPES, Recording, Sound, text_hash
from flows.model import Problem

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
NAME = re.compile(r"[A-Za-z0-9._-]{1,120}", re.ASCII)
OPUS_RATE = 48_000
"""Samples a second that an Ogg page of Opus counts, whatever was recorded (RFC 7845 §4)."""
OFF_BY_S = 0.5


def read_manifest(where: str, text: str) -> tuple[list[Recording], list[Problem]]:
    """The rows, and what is wrong with them; a row with a fault is left out. `where` names the file in the problems."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        return [], [Problem(where, "has other columns", f"write {','.join(COLUMNS)}")]
    found: list[Recording] = []
    problems: list[Problem] = []
    for number, row in enumerate(rows, 2):
        wrong = list(_wrong(f"{where}:{number}", row))
        problems += wrong
        if not wrong:
            found.append(_recording(row))
    return found, problems + _twice(where, found)


def _recording(row: dict[str, str]) -> Recording:
    fields = {name: row[name].strip() for name in COLUMNS if name not in ("seconds", "placeholder")}
    return Recording(**fields, seconds=float(row["seconds"]), placeholder=row["placeholder"].strip() == "yes")


def _wrong(where: str, row: dict[str, str]) -> Iterator[Problem]:
    if None in row or None in row.values():
        yield Problem(where, "has too few or too many columns", "write one of each")
        return
    if row["text_hash"] != text_hash(row["text"]):
        yield Problem(where, "the hash is of another text", "make the row anew with `python -m bot audio take`")
    if not NAME.fullmatch(row["file"]) or row["file"].rpartition(".")[2] not in TYPES:
        yield Problem(where, f"`{row['file'][:60]}` is no file of a recording", f"endings are {', '.join(TYPES)}")
    if not re.fullmatch(r"\d{1,3}(\.\d+)?", row["seconds"]):
        yield Problem(where, f"`seconds: {row['seconds'][:20]}` is no length", "write it like 3.2")
    if not DAY.fullmatch(row["recorded_on"]) or not row["recorded_by"].strip():
        yield Problem(where, "does not say who spoke and on which day", "write `recorded_by` and `recorded_on`")
    if row["placeholder"] not in ("yes", "no"):
        yield Problem(where, f"`placeholder: {row['placeholder'][:20]}` is neither yes nor no", "write one of them")


def _twice(where: str, found: Iterable[Recording]) -> list[Problem]:
    seen: set[str] = set()
    twice = [one.text_hash for one in found if one.text_hash in seen or seen.add(one.text_hash)]  # type: ignore[func-returns-value]
    return [Problem(where, f"{key} stands there twice", "keep one row of a text") for key in twice]


def read_sounds(where: str, folder: Path, found: Iterable[Recording]) -> tuple[dict[str, Sound], list[Problem]]:
    """The recordings by the hash of their text; a file that is missing or another is a problem."""
    sounds: dict[str, Sound] = {}
    problems: list[Problem] = []
    for one in found:
        path = folder / one.file
        what = fault_of(path.read_bytes(), one) if path.is_file() else "is missing"
        if what:
            problems.append(
                Problem(f"{where}/{one.file}", what, "bring back the file that was recorded, or its row anew")
            )
        else:
            sounds[one.text_hash] = Sound(one, path)
    return sounds, problems


def fault_of(content: bytes, one: Recording) -> str:
    """What is wrong with a file, or nothing."""
    if hashlib.sha256(content).hexdigest() != one.sha256:
        return "is not the file whose SHA-256 stands in the manifest"
    if what := unfit(content, one.ending):
        return what
    length = seconds_of(content, one.ending)
    if length is not None and abs(length - one.seconds) > OFF_BY_S:
        return f"is {length:.1f} s long and not {one.seconds:g}"
    return ""


def unfit(content: bytes, ending: str) -> str:
    """Why these bytes are no recording that a browser plays, or nothing."""
    if len(content) > MOST_BYTES:
        return f"has {len(content)} bytes; at most {MOST_BYTES} are played"
    if ending == "mp3":
        is_mp3 = content[:3] == b"ID3" or (content[:1] == b"\xff" and content[1:2] >= b"\xe0")
        return "" if is_mp3 else "is no MP3"
    return "" if content[:4] == b"OggS" and b"OpusHead" in content[:64] else "is no Opus in Ogg (RFC 7845)"


def seconds_of(content: bytes, ending: str) -> float | None:
    """The length of Opus in Ogg by its last page (RFC 3533 §6, RFC 7845 §4); of MP3 nobody knows without decoding it."""
    if ending == "mp3":
        return None
    head = content.find(b"OpusHead")
    skipped = int.from_bytes(content[head + 10 : head + 12], "little")
    last = content.rfind(b"OggS")
    return max(0, int.from_bytes(content[last + 6 : last + 14], "little") - skipped) / OPUS_RATE
