"""What the frame of every officers' page needs, and the names that stand on them."""

from __future__ import annotations

from typing import Any

from bot.web import words
from bot.web.console.access import Desk, may_answer, may_audit, may_export
from bot.web.look import Look


def page_values(desk: Desk, look: Look) -> dict[str, Any]:
    """Who is signed in, for which office, and what they may go to."""
    offices = {one.id: look.of_two((one.name, one.name_en)) for one in desk.parts.book.referral.offices}
    return {
        "officer": desk.officer,
        "office": offices.get(desk.officer.office, ""),
        "role": look.say(words.ROLES.get(desk.officer.role, desk.officer.role)),
        "csrf": desk.csrf,
        "may_export": may_export(desk),
        "may_audit": may_audit(desk),
        "may_answer": may_answer(desk),
    }


async def officer_names(desk: Desk) -> dict[str, str]:
    """Officers' names by id, for the timeline and the list."""
    return {officer.id: officer.name for officer in await desk.parts.accounts.officers()}
