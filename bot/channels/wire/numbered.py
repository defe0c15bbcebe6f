"""A message as one text, for a platform where nothing can be pressed. Touches nothing.

A question reads as one would read it aloud: the words, the answers with their numbers, and below them how to answer. The numbers
are those that `flows/hear/choice.py` understands: the place in the list.
"""

from __future__ import annotations

from bot.channels.base import Button, Message

DONE = "done"
PICKED = "✓ "


def numbered(message: Message) -> str:
    """Everything that the message shows, as text; empty where it shows nothing."""
    texts = [text.strip() for text in message.texts if text.strip()]
    if message.link and not any(message.link in text for text in texts):
        texts.append(message.link)
    return "\n\n".join(part for part in (*texts, _answers(message), message.typed) if part)


def _answers(message: Message) -> str:
    """One line an answer. Whoever types several numbers has finished with them, so "done" is not among them."""
    if message.free_text:
        return ""
    answers = [one for one in message.buttons if one.role == "answer" and not (message.many and one.id == DONE)]
    return "\n".join(f"{at}. {_label(one)}" for at, one in enumerate(answers, 1))


def _label(button: Button) -> str:
    return PICKED + button.label if button.picked else button.label
