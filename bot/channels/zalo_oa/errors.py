"""What to do about an error of Zalo's OpenAPI, by its number (channels.md §1.2 "Errors"). Touches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.channels.base import SendError, What

AGAIN_S: Final = 5.0
FLOOD_S: Final = 10.0
"""After -32: a minute's calls are used up, and Zalo does not say when it ends."""

TOKEN_REFUSED: Final = frozenset({-216, -220})
"""The access token is invalid, expired or removed: it is renewed once, and the call made once more."""
ABOUT_THE_MESSAGE: Final = frozenset({-201, -210, -233})
"""Something in the message itself: with buttons, perhaps those."""

KINDS: Final[Mapping[int, What]] = {
    **dict.fromkeys((-200,), "again"),
    # Not a follower, receives no more, blocked us or asleep for 45 days, restricted the type.
    **dict.fromkeys((-213, -217, -218, -222, -227, -244), "blocked"),
    # Seven days without a word from them.
    **dict.fromkeys((-230, -232), "held"),
    # Wrong mac; account deleted or missing; app or API not granted; not verified; no package; appsecret_proof; policy.
    **dict.fromkeys(
        (-202, -204, -205, -207, -209, -212, -215, -216, -219, -220, -221, -223, -224, -242, -248), "misconfigured"
    ),
    **dict.fromkeys((-211, -320, -321), "unpaid"),
    **dict.fromkeys((-201, -210, -233, -234), "never"),
}  # fmt: skip


def send_error(code: int) -> SendError:
    """The error as what to do next. One that is not in the table is tried again: it may pass."""
    if code == -32:
        return SendError("again", "flood", FLOOD_S)
    what = KINDS.get(code, "again")
    return SendError(what, f"zalo_{code}", AGAIN_S if what == "again" else 0.0)
