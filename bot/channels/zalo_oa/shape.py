"""One `Message` → the bodies of `message/cs` that show it (channels.md §1.2 "Send consultation", "Buttons"). Touches nothing.

Every answer stands in the text with its number, so nothing depends on the buttons: whether `message/cs` takes them is not certain
(channels.md §4.2). At most five fit. Either all answers are among them or none is: some of the answers being easier to give than
others would lead people.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from bot.channels.base import Button, Message
from bot.channels.wire.numbered import PICKED, numbered
from bot.channels.wire.split import split
from bot.channels.zalo_oa.read import ANONYMOUS

LONGEST: Final = 2000
"""UTF-16 units a text, the narrower reading of 2,000 characters."""
MOST_BUTTONS: Final = 5
LONGEST_TITLE: Final = 100
FIRST_WAYS: Final = ("danger", "person", "skip", "stop", "back", "language")
"""Which ways have a button first, where not all can have one."""


def bodies(address: str, message: Message) -> tuple[dict[str, Any], ...]:
    """What is posted, in order; the buttons hang on the last."""
    parts = split(numbered(message), LONGEST)
    made: list[dict[str, Any]] = [{"recipient": recipient(address), "message": {"text": part}} for part in parts]
    buttons = shown(message.buttons)
    if made and buttons:
        made[-1]["message"]["attachment"] = {
            "type": "template",
            "payload": {"template_type": "button", "buttons": [_button(one) for one in buttons]},
        }
    return tuple(made)


def without_buttons(body: dict[str, Any]) -> dict[str, Any]:
    """The same message in words alone."""
    return {**body, "message": {"text": body["message"]["text"]}}


def shown(buttons: Sequence[Button]) -> tuple[Button, ...]:
    """Those that fit, in the order in which they are offered: the way to urgent help always, the answers all or none."""
    answers = [one for one in buttons if one.role in ("answer", "officer")]
    ways = sorted((one for one in buttons if one not in answers), key=_rank)
    kept = answers if len(answers) + (1 if ways else 0) <= MOST_BUTTONS else []
    kept = [*kept, *ways[: MOST_BUTTONS - len(kept)]]
    return tuple(one for one in buttons if one in kept)


def recipient(address: str) -> dict[str, str]:
    """Whom it is for. Somebody whom Zalo does not name is reached by two ids."""
    person, at, conversation = address.partition(ANONYMOUS)
    return {"anonymous_id": person, "conversation_id": conversation} if at else {"user_id": person}


def _rank(button: Button) -> int:
    if button.role == "danger":
        return -1
    return FIRST_WAYS.index(button.id) if button.id in FIRST_WAYS else len(FIRST_WAYS)


def _button(button: Button) -> dict[str, str]:
    """`hide`: what comes back when it is pressed does not stand in the person's own chat."""
    label = PICKED + button.label if button.picked else button.label
    return {"title": label[:LONGEST_TITLE], "type": "oa.query.hide", "payload": f"#{button.data}"}
