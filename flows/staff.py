"""One of the staff answers a person in the platform's own window: the service keeps silent there. Touches nothing."""

from __future__ import annotations

from typing import Final

from flows.model import Turned
from flows.walk import UnderWay, at, start

TRAIL_MOST: Final = 100
"""So many questions back somebody can go; more would only make every turn heavier."""


def with_staff(now: UnderWay) -> Turned:
    """From here on the service is silent: two who answer would be one too many. In danger it goes on asking where they are."""
    go = now.book.everywhere.goes["staff"]
    if now.talk.alerted or now.place == go:
        return silent(now)
    trail = (*now.talk.trail, now.place) if now.talk.flow else now.talk.trail
    return silent(at(now.keep(trail=trail[-TRAIL_MOST:], picked=()), go, say=False))


def silent(now: UnderWay) -> Turned:
    """What happened is kept, and nothing is said."""
    return Turned(now.talk, None, now.do, draft=now.talk)


def before_staff(now: UnderWay) -> UnderWay:
    """At the question that stood when the staff wrote, whose buttons are still before the person."""
    place = now.talk.trail[-1] if now.talk.trail else start(now)
    return at(now.keep(trail=now.talk.trail[:-1]), place, say=False)
