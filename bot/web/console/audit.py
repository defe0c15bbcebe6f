"""The audit, for an auditor: who did what to which id, and when. Codes and ids; there is no content to show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from bot.web import words
from bot.web.console.access import Desk, chain_of_audit, open_audit
from bot.web.console.frame import page_values
from bot.web.look import Look, look_of
from bot.web.pages import render
from storage.audit_pages import Asked, Shown

_ID: Final = re.compile(r"[0-9A-Za-z._:/ -]{0,80}")
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
FIELDS: Final = ("ma", "ai", "viec")
"""What can be asked for, by its name in the address: about an id, by whom, which action."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the audit in words; `code` is its action as it stands there."""

    number: int
    at: str
    actor: str
    what: str
    code: str
    subject: str
    detail: str
    erased: str


async def show(request: Request, desk: Desk) -> Response:
    """GET /audit: the newest lines, or those about an id, of somebody, of an action; a hundred a page."""
    look, given = look_of(request), request.query_params
    wished = {name: given.get(name, "").strip() for name in FIELDS}
    wished = {name: value if _ID.fullmatch(value) else "" for name, value in wished.items()}
    before = given.get("truoc", "")
    asked = Asked(wished["ma"], wished["ai"], wished["viec"], int(before) if _NUMBER.fullmatch(before) else 0)
    page = await open_audit(desk, asked)
    head, unlinked = await chain_of_audit(desk)
    further = urlencode({name: value for name, value in wished.items() if value} | {"truoc": page.before})
    return render(
        request, "console/audit.html", **page_values(desk, look), rows=[_row(one, look) for one in page.rows],
        wished=wished, further=f"?{further}" if page.before else "", is_first=not asked.before,
        head=head.text if head else "", linked_at=words.when(head.at) if head else "", unlinked=unlinked, at="audit",
    )  # fmt: skip


def _row(one: Shown, look: Look) -> Row:
    detail = " · ".join(f"{name}={value}" for name, value in one.detail.items())
    what = look.say(words.ACTIONS[one.action]) if one.action in words.ACTIONS else ""
    return Row(one.id, words.when(one.at), one.actor, what, one.action, one.subject, detail, one.certificate)
