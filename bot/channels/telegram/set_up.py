"""What is told to Telegram once at start: how updates reach us, and what the bot says about itself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Final

from telegram import Bot
from telegram.error import TelegramError

from bot import log
from bot.channels.base import SendError
from bot.channels.telegram.poll import USED, rest, say_why
from bot.channels.telegram.send import send_error
from bot.channels.wire.receiving import Told

SECRET: Final = re.compile(r"[A-Za-z0-9_-]{16,256}", re.ASCII)
"""What Telegram allows (https://core.telegram.org/bots/api#setwebhook), and long enough not to be guessed."""


@dataclass(frozen=True, slots=True)
class Way:
    """How updates come: to this https address with this secret, or by long polling if the address is empty."""

    webhook_url: str = ""
    secret: str = field(default="", repr=False)
    connections: int = 40


# The menu of commands is seen by whoever looks at the phone, so its words are those of quiet mode.
COMMANDS: Final = {
    "": (
        ("start", "Bắt đầu"),
        ("nguoi", "Nhắn người trực"),
        ("gap", "Việc gấp"),
        ("ngonngu", "Đổi ngôn ngữ"),
        ("stop", "Dừng và xóa trò chuyện"),
    ),
    "en": (
        ("start", "Start"),
        ("person", "Write to the desk"),
        ("urgent", "Urgent"),
        ("language", "Change the language"),
        ("stop", "Stop and clear the chat"),
    ),
}
DESCRIPTIONS: Final = {
    "": (
        "Đây là hệ thống tự động, không phải cơ quan công an. Bạn không cần cho biết tên.\n"
        "Khi cần giúp ngay, hãy gọi 113 hoặc 111."
    ),
    "en": (
        "This is an automated system, not the police. You do not need to give your name.\n"
        "If you need help at once in Viet Nam, call 113 or 111."
    ),
}
SHORT_DESCRIPTIONS: Final = {"": "Hỏi đáp và kết nối hỗ trợ", "en": "Questions, answers and support"}
"""Shown on the bot's profile, so neutral."""


async def set_up(bot: Bot, way: Way) -> str:
    """Point Telegram's updates at us and say who the bot is; returns the bot's username.

    Raises SendError if the token or the way of the updates is refused. The texts are not worth a failed start: if they
    are refused, that is logged. Nothing that is waiting at Telegram is dropped. Raises ValueError on an unfit secret.
    """
    if way.webhook_url and not SECRET.fullmatch(way.secret):
        raise ValueError("the Telegram webhook's secret must be 16 to 256 of A-Z a-z 0-9 _ - ; set another")
    try:
        me = await bot.get_me()
        await _direct(bot, way)
    except TelegramError as error:
        raise send_error(error) from None
    await _introduce(bot)
    return me.username or ""


async def set_up_at_last(
    bot: Bot, way: Way, stop: asyncio.Event, *, first_wait_s: float = 1.0, told: Told = lambda code: None
) -> str:
    """`set_up`, tried until Telegram takes it: a network that is away at the start must not leave the bot mute.

    Returns the bot's username, or empty if `stop` was set before. Each failure is logged with what to do about it.
    """
    failures = 0
    while not stop.is_set():
        try:
            name = await set_up(bot, way)
            told("")
            return name
        except SendError as error:
            failures += 1
            told(error.code)
            say_why(error)
            await rest(stop, error, first_wait_s, failures)
    return ""


async def _direct(bot: Bot, way: Way) -> None:
    if not way.webhook_url:
        await bot.delete_webhook(drop_pending_updates=False)
        return
    await bot.set_webhook(
        way.webhook_url,
        secret_token=way.secret,
        allowed_updates=USED,
        max_connections=way.connections,
        drop_pending_updates=False,
    )


async def _introduce(bot: Bot) -> None:
    for language in COMMANDS:
        code = language or None
        await _try("commands", bot.set_my_commands(COMMANDS[language], language_code=code))
        await _try("text", bot.set_my_description(DESCRIPTIONS[language], language_code=code))
        await _try("short text", bot.set_my_short_description(SHORT_DESCRIPTIONS[language], language_code=code))


async def _try(what: str, call: Awaitable[bool]) -> None:
    try:
        await call
    except TelegramError as error:
        log.warn("telegram.not_introduced", what=what, code=send_error(error).code)
