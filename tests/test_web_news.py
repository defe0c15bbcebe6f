"""What a page that stays open is told: that an officer wrote, to whom, and never a word of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx

from bot.web.news import LOOKS, PING_EVERY, Lines, marks
from storage.base import StorageAway
from tests.test_web_chat import Visitor, asked_for_a_person, asks, mark, visitor
from tests.world import World

__all__ = ["visitor"]  # a fixture


async def no_time(seconds: float) -> None:
    """No time passes in a test."""


class Page:
    """A page that is open: what it would be told next."""

    def __init__(self) -> None:
        self.mark: str | None = "a"
        self.left = False
        self.told: AsyncIterator[bytes] = marks(self.look, lambda: self.left, no_time)

    async def look(self) -> str:
        if self.mark is None:
            raise StorageAway("gone")
        return self.mark

    async def next(self) -> str:
        return (await anext(self.told)).decode()


async def told(visitor: Visitor) -> list[str]:
    """What one look tells; the stream's own pauses are not waited for, for no line is free."""
    app = visitor.client._transport.app  # type: ignore[attr-defined] # the site under test
    app.state.lines = Lines(0)
    answer: httpx.Response = await visitor.client.get("/news")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in answer.headers
    return [line for line in answer.text.split("\n\n") if line and not line.startswith("retry:")]


async def test_a_change_is_told_once_and_between_there_are_signs_of_life():
    page = Page()
    assert "retry:" in await page.next()
    assert await page.next() == "event: mark\ndata: a\n\n"
    assert await page.next() == ": \n\n"
    page.mark = "b"
    assert await page.next() == "event: mark\ndata: b\n\n"


async def test_a_database_that_is_away_ends_nothing():
    page = Page()
    for _ in range(2):
        await page.next()
    page.mark = None
    assert await page.next() == ": \n\n"
    page.mark = "b"
    assert "b" in await page.next()


async def test_the_stream_ends_when_nothing_may_be_told_when_the_service_stops_and_after_half_an_hour():
    quiet, stopping, long = Page(), Page(), Page()
    quiet.mark = ""
    assert [piece async for piece in quiet.told][1:] == [b"event: gone\ndata: \n\n"]
    stopping.left = True
    assert len([piece async for piece in stopping.told]) == 2
    signs = [piece async for piece in long.told]
    assert len(signs) == 2 + (LOOKS - 1) // PING_EVERY


async def test_an_officers_words_are_told_by_a_mark_and_looking_stores_nothing(
    world: World,
    visitor: Visitor,
):
    assert await told(visitor) == ["event: gone\ndata: "]
    await asked_for_a_person(world, visitor)
    await visitor.look()
    turns = len(world.commits)
    assert await told(visitor) == [f"event: mark\ndata: {mark(visitor.page)}"]
    await asks(world)
    [news] = await told(visitor)
    assert news.startswith("event: mark\ndata: ")
    assert mark(visitor.page) not in news
    assert len(news) < 40
    await visitor.look()
    assert await told(visitor) == [f"event: mark\ndata: {mark(visitor.page)}"]
    assert len(world.commits) == turns + 1  # the officer's


async def test_somebody_who_is_watched_is_told_nothing(world: World, visitor: Visitor):
    await asked_for_a_person(world, visitor)
    await visitor.write("co nguoi dang xem dien thoai")
    await visitor.look("/lich")
    assert await told(visitor) == ["event: gone\ndata: "]  # nor is anybody who left
    await visitor.look()
    await visitor.press("Có người để ý tôi")
    assert await told(visitor) == ["event: gone\ndata: "]


def test_lines_are_few_and_given_back():
    lines = Lines(most=2, most_each=1)
    with lines.one("a") as first, lines.one("a") as again, lines.one("b") as other, lines.one("c") as too_many:
        assert (first, again, other, too_many) == (True, False, True, False)
    with lines.one("a") as first, lines.one("c") as other:
        assert (first, other) == (True, True)
