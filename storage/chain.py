"""The chain over the audit: what is hashed, and how a link is held against its rows. Pure.

A link covers the rows after the one before it. Its SHA-256 is over these lines, each JSON in UTF-8 without spaces, each
ended by a newline, so that anybody can count it again with other means:

    "nhip-cau audit 1"
    ["<SHA-256 of the link before, or 64 zeros>",<id of its last row>,<how many rows>,<when it was made, UTC ms>]
    [<id>,<at, UTC ms>,"<actor>","<action>","<subject>","<SHA-256 of salt and detail, or empty>"]      a line a row

A row's detail is not in it but a hash of the detail under a random salt (`audit_detail`): so a detail can be erased, and
the chain holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

START: Final = "0" * 64
"""The SHA-256 that stands before the first link."""

LOWEST: Final = -(2**62)
"""After which the rows of the first link begin: a number that nobody gave may stand before 1."""

_TITLE: Final = "nhip-cau audit 1"
_encode: Final = msgspec.json.Encoder().encode


class Link(NamedTuple):
    """A link over `size` rows up to `id`, after the link `previous` (0: it is the first), made `at` (UTC ms)."""

    id: int
    previous: int
    size: int
    at: int
    sha256: str
    mark: str


class Line(NamedTuple):
    """A row of the audit with what is kept beside it; `salt` to `certificate` are None where nothing is."""

    id: int
    at: int
    actor: str
    action: str
    subject: str
    detail: str
    salt: str | None = None
    sha256: str | None = None
    certificate: str | None = None


class Kept(NamedTuple):
    """The head of the chain as it was written down elsewhere."""

    id: int
    sha256: str


class BadHead(Exception):
    """What was given is no head of a chain; the message says how one looks."""


def head_text(id_: int, sha256: str) -> str:
    """The head as it is printed and kept."""
    return f"{id_}-{sha256}"


def read_head(text: str) -> Kept:
    """A head from paper: case and spaces do not count. Raises BadHead."""
    number, _, sha256 = "".join(text.split()).lower().partition("-")
    if not number.isascii() or not number.isdigit() or len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise BadHead(
            "this is no head of the audit: give it as `audit head` prints it, a number, a dash and 64 digits 0-9a-f"
        )
    return Kept(int(number), sha256)


def detail_hash(salt: str, detail: str) -> str:
    """What stands in the chain for a detail."""
    return hashlib.sha256(f"{salt}{detail}".encode()).hexdigest()


def link_hash(before: str, id_: int, count: int, at: int, lines: Sequence[Line]) -> str:
    """The SHA-256 of a link over its rows, in their order."""
    made = hashlib.sha256(_encode(_TITLE) + b"\n" + _encode((before, id_, count, at)) + b"\n")
    for line in lines:
        made.update(_encode((*line[:5], line.sha256 or "")) + b"\n")
    return made.hexdigest()


def broken(link: Link, before: Link | None, lines: Sequence[Line]) -> str:
    """The first thing that is not as it was linked, as a sentence; empty where all is. Certificates are for the caller."""
    after = before.id if before else 0
    if link.previous != after:
        return (
            f"link {link.id} follows link {link.previous}, but link {after} is before it: links were removed or put in"
        )
    if fault := next(_detail_faults(lines), ""):
        return fault
    where = f"rows {after + 1} to {link.id}" if before else f"rows up to {link.id}"
    if len(lines) != link.size:
        return f"{where}: {link.size} were linked, {_number(lines, link)} are there: rows were removed or put in"
    if link_hash(before.sha256 if before else START, link.id, link.size, link.at, lines) != link.sha256:
        return f"{where}: a row, or the link, is not as it was linked"
    return ""


def _number(lines: Sequence[Line], link: Link) -> str:
    return f"more than {link.size}" if len(lines) > link.size else str(len(lines))


def _detail_faults(lines: Sequence[Line]) -> Iterator[str]:
    for line in lines:
        if line.detail and (line.sha256 is None or detail_hash(line.salt or "", line.detail) != line.sha256):
            yield f"row {line.id}: its detail is not the one that was linked"
        if not line.detail and line.sha256 is not None and not line.certificate:
            yield f"row {line.id}: its detail is gone, and no certificate says why"


def ranges(ids: Sequence[int]) -> str:
    """Numbers as short text: 3,7-9."""
    runs: list[list[int]] = []
    for one in sorted(ids):
        if runs and runs[-1][-1] == one - 1:
            runs[-1][1:] = [one]
        else:
            runs.append([one])
    return ",".join("-".join(map(str, run)) for run in runs)


def is_in(id_: int, text: str) -> bool:
    """Whether a number is among those that `ranges` wrote."""
    for run in filter(None, text.split(",")):
        first, _, last = run.partition("-")
        if int(first) <= id_ <= int(last or first):
            return True
    return False
