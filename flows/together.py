"""Filled in with a helper beside the person (flows/definitions/together.yaml): who helps, what is said because of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from flows.model import Answer, Step

HELPER, AGREED, PRIVATE = "helper", "helper_agreed", "helper_private"
"""The slots of the helper's role, of whether the person agreed, and of what a relative's companion chose by themselves."""
ROLES = ("commune", "teacher", "social_worker", "border_guard", "relative", "other")
CONSENTS = frozenset({"talk_consent", "consent"})
"""What the person alone answers: read to them, never chosen for them."""


def helper_of(answers: Mapping[str, Answer]) -> str:
    """The role of who writes with the person, empty where they write alone or did not agree to it."""
    role = answers.get(HELPER, "")
    return role if isinstance(role, str) and role in ROLES and answers.get(AGREED) == "yes" else ""


def said_around(answers: Mapping[str, Answer], step: Step) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fixed sentences before and after a step's own, where somebody helps."""
    if not helper_of(answers):
        return (), ()
    before = ("ask_them",) if step.remember in CONSENTS else ()
    after = ("code_theirs",) if any("{receipt}" in text for text in step.say) else ()
    return before, after
