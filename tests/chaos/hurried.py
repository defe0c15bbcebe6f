"""`python -m tests.chaos.hurried serve`: the real command, with nothing changed but how long things take.

No pace towards the platform, two seconds for its answer and five for a claim, so that a story of faults is told in seconds.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from bot import app
from bot.__main__ import main
from bot.channels.pace import Pace
from bot.channels.telegram.request import AiohttpRequest
from bot.channels.telegram.send import TelegramChannel
from storage import outbox

ANSWER_S = 2.0
LEASE_S = 5.0
"""Longer than any answer is waited for, so that nobody takes over what is still being sent."""


class Impatient(TelegramChannel):
    """The Telegram door, which waits for an answer less long."""

    def __init__(self, token: str, **more: Any) -> None:
        super().__init__(token, request=AiohttpRequest(read_timeout=ANSWER_S), **more)


def hurry() -> None:
    """Shorten the waits of this process. Before the service is put together."""
    vars(app)["Pace"] = partial(Pace, per_second=10_000.0, per_address_s=0.0, burst=64)
    vars(app)["TelegramChannel"] = Impatient
    vars(outbox)["LEASE_MS"] = int(LEASE_S * 1000)


if __name__ == "__main__":
    hurry()
    sys.exit(main(sys.argv[1:]))
