"""The whole service and a small Zalo OA: what people write and press, what they are told, what reaches the agencies.

`Person` knows of the account what the fact sheet says (channels.md §1.2) and what stands on the screen: texts with numbers, and
at most five buttons, whose payload comes back as a text.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from bot.book import Book
from bot.settings import BadSetting, read_settings
from storage.base import Address
from storage.turns import address_id
from tests.fakes.telegram import FakeTelegram
from tests.fakes.zalo_oa import FakeZaloOa
from tests.service import Service
from tests.test_telegram_service import Person as OfficersPhone
from tests.test_telegram_service import office_of
from tests.world import SAID, leaked

pytestmark = pytest.mark.asyncio(loop_scope="module")

_people = itertools.count(2_512_523_625_412_515)
TIP_WORDS = "Quán ở cạnh chợ, xã Bắc Quang, Hà Giang cũ, xe biển 23A-445.67"


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


class Person:
    """Somebody with Zalo: presses the button where there is one, and else types the number that stands before the answer."""

    def __init__(self, zalo: FakeZaloOa) -> None:
        self.zalo = zalo
        self.id = str(next(_people))
        SAID.add(self.id)

    async def say(self, *texts: str) -> str:
        """Type these one after the other; the last answer."""
        for text in texts:
            SAID.add(text)
            answer = await self.does(self.zalo.say, text)
        return answer

    async def choose(self, *labels: str) -> str:
        """Answer the question on the screen, one after the other."""
        for label in labels:
            if label in self.zalo.buttons(self.id):
                answer = await self.does(self.zalo.press, label)
            else:
                answer = await self.say(str(self.number_of(label)))
        return answer

    def number_of(self, label: str) -> int:
        found = re.search(rf"^(\d+)\. (?:✓ )?{re.escape(label)}$", self.heard[-1], re.MULTILINE)
        assert found, f"{label!r} is no answer of {self.heard[-1]!r}"
        return int(found[1])

    async def does(self, does: Callable[..., Any], *given: Any) -> str:
        before = len(self.heard)
        does(self.id, *given)
        await self.zalo.until(lambda: len(self.heard) > before, 15)
        return self.heard[-1]

    @property
    def heard(self) -> list[str]:
        return self.zalo.texts(self.id)


async def tell_a_tip(person: Person) -> str:
    hello = await person.say("xin chào")
    assert "hệ thống trả lời tự động, không phải công an" in hello
    assert hello.index("111") < hello.index("1. An toàn")
    await person.choose(
        "An toàn", "Tôi thấy việc đáng ngờ", "Quán karaoke, quán bar", "Không còn", "Trong nước", "Kể thêm vài điều"
    )
    await person.say(TIP_WORDS)
    await person.choose("Hôm nay", "Tôi không rõ", "Tôi không rõ")
    await person.say("Xe bảy chỗ, hay đỗ sau quán buổi tối", "Có hai cô gái trẻ, hỏi chuyện thì có người gọi vào ngay")
    await person.choose("Bỏ qua")
    review = await person.choose("Không", "Được")
    assert TIP_WORDS in review
    return await person.choose("Gửi")


async def a_child_is_screened(person: Person) -> str:
    await person.say("xin chào")
    asked = [await person.choose("An toàn"), await person.choose("Tôi lo cho mình hoặc cho ai đó")]
    for label in ("Tôi đồng ý", "Cho tôi", "Dưới 16", "Đang ở Việt Nam"):
        asked.append(await person.choose(label))
    last = await person.choose("Lúc được lúc không")
    told = " ".join((*asked, last))
    for never in ("Giấy tờ hoặc điện thoại có bị", "trả nợ", "Có bị đánh", "Có bị ép", "khác lời hứa"):
        assert never not in told, "a child writing alone is never asked about means or purpose"
    return last


async def a_call_for_help(person: Person) -> str:
    first = await person.say("cứu em với, họ nhốt em trong phòng không cho ra")
    assert first.index("113") < first.index("?"), "the numbers come before any question"
    assert "111" in first
    await person.choose("Ở Việt Nam", "Chỉ nhắn tin ở đây")
    return await person.say("Nhà trọ sau bến xe, Lạng Sơn")


def where(service: Service, person: Person) -> str:
    return address_id(Address("zalo_oa", person.id), service.sealer)


def referrals_of(service: Service, person: Person) -> dict[str, tuple[str, str, int]]:
    """Route → (state, level, urgent) of what this person's intake became."""
    rows = service.rows(
        "SELECT r.route, r.state, r.level, r.urgent FROM referral r JOIN intake i ON i.id = r.intake "
        "JOIN conversation c ON c.id = i.conversation WHERE c.address = ?", where(service, person),
    )  # fmt: skip
    return {route: (state, level, urgent) for route, state, level, urgent in rows}


async def test_the_three_stories(zalo: FakeZaloOa, service: Service, telegram: FakeTelegram, book: Book) -> None:
    """A tip, a child's screening and a call for help at the same time; an officer of 111 is told of the last."""
    officer = OfficersPhone(telegram)
    assert "nhận thông báo" in await officer.say(f"/canbo {await service.invite(office_of(book, 'hotline_111'))}")
    an, binh, chi = (Person(zalo) for _ in range(3))
    tip, child, help_ = await asyncio.gather(tell_a_tip(an), a_child_is_screened(binh), a_call_for_help(chi))
    assert "Đã gửi. Mã của bạn" in tip
    assert "Nơi nhận tin: Công an" in tip
    assert "Bạn kể vậy là đủ rồi" in child
    assert "111" in child
    assert "Người trực đã được báo" in help_
    await service.at_rest()
    assert set(referrals_of(service, an)) == {"police"}
    assert "hotline_111" in referrals_of(service, binh)
    assert referrals_of(service, chi)["police"][1:] == ("L4", 1)
    assert referrals_of(service, chi)["hotline_111"] == ("delivered", "L4", 1)
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
