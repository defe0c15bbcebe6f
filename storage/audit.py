"""The audit as a chain: linked beside the turns, proved, shown, its details erased under a certificate. See chain.py.

A turn writes its rows and knows nothing of links. Whoever links asks first up to which row nobody is still writing
(`DatabaseStorage.settled`), so a row with a lower number cannot come after its place was linked.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from sqlalchemy import Insert, Integer, Update, bindparam, func, insert, literal_column, select, update

from storage import schema as t
from storage.audit_pages import LINE_COLUMNS, NEWEST_FIRST, WITH_DETAILS, Asked, Page, Shown, page, read_by, refused
from storage.base import AuditEntry, Officer
from storage.chain import LOWEST, START, Kept, Line, Link, broken, detail_hash, head_text, is_in, link_hash, ranges
from storage.rows import audit_values, from_ms, read_detail, to_ms, write_json
from storage.seal import Sealer
from storage.statements import Sql, Work, insert_once, listed, question
from storage.store import DatabaseStorage
from storage.turns import ADD_AUDIT

p = bindparam

MOST: Final = 200
"""Rows of one link at most: so near is the first broken place told, and a millisecond of work between two turns."""

LINKS_TOGETHER: Final = 200
ERASED: Final = "audit.erased"
"""The action of the row that says whose details went; its subject is the certificate, its detail the rows."""


class Linked(Struct, frozen=True):
    """What linking did: how many rows it linked, and how many are left because somebody may still be writing."""

    rows: int
    left: int


class Head(Struct, frozen=True):
    """The newest link: what to keep elsewhere, so that a cut end is noticed."""

    text: str
    at: datetime


class Verdict(Struct, frozen=True):
    """How the chain was found. `broken` is the first broken place as a sentence, empty where it holds up to its head."""

    links: int = 0
    rows: int = 0
    erased: int = 0
    unlinked: int = 0
    head: Head | None = None
    broken: str = ""


# ------------------------------------------------------------------------------------------------------- statements

_links = [t.audit_link.c[name] for name in Link._fields]
LAST_LINK = question(select(*_links).order_by(t.audit_link.c.id.desc()).limit(1))
LINK_BEFORE = question(
    select(*_links)
    .where(t.audit_link.c.at < p("before"))
    .order_by(t.audit_link.c.at.desc(), t.audit_link.c.id.desc())
    .limit(1)
)
LINKS_AFTER = question(
    select(*_links).where(t.audit_link.c.id > p("after")).order_by(t.audit_link.c.id).limit(p("most"))
)
LINES = question(
    select(*LINE_COLUMNS)
    .select_from(WITH_DETAILS)
    .where(t.audit.c.id > p("after"), t.audit.c.id <= p("upto"))
    .order_by(t.audit.c.id)
    .limit(p("most"))
)
LEFT = question(select(func.count()).select_from(t.audit).where(t.audit.c.id > p("after")))
LAST_ROW = question(select(t.audit.c.id).order_by(t.audit.c.id.desc()).limit(1))
CERTIFICATE = question(
    select(t.audit.c.detail).where(
        t.audit.c.subject == p("is_subject"), t.audit.c.action == literal_column(f"'{ERASED}'")
    )
)
WITH_DETAIL = question(
    select(t.audit.c.id, t.audit_detail.c.id)
    .select_from(WITH_DETAILS)
    .where(t.audit.c.subject == p("is_subject"), t.audit.c.detail != t.NONE)
)
ADD_LINK = insert_once(t.audit_link)


def _add_details(dialect: str) -> Insert:
    at = listed(dialect)
    columns = [t.audit_detail.c[name] for name in ("id", "salt", "sha256")]
    return insert(t.audit_detail).from_select(columns, select(*(at(n, one.type) for n, one in enumerate(columns))))


def _forget_details(dialect: str) -> Update:
    of = t.audit_detail
    return update(of).where(of.c.id == listed(dialect)(0, Integer())).values(certificate=p("certificate"), salt=t.NONE)


def _erase_details(dialect: str) -> Update:
    return update(t.audit).where(t.audit.c.id == listed(dialect)(0, Integer())).values(detail=t.NONE)


ADD_DETAILS = Sql(_add_details, rows=False)
FORGET_DETAILS = Sql(_forget_details, rows=False)
ERASE_DETAILS = Sql(_erase_details, rows=False)


# -------------------------------------------------------------------------------------------------------------- work


def last_row() -> Work[int]:
    """The newest row."""
    found = yield LAST_ROW, {}
    return int(found[0][0]) if found else 0


def _unlinked(upto: int) -> Work[tuple[Link | None, list[Line]]]:
    """The newest link, and the next rows to link."""
    found = yield LAST_LINK, {}
    last = Link(*found[0]) if found else None
    rows = yield LINES, {"after": last.id if last else LOWEST, "upto": upto, "most": MOST}
    return last, [Line(*row) for row in rows]


def made_link(last: Link | None, lines: Sequence[Line], at: int, sealer: Sealer) -> tuple[Link, list[Line]]:
    """The next link over these rows, and the rows with a hash of each detail."""
    hashed = [_hashed(line) for line in lines]
    end = lines[-1].id
    sha256 = link_hash(last.sha256 if last else START, end, len(lines), at, hashed)
    return Link(end, last.id if last else 0, len(lines), at, sha256, _mark(sha256, sealer)), hashed


def _hashed(line: Line) -> Line:
    if not line.detail:
        return line
    salt = secrets.token_hex(16)
    return line._replace(salt=salt, sha256=detail_hash(salt, line.detail))


def _mark(sha256: str, sealer: Sealer) -> str:
    return sealer.lookup("audit", sha256)


def _put(link: Link, hashed: Sequence[Line]) -> Work[bool]:
    """False where another process put a link there first: nothing was written then."""
    added = yield ADD_LINK, link._asdict()
    if not added:
        return False
    details = [(line.id, line.salt, line.sha256) for line in hashed if line.detail]
    if details:
        yield ADD_DETAILS, {"rows": write_json(details)}
    return True


def _left() -> Work[int]:
    last = yield LAST_LINK, {}
    return (yield from _after(last[0][0] if last else LOWEST))


def _after(last: int) -> Work[int]:
    counted = yield LEFT, {"after": last}
    return int(counted[0][0])


def _verify(kept: Sequence[Kept], sealer: Sealer) -> Work[Verdict]:
    last: Link | None = None
    links = rows = erased = 0
    fault = ""
    while not fault and (found := (yield LINKS_AFTER, {"after": last.id if last else LOWEST, "most": LINKS_TOGETHER})):
        for link in (Link(*row) for row in found):
            span = {"after": last.id if last else LOWEST, "upto": link.id, "most": max(link.size, 0) + 1}
            lines = [Line(*row) for row in (yield LINES, span)]
            fault = broken(link, last, lines) or _not_ours(link, sealer) or _not_kept(link, last, kept)
            fault = fault or (yield from _uncertified(lines))
            if fault:
                break
            last, links, rows = link, links + 1, rows + link.size
            erased += sum(not line.detail and line.sha256 is not None for line in lines)
    left = yield from _after(last.id if last else LOWEST)
    return Verdict(links, rows, erased, left, _head(last) if last else None, fault or _cut(last, kept))


def _not_ours(link: Link, sealer: Sealer) -> str:
    if link.mark == _mark(link.sha256, sealer):
        return ""
    return f"link {link.id} was not made under this service's key: links were written anew, or the key is another"


def _not_kept(link: Link, before: Link | None, kept: Sequence[Kept]) -> str:
    for one in kept:
        if one.id == link.id and one.sha256 != link.sha256:
            return f"link {link.id} is not the one that was kept elsewhere: all up to it was written anew"
        if (before.id if before else 0) < one.id < link.id:
            return f"a link that ended at row {one.id} was kept elsewhere, and none ends there: links were written anew"
    return ""


def _cut(last: Link | None, kept: Sequence[Kept]) -> str:
    """A kept head that lies behind the end of the chain."""
    end = last.id if last else 0
    for one in kept:
        if one.id > end:
            return f"the head kept elsewhere covers row {one.id}, the chain ends at row {end}: its end was cut off"
    return ""


def _uncertified(lines: Sequence[Line]) -> Work[str]:
    """The first row whose detail went under a certificate that the audit does not know, or not for this row."""
    for line in lines:
        if line.detail or not line.certificate:
            continue
        found = yield CERTIFICATE, {"is_subject": line.certificate}
        if not any(is_in(line.id, read_detail(detail).get("rows", "")) for (detail,) in found):
            return f"row {line.id}: its detail was erased, and the certificate it names says nothing of it"
    return ""


def erase_details(subjects: Iterable[str], certificate: str, by: str, at: datetime) -> Work[tuple[int, int]]:
    """Erase the details of the linked rows about these subjects, and say so in the audit under the certificate.

    (how many were erased, how many are not linked yet and must be erased later).
    """
    if not certificate:
        raise ValueError("details are erased under a certificate: give its id")
    linked: set[int] = set()
    later: set[int] = set()
    for subject in subjects:
        for row, with_hash in (yield WITH_DETAIL, {"is_subject": subject}):
            (later if with_hash is None else linked).add(row)
    if linked:
        ids = write_json([(row,) for row in sorted(linked)])
        yield FORGET_DETAILS, {"rows": ids, "certificate": certificate}
        yield ERASE_DETAILS, {"rows": ids}
        told = {"rows": ranges(sorted(linked))}
        yield ADD_AUDIT, audit_values(AuditEntry(by, ERASED, certificate, at, told))
    return len(linked), len(later)


def _head(link: Link) -> Head:
    return Head(head_text(link.id, link.sha256), from_ms(link.at))


def _head_before(before: datetime | None) -> Work[Head | None]:
    found = yield (LAST_LINK, {}) if before is None else (LINK_BEFORE, {"before": to_ms(before)})
    return _head(Link(*found[0])) if found else None


# ------------------------------------------------------------------------------------------------------------- audit


class Audit:
    """The audit's side of a storage. Every method may raise StorageAway."""

    def __init__(self, storage: DatabaseStorage) -> None:
        self._storage = storage

    async def link(self, at: datetime) -> Linked:
        """Link all rows that nobody can come before any more. Several processes may: each row is linked once."""
        upto = await self._storage.settled()
        rows = 0
        while found := await self._link_next(upto, at):
            rows += found
        return Linked(rows, await self._storage.read(lambda: _left()))

    async def _link_next(self, upto: int, at: datetime) -> int:
        last, lines = await self._storage.read(lambda: _unlinked(upto), long=True)
        if not lines:
            return 0
        link, hashed = made_link(last, lines, to_ms(at), self._storage.sealer)
        was_first = await self._storage.write(lambda: _put(link, hashed))
        return len(lines) if was_first else 0

    async def verify(self, at: datetime, kept: Sequence[Kept] = ()) -> Verdict:
        """Link up to now, then hold every link against its rows and against heads that were kept elsewhere."""
        await self.link(at)
        return await self._storage.read(lambda: _verify(kept, self._storage.sealer), long=True)

    async def head(self, before: datetime | None = None) -> Head | None:
        """The newest link, or the newest made before a moment; None where there is none."""
        return await self._storage.read(lambda: _head_before(before))

    async def show(self, subject: str, by: str, at: datetime) -> list[Shown]:
        """Everything about a subject, the oldest first, for the command line; that it was shown is written down."""

        def work() -> Work[list[Shown]]:
            found = yield from page(Asked(subject, most=NEWEST_FIRST))
            yield ADD_AUDIT, audit_values(AuditEntry(by, "audit.read", subject, at))
            return [*found.rows[::-1]]

        return await self._storage.write(work)

    async def page(self, officer: Officer, asked: Asked, at: datetime) -> Page | None:
        """Rows for an auditor, the newest first; that they were read is written in the same transaction.

        None where the officer is no active auditor: nothing is read or written then.
        """
        return await self._storage.write(lambda: read_by(officer.id, asked, at))

    async def unlinked(self) -> int:
        """How many rows are not in the chain yet."""
        return await self._storage.read(lambda: _left())

    async def refused(self, officer: str, referral: str, page: str, at: datetime) -> None:
        """An officer asked for something that they may not have, or that is not there: of this case, if there is one."""
        await self._storage.write(lambda: refused(officer, referral, page, at))

    async def erase(self, subjects: Sequence[str], certificate: str, by: str, at: datetime) -> tuple[int, int]:
        """Link, then erase the details about these subjects: (how many went, how many must be erased later)."""
        await self.link(at)
        return await self._storage.write(lambda: erase_details(subjects, certificate, by, at))
