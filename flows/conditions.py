"""Does a condition of a flow hold? Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flows.model import SKIPPED, Answer, Condition, Conversation

LevelOf = Callable[[Conversation], str]
"""The level of the screening so far, given by the shell so that flows need not know referral."""


def holds(condition: Condition, conversation: Conversation, level_of: LevelOf) -> bool:
    """True when the condition holds for the conversation as it is now. `level_of` is asked only when a leaf needs it."""
    match condition.op:
        case "all":
            return all(holds(part, conversation, level_of) for part in condition.parts)
        case "any":
            return any(holds(part, conversation, level_of) for part in condition.parts)
        case "not":
            return not holds(condition.parts[0], conversation, level_of)
        case "answer":
            return bool(set(values_of(conversation.answers, condition.name)) & set(condition.values))
        case "answered":
            return answered(conversation.answers, condition.name)
        case "level":
            return level_of(conversation) in condition.values
        case "heard":
            return bool(set(conversation.heard) & set(condition.values))
        case "channel":
            return conversation.channel in condition.values


def values_of(answers: Mapping[str, Answer], slot: str) -> tuple[str, ...]:
    """The answer of a slot as a tuple, empty when there is none."""
    answer = answers.get(slot, ())
    return (answer,) if isinstance(answer, str) else answer


def answered(answers: Mapping[str, Answer], slot: str) -> bool:
    """True when something was answered that is not a skip."""
    return any(value != SKIPPED for value in values_of(answers, slot))
