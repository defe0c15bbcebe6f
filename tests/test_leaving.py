"""Quick exit, and what was on its way then: a last press is heard however the network turns things round, and nobody reads."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.book import Book
from bot.web.away import ON_ITS_WAY
from bot.web.news import Lines
from bot.web.visitor import LEFT
from flows.model import Conversation
from storage.base import Address, Commit
from storage.store import DatabaseStorage
from tests.databases import BOTH, Database, database
from tests.test_web_chat import Visitor, client_of, site_over, tip, visitor
from tests.world import World

__all__ = ["visitor"]  # a fixture

HELP = "Tôi cần giúp gấp"
A_MOMENT = timedelta(milliseconds=1)


async def comes(visitor: Visitor, token: str, **fields: Any) -> httpx.Response:
    """A form of the page that was open, with the cookie of then, whatever the browser holds by now."""
    browser = dict(visitor.client.cookies)
    visitor.client.cookies.clear()
    posted = await visitor.client.post("/", data=fields, headers={"cookie": f"nc={token}"})
    visitor.client.cookies.clear()
    visitor.client.cookies.update(browser)
    return posted


def sent_by(visitor: Visitor, label: str, **more: str) -> dict[str, str]:
    """What the browser sends when this button is pressed."""
    return {"nonce": visitor.nonce, "choose": visitor.button(label), **more}


async def talk_of(world: World, token: str) -> Conversation:
    found = (await world.storage.load(Address("web", token))).conversation
    assert found is not None
    return found


async def leads_nowhere(world: World, visitor: Visitor, token: str) -> bool:
    """Whether a browser with this cookie is shown nothing but what a stranger is shown, here and on the stream of news."""
    browser = dict(visitor.client.cookies)
    visitor.client.cookies.clear()
    stranger = await visitor.client.get("/", headers={"cookie": "nc=" + "s" * 43})
    page = await visitor.client.get("/", headers={"cookie": f"nc={token}"})
    visitor.client._transport.app.state.lines = Lines(0)  # type: ignore[attr-defined] # so that the stream ends at once
    news = await visitor.client.get("/news", headers={"cookie": f"nc={token}"})
    visitor.client.cookies.clear()
    visitor.client.cookies.update(browser)
    alike = [re.sub(r'name="nonce" value="[^"]+"', "", one.text) for one in (stranger, page)]
    stored = (await world.storage.load(Address("web", token))).conversation
    return alike[0] == alike[1] and "event: gone" in news.text and stored is None


# ----------------------------------------------------------------------------------------------- turned round on the way


async def test_a_call_for_help_that_comes_after_the_way_in_was_forgotten_is_heard(world: World, visitor: Visitor):
    """They answer two questions, press for help, and somebody comes into the room; the press comes second."""
    await tip(visitor)
    token, press = visitor.token, sent_by(visitor, HELP)
    before = await talk_of(world, token)
    await visitor.look("/lich")
    world.now += ON_ITS_WAY
    answer = await comes(visitor, token, **press)
    assert (answer.status_code, answer.headers["location"], answer.text) == (303, "lich", "")
    heard = world.commits[-1].conversation
    assert heard is not None
    assert (heard.id, heard.flow, heard.alerted) == (before.id, "danger", True)
    [intake] = world.intakes.values()
    assert before.answers.items() <= intake.answers.items()  # what they had told goes with the alert
    assert await leads_nowhere(world, visitor, token)


async def test_an_answer_and_words_that_come_after_it_are_kept_with_all_that_was_said_before(
    world: World, visitor: Visitor
):
    await tip(visitor)
    token, press = visitor.token, sent_by(visitor, "Còn", text="xe trắng đỗ ở bến")
    before = await talk_of(world, token)
    await visitor.look("/lich")
    await comes(visitor, token, **press)
    heard = world.commits[-1].conversation
    assert heard is not None
    assert heard.id == before.id
    assert "xe trắng đỗ ở bến" in heard.notes
    assert before.answers.items() < heard.answers.items()


async def test_stop_that_comes_after_it_still_erases(world: World, visitor: Visitor):
    await tip(visitor)
    token, press = visitor.token, sent_by(visitor, "Dừng và xóa" if "Dừng và xóa" in visitor.buttons else "Dừng và xoá")
    before = await talk_of(world, token)
    await visitor.look("/lich")
    answer = await comes(visitor, token, **press)
    assert answer.headers["location"] == "lich"
    left = (await world.storage.load_conversation(before.id))[0].conversation
    assert left is not None
    assert not left.answers


async def test_a_form_during_which_they_leave_is_heard_whole(
    world: World, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    """Words and a button of one form are two turns; the way in is forgotten between them."""
    await tip(visitor)
    token, press = visitor.token, sent_by(visitor, HELP, text="xe trắng đỗ ở bến")
    before = await talk_of(world, token)
    commit, leaves = world.storage.commit, [token]

    async def then_leaves(one: Commit) -> None:
        await commit(one)
        if leaves:
            await world.storage.forget_way_in(Address("web", leaves.pop()), world.now)

    monkeypatch.setattr(world.storage, "commit", then_leaves)
    turns = len(world.commits)
    answer = await comes(visitor, token, **press)
    assert answer.headers["location"] == "lich"
    assert {one.conversation.id for one in world.commits[turns:] if one.conversation} == {before.id}
    assert len(world.commits) == turns + 2
    assert await leads_nowhere(world, visitor, token)


async def test_what_comes_later_than_a_moment_begins_anew(world: World, visitor: Visitor):
    await tip(visitor)
    token, press = visitor.token, sent_by(visitor, HELP)
    before = await talk_of(world, token)
    await visitor.look("/lich")
    world.now += ON_ITS_WAY + A_MOMENT
    await comes(visitor, token, **press)
    heard = await talk_of(world, token)
    assert heard.id != before.id
    assert heard.alerted  # a call for help is one, whoever calls


async def test_who_goes_on_asking_to_be_forgotten_does_not_keep_the_moment_open(world: World, visitor: Visitor):
    await tip(visitor)
    token, press = visitor.token, sent_by(visitor, "Còn")
    before = await talk_of(world, token)
    for _ in range(3):
        await visitor.client.get("/lich", headers={"cookie": f"nc={token}"})
        world.now += ON_ITS_WAY / 2
    await comes(visitor, token, **press)
    assert (await talk_of(world, token)).id != before.id


async def test_after_stop_nothing_is_added_to_what_was_erased(world: World, visitor: Visitor):
    await tip(visitor)
    token, press = visitor.token, sent_by(visitor, "Còn")
    before = await talk_of(world, token)
    await visitor.write("dừng")
    assert visitor.token == ""
    await comes(visitor, token, **press)
    assert (await talk_of(world, token)).id != before.id


# ------------------------------------------------------------------------------------------------- who has a stolen cookie


@pytest.mark.parametrize(
    "fields", [{"text": "o dau roi"}, {"choose": "p3:back"}, {"open": "1"}, {"language": "en"}, {"choose": "p0:status"}]
)
async def test_whoever_holds_the_cookie_reads_nothing_in_that_moment_and_gets_no_chat(
    world: World, visitor: Visitor, fields: dict[str, str]
):
    await tip(visitor)
    token = visitor.token
    await visitor.look("/lich")
    answer = await comes(visitor, token, nonce="n", **fields)
    assert (answer.status_code, answer.headers["location"], answer.text) == (303, "lich", "")
    assert 'nc=""' in answer.headers["set-cookie"]
    assert await leads_nowhere(world, visitor, token)
    asked = await comes(visitor, token, nonce="n", look="1")
    assert "Bây giờ bạn nhắn tin có an toàn không?" in asked.text
    world.now += ON_ITS_WAY + A_MOMENT
    assert await leads_nowhere(world, visitor, token)


# ------------------------------------------------------------------------------------- the page's own last form, in one request


async def test_the_last_form_forgets_the_way_in_by_itself(world: World, visitor: Visitor):
    """The request for the calendar never arrives."""
    await tip(visitor)
    token, before = visitor.token, await talk_of(world, visitor.token)
    answer = await comes(visitor, token, **sent_by(visitor, HELP, leave="1"))
    assert (answer.status_code, answer.text) == (204, "")
    assert 'nc=""' in answer.headers["set-cookie"]
    heard = world.commits[-1].conversation
    assert heard is not None
    assert (heard.id, heard.alerted) == (before.id, True)
    assert await leads_nowhere(world, visitor, token)


@pytest.mark.parametrize("after", [timedelta(0), ON_ITS_WAY + A_MOMENT])
async def test_the_last_form_opens_no_way_in_however_late_it_comes(world: World, visitor: Visitor, after: timedelta):
    await tip(visitor)
    token, press = visitor.token, sent_by(visitor, HELP, leave="1")
    await visitor.look("/lich")
    world.now += after
    assert (await comes(visitor, token, **press)).status_code == 204
    heard = world.commits[-1].conversation
    assert heard is not None
    assert heard.alerted
    assert await leads_nowhere(world, visitor, token)


async def test_a_first_press_of_all_comes_after_its_calendar(world: World, visitor: Visitor):
    """Nobody had been heard from this browser, so there was nothing to forget."""
    token, press = visitor.token, sent_by(visitor, HELP, leave="1")
    await visitor.look("/lich")
    await comes(visitor, token, **press)
    assert [one.conversation.alerted for one in world.commits if one.conversation][-1]
    assert await leads_nowhere(world, visitor, token)


async def test_the_last_form_is_answered_alike_whatever_was_in_it(world: World, visitor: Visitor):
    await tip(visitor)
    token = visitor.token
    forms: list[dict[str, str]] = [{}, {"look": "1"}, {"text": "a"}, {"text": "a" * 70_000}, {"choose": "p1:danger"}]
    answers = [
        await comes(visitor, one, nonce="n", leave="1", **form) for form in forms for one in (token, "x" * 43, "")
    ]
    assert {(one.status_code, one.text, one.headers["set-cookie"]) for one in answers} == {
        (204, "", answers[0].headers["set-cookie"])
    }


# ---------------------------------------------------------------------------------------------------- without a network


async def test_who_left_where_nothing_reached_us_is_shown_nothing_when_the_page_is_opened_again(
    world: World, visitor: Visitor
):
    await tip(visitor)
    token, turns = visitor.token, len(world.commits)
    visitor.client.cookies.set(LEFT, "1", domain="127.0.0.1", path="/")  # as the page's script sets it
    await visitor.look()
    assert "Bây giờ bạn nhắn tin có an toàn không?" in visitor.said
    assert visitor.client.cookies.get(LEFT) is None
    assert visitor.token not in ("", token)
    assert await leads_nowhere(world, visitor, token)
    assert len(world.commits) == turns
    await visitor.press("An toàn")
    assert "Bạn cần gì lúc này?" in visitor.said


# ------------------------------------------------------------------------------------ the database decides, not the memory


def world_of(storage: DatabaseStorage, book: Book) -> World:
    """Another process, whose ids are others."""
    world = World(storage, book)
    world._count = itertools.count(1000)
    return world


@asynccontextmanager
async def browser(world: World, folder: Path) -> AsyncIterator[Visitor]:
    async with client_of(site_over(world, folder)) as client:
        yield Visitor(client)


@pytest.fixture(params=BOTH)
async def home(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with database(request.param, tmp_path) as made:
        yield made


async def test_after_a_restart_a_late_press_is_heard_and_the_token_leads_nowhere(
    home: Database, book: Book, tmp_path: Path
):
    first = World(await home.open(), book)
    async with browser(first, tmp_path) as visitor:
        await visitor.look()
        await tip(visitor)
        token, press = visitor.token, sent_by(visitor, HELP)
        before = await talk_of(first, token)
        await visitor.look("/lich")
    await first.storage.close()
    second = world_of(await home.open(), book)
    second.now = first.now + ON_ITS_WAY
    async with browser(second, tmp_path) as visitor:
        await comes(visitor, token, **press)
        assert [one.conversation.id for one in second.commits if one.conversation] == [before.id]
        assert await leads_nowhere(second, visitor, token)


async def test_between_two_processes_the_press_and_the_leaving_go_to_different_ones(book: Book, tmp_path: Path):
    async with database("postgresql", tmp_path) as home:
        one, other = World(await home.open(), book), world_of(await home.open(), book)
        async with browser(one, tmp_path) as visitor, browser(other, tmp_path) as there:
            await visitor.look()
            await tip(visitor)
            token, press = visitor.token, sent_by(visitor, HELP)
            before = await talk_of(one, token)
            await visitor.look("/lich")
            await comes(there, token, **press)
            assert [commit.conversation.id for commit in other.commits if commit.conversation] == [before.id]
            assert await leads_nowhere(one, visitor, token)
            assert await leads_nowhere(other, there, token)


async def test_both_in_the_same_moment_end_alike_whoever_is_first(home: Database, book: Book, tmp_path: Path):
    world = World(await home.open(), book)
    async with browser(world, tmp_path) as visitor:
        for _ in range(5):
            await visitor.look()
            await tip(visitor)
            token, press = visitor.token, sent_by(visitor, HELP, leave="1")
            before = await talk_of(world, token)
            turns = len(world.commits)
            async with client_of(site_over(world, tmp_path)) as beside:
                await asyncio.gather(
                    comes(visitor, token, **press), beside.get("/lich", headers={"cookie": f"nc={token}"})
                )
            assert {one.conversation.id for one in world.commits[turns:] if one.conversation} == {before.id}
            assert await leads_nowhere(world, visitor, token)
            visitor.client.cookies.clear()
