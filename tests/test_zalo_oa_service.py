"""The whole service and a small Zalo OA (channels.md §1.2): what people write and press, what they and the agencies are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from bot.book import Book
from bot.settings import BadSetting, read_settings
from tests.fakes.telegram import FakeTelegram
from tests.fakes.zalo_oa import FakeZaloOa
from tests.people import OnZaloOa as Person
from tests.people import somebody_on_duty, the_three_stories, where
from tests.service import Service
from tests.world import leaked

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def zalo() -> AsyncIterator[FakeZaloOa]:
    """One account whose events come to one service; every test has people of its own."""
    async with FakeZaloOa() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def telegram() -> AsyncIterator[FakeTelegram]:
    """Where the officers of 111 have their phones."""
    async with FakeTelegram() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(
    zalo: FakeZaloOa, telegram: FakeTelegram, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    home = tmp_path_factory.mktemp("service") / "home"
    async with Service(home).with_telegram(telegram, webhook=True).with_zalo_oa(zalo) as running:
        assert await zalo.save_webhook(f"{running.url}/zalo-oa") == 200, "Zalo tries the address, unsigned, with {}"
        yield running


async def test_the_three_stories(zalo: FakeZaloOa, service: Service, telegram: FakeTelegram, book: Book) -> None:
    """A tip, a child's screening and a call for help at the same time; an officer of 111 is told of the last."""
    officer = await somebody_on_duty(service, telegram, book)
    await the_three_stories(service, *(Person(zalo) for _ in range(3)))
    assert "L4" in await officer.hears("KHẨN")
    assert not leaked(service.output)
    for secret in (zalo.key, zalo.app_secret, zalo.access, zalo.refresh):
        assert secret not in service.output
    assert all(status == 200 for _, status in zalo.posted)


async def test_a_repeated_event_is_answered_once(zalo: FakeZaloOa, service: Service) -> None:
    person = Person(zalo)
    event = zalo.say(person.id, "xin chào")
    await zalo.until(lambda: person.heard, 15)
    zalo.repeat(event)
    await zalo.settled()
    await service.at_rest()
    assert len(person.heard) == 1


async def test_photographs_are_brought_in_and_a_place_is_an_answer(zalo: FakeZaloOa, service: Service) -> None:
    person = Person(zalo)
    await person.say("xin chào")
    zalo.send_image(person.id, count=3)
    await zalo.until(lambda: len(person.heard) == 4, 15)
    await service.at_rest()
    kept = "SELECT count(*) FROM attachment a JOIN conversation c ON c.id = a.conversation WHERE c.address = ?"
    assert service.count(kept, where(service, person)) == 3


async def test_somebody_who_blocked_us_is_unreachable_until_they_write_again(
    zalo: FakeZaloOa, service: Service
) -> None:
    person = Person(zalo)
    await person.say("xin chào")
    zalo.block(person.id)
    zalo.press(person.id, "An toàn")
    unreachable = "SELECT unreachable FROM address WHERE id = ?"
    await service.until(lambda: service.rows(unreachable, where(service, person)) == [(1,)])
    zalo.blocked.clear()
    await person.say("tôi quay lại")
    assert service.rows(unreachable, where(service, person)) == [(0,)]


async def test_what_goes_wrong_at_zalo_delays_a_reply_and_never_loses_it(zalo: FakeZaloOa, service: Service) -> None:
    an, binh, chi = (Person(zalo) for _ in range(3))
    zalo.fault("message/cs", person=an.id, error=-200)
    zalo.fault("message/cs", person=binh.id, kind="drop")
    zalo.fault("message/cs", person=chi.id, kind="lost")
    await asyncio.gather(*(one.say("xin chào") for one in (an, binh, chi)))
    await service.at_rest(30)
    assert (len(an.heard), len(binh.heard)) == (1, 1)
    assert len(set(chi.heard)) == 1, "taken, then cut off: it may come twice, never not at all"


async def test_a_token_that_zalo_no_longer_takes_is_renewed_once(zalo: FakeZaloOa, service: Service) -> None:
    before = len(zalo.called("access_token"))
    zalo.expire_tokens()
    people = [Person(zalo) for _ in range(5)]
    await asyncio.gather(*(one.say("xin chào") for one in people))
    assert len(zalo.called("access_token")) == before + 1
    stored = service.rows("SELECT value FROM meta WHERE name LIKE 'zalo_oa/%'")
    assert len(stored) == 1
    assert zalo.refresh.encode() not in stored[0][0], "sealed"


async def test_anybody_may_look_at_the_address(service: Service) -> None:
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{service.url}/zalo-oa")).status_code == 200
        assert (await http.post(f"{service.url}/zalo-oa", content=b"{}")).status_code == 200
        assert (await http.post(f"{service.url}/zalo-oa")).status_code == 200


@pytest.mark.parametrize("name", ["NHIPCAU_ZALO_OA_APP_SECRET", "NHIPCAU_ZALO_OA_KEY"])
async def test_an_app_without_its_secrets_is_refused_at_the_start(name: str) -> None:
    environ = {"NHIPCAU_ZALO_OA_APP": "1", "NHIPCAU_ZALO_OA_APP_SECRET": "x", "NHIPCAU_ZALO_OA_KEY": "y"}
    assert read_settings(environ).zalo_oa.app == "1"
    with pytest.raises(BadSetting, match=name):
        read_settings({key: value for key, value in environ.items() if key != name})
