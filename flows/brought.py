"""What comes from people by itself: the rest of an album, a place that moves. Kept without a word. Touches nothing."""

from __future__ import annotations

from math import cos, hypot, radians

from msgspec.structs import replace

from flows.model import Media, Turned
from flows.walk import UnderWay, keep_media

METRES_A_DEGREE = 111_320
ELSEWHERE_M = 500
"""So far a place must be from the last one to be another: a telephone that lies still says something new all the time."""
MOST_PLACES = 100
"""Of one conversation: half a day in a car would else be a thousand notices."""


def is_of_same_album(now: UnderWay, media: Media) -> bool:
    """Whether it came together with what came last: ten photos are answered once."""
    return bool(media.album and media.ref and now.talk.media) and now.talk.media[-1].album == media.album


def kept_silently(now: UnderWay, media: Media) -> Turned:
    """Keep it, and leave on the screen what is there."""
    now = replace(keep_media(now, media), lines=now.lines)
    return Turned(now.talk, None, now.do, draft=now.talk)


def moved(now: UnderWay, media: Media) -> Turned:
    """The place that somebody shows live: kept where they are somewhere else by now, while there is a conversation."""
    places = [one.ref for one in now.talk.media if one.kind == "location"]
    is_news = not places or (len(places) < MOST_PLACES and _is_elsewhere(places[-1], media.ref))
    return kept_silently(now, media) if now.talk.flow and is_news else Turned(now.talk, None, draft=now.talk)


def _is_elsewhere(one: str, other: str) -> bool:
    """Places are degrees of latitude and longitude with a comma."""
    (lat, lon), (lat_now, lon_now) = _degrees(one), _degrees(other)
    return hypot(lat_now - lat, (lon_now - lon) * cos(radians(lat))) * METRES_A_DEGREE >= ELSEWHERE_M


def _degrees(place: str) -> tuple[float, float]:
    latitude, _, longitude = place.partition(",")
    try:
        return float(latitude), float(longitude)
    except ValueError:  # kept by another channel in another form
        return 0.0, 0.0
