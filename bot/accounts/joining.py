"""New officers and their one-time codes, whoever makes them: the command line or a chief on the console."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from storage.base import Officer

ROLES: Final = ("duty", "chief", "admin", "auditor", "statistics")
CODE_LASTS: Final = timedelta(days=7)
_CODE_BYTES: Final = 8


def new_officer(office: str, route: str, name: str, role: str, number: str = "") -> Officer:
    """An officer of an office under a fresh id (or one that ends in `number`), which says nothing about the person."""
    return Officer(f"{office}-{number or secrets.token_hex(3)}", name, office, route, role)


def new_code() -> str:
    """A code that works once: 64 bits, in groups that can be read aloud. Dashes and case do not count."""
    text = secrets.token_hex(_CODE_BYTES)
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def may_manage(by: Officer, whom: Officer) -> bool:
    """Whether one officer may invite anew, revoke or change another: admins all, a chief duty officers and chiefs of the office.

    A code for somebody makes it possible to sign in as them, so a chief gets none for a role with more rights.
    Nobody does it to themselves.
    """
    if by.id == whom.id or not by.active:
        return False
    return by.role == "admin" or (by.role == "chief" and by.office == whom.office and whom.role in GIVEN_BY_CHIEF)


def roles_given_by(officer: Officer) -> tuple[str, ...]:
    """Roles that this officer may give."""
    return {"admin": ROLES, "chief": GIVEN_BY_CHIEF}.get(officer.role, ())


GIVEN_BY_CHIEF: Final = ("duty", "chief")
