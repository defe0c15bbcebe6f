"""`python -m tests.chaos.hurried serve`: the real command, with nothing changed but how long things take.

No pace towards the platform, two seconds for its answer and at most two until the next try, so that a story of faults is told in
seconds.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from functools import partial
from typing import Any

from bot import app, perform
from bot.__main__ import main
from bot.channels.pace import Pace
from bot.channels.telegram.request import AiohttpRequest
from bot.channels.telegram.send import TelegramChannel

ANSWER_S = 2.0


class Impatient(TelegramChannel):
    """The Telegram door, which waits for an answer less long."""

    def __init__(self, token: str, **more: Any) -> None:
        super().__init__(token, request=AiohttpRequest(read_timeout=ANSWER_S), **more)


def hurry() -> None:
    """Shorten the waits of this process. Before the service is put together."""
    vars(perform)["notice_after"] = lambda clock, number: timedelta()
    vars(perform)["BACKOFF_S"] = (1, 1, 2)
    vars(app)["Pace"] = partial(Pace, per_second=10_000.0, per_address_s=0.0, burst=64)
    vars(app)["TelegramChannel"] = Impatient


if __name__ == "__main__":
    hurry()
    sys.exit(main(sys.argv[1:]))
