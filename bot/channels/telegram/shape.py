"""One `Message` → the calls that show it. Touches nothing.

No parse mode is ever set: nothing that a person or an officer wrote is markup. Everything is protected against being
forwarded or saved, and no link is fetched for a preview.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.channels.base import Button, Message
from bot.channels.wire.split import fitting, split

LONGEST: Final = 4096
"""UTF-16 units a message, the narrower reading of the limit: https://core.telegram.org/bots/api#sendmessage"""
MOST_BUTTONS: Final = 100
SHORT_LABEL: Final = 14
"""Code points that fit beside another button on a narrow phone."""
PICKED: Final = "✓ "


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Bot API. `optional`: words matter more, go on without it. `instead`: what to call if refused."""

    method: str
    fields: Mapping[str, Any]
    optional: bool = False
    instead: Call | None = None


def calls(address: str, message: Message) -> tuple[Call, ...]:
    """Everything to be called, in order: end the pressed button's waiting, mark what was chosen, then the words."""
    return (*_closing(address, message), *_words(address, message))


def keyboard(buttons: Sequence[Button]) -> list[list[dict[str, str]]]:
    """Rows of buttons: answers below one another, then the ways out two by two, the danger button alone at the end."""
    answers = [b for b in buttons if b.role in ("answer", "officer")]
    ways = [b for b in buttons if b.role == "way"]
    danger = [b for b in buttons if b.role == "danger"]
    answers = answers[: MOST_BUTTONS - len(ways) - len(danger)]
    side_by_side = len(answers) > 4 and all(len(b.label) <= SHORT_LABEL for b in answers)
    rows = [*_rows(answers, 2 if side_by_side else 1), *_rows(ways, 2), *_rows(danger, 1)]
    return [[_shown(button) for button in row] for row in rows]


def _rows(buttons: Sequence[Button], width: int) -> Iterator[Sequence[Button]]:
    return (buttons[i : i + width] for i in range(0, len(buttons), width))


def _shown(button: Button) -> dict[str, str]:
    label = PICKED + button.label if button.picked else button.label
    return {"text": label, "callback_data": button.data}


def _closing(address: str, message: Message) -> Iterator[Call]:
    press = message.press
    if press.get("id"):
        yield Call("answerCallbackQuery", {"callback_query_id": press["id"]}, optional=True)
    if press.get("message_id") and _redrawn(message) is None:
        fields = {**_where(address, press), "reply_markup": {"inline_keyboard": _chosen(message)}}
        yield Call("editMessageReplyMarkup", fields, optional=True)


def _chosen(message: Message) -> list[list[dict[str, str]]]:
    """What stays under the old question: the button pressed, or nothing where the phone should not tell."""
    label, pressed = message.press.get("label", "").removeprefix(PICKED), message.press.get("data", "")
    if message.quiet or not (message.chosen and label and pressed):
        return []
    return [[{"text": PICKED + label, "callback_data": pressed}]]


def _words(address: str, message: Message) -> Iterator[Call]:
    texts = _bubbles(message)
    last = len(texts) - 1
    sending = [
        Call("sendMessage", _fields(address, text, message, with_buttons=i == last)) for i, text in enumerate(texts)
    ]
    redrawn = _redrawn(message)
    if redrawn is None:
        yield from sending
        return
    fields = {**_where(address, message.press), **_content(redrawn, message, with_buttons=True)}
    yield Call(
        "editMessageText", fields, instead=Call("sendMessage", _fields(address, redrawn, message, with_buttons=True))
    )


def _bubbles(message: Message) -> tuple[str, ...]:
    """All bubbles as one message where they fit: one call, one sound on the phone, the numbers beside the question."""
    texts = [text for text in message.texts if text.strip()]
    if message.link and not any(message.link in text for text in texts):
        texts.append(message.link)
    return split("\n\n".join(texts), LONGEST)


def _redrawn(message: Message) -> str | None:
    """The text with which the old message is changed in place: another box of the same question was ticked or unticked.

    None if the message is to be sent: a new question, or a text too long for one message. All bubbles go into the text,
    so nothing that is said is lost.
    """
    press = message.press
    if not (message.many and press.get("message_id")):
        return None
    pressed = press.get("data", "").partition(":")[2]
    again = next((b for b in message.buttons if b.role == "answer" and b.data.partition(":")[2] == pressed), None)
    if again is None or again.picked == press.get("label", "").startswith(PICKED):
        return None
    text = "\n\n".join(_bubbles(message))
    return text if text and fitting(text, LONGEST) == len(text) else None


def _fields(address: str, text: str, message: Message, *, with_buttons: bool) -> dict[str, Any]:
    fields = {"chat_id": address, **_content(text, message, with_buttons=with_buttons), "protect_content": True}
    if message.quiet:
        fields["disable_notification"] = True
    return fields


def _content(text: str, message: Message, *, with_buttons: bool) -> dict[str, Any]:
    content: dict[str, Any] = {"text": text, "link_preview_options": {"is_disabled": True}}
    if with_buttons and message.buttons:
        content["reply_markup"] = {"inline_keyboard": keyboard(message.buttons)}
    return content


def _where(address: str, press: Mapping[str, str]) -> dict[str, Any]:
    return {"chat_id": press.get("chat", address), "message_id": int(press["message_id"])}
