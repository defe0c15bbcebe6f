"""Events in which Zalo names no message: an id of our own, so that a repeat is known and another person is not lost. Pure.

That is what the message of a child may be (channels.md §0.1): two of them look alike but for the moment.
"""

from __future__ import annotations

from hashlib import blake2b

from msgspec.structs import replace

from bot.channels.base import Inbound


def named(inbound: Inbound, raw: bytes, now: float, same_for_s: float) -> Inbound:
    """The event with an id: Zalo's own, or one of its bytes and the span of `same_for_s` seconds in which it came."""
    if inbound.external_id:
        return inbound
    mark = blake2b(raw, digest_size=12).hexdigest()
    return replace(inbound, external_id=f"nameless-{mark}-{int(now // same_for_s)}")
