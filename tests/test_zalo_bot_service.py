"""The whole service and a small Zalo Bot Platform: what people type, what they are told, what reaches the agencies.

`Person` knows of the bot what the fact sheet says (channels.md §1.1) and what stands on the screen: texts with numbers.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.book import Book
from bot.settings import BadSetting, read_settings
from storage.base import Address
from storage.turns import address_id
from tests.fakes.telegram import FakeTelegram
from tests.fakes.zalo_bot import TOKEN, FakeZaloBot
from tests.service import SECRET, Service
from tests.test_telegram_service import Person as OfficersPhone
from tests.test_telegram_service import office_of
from tests.world import SAID, leaked

pytestmark = pytest.mark.asyncio(loop_scope="module")

_people = itertools.count(1)
TIP_WORDS = "Quán ở cạnh chợ, xã Bắc Quang, Hà Giang cũ, xe biển 23A-445.67"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def zalo() -> AsyncIterator[FakeZaloBot]:
    """One platform whose events come to one service by webhook; every test has people of its own."""
    async with FakeZaloBot() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def telegram() -> AsyncIterator[FakeTelegram]:
    """Where the officers of 111 have their phones."""
    async with FakeTelegram() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(
    zalo: FakeZaloBot, telegram: FakeTelegram, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    home = tmp_path_factory.mktemp("service") / "home"
    running = Service(home).with_telegram(telegram, webhook=True).with_zalo_bot(zalo, webhook=True)
    async with running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def officer(service: Service, telegram: FakeTelegram, book: Book) -> OfficersPhone:
    """Somebody on duty at 111."""
    phone = OfficersPhone(telegram)
    code = await service.invite(office_of(book, "hotline_111"))
    assert "nhận thông báo" in await phone.say(f"/canbo {code}")
    return phone


class Person:
    """Somebody with Zalo: types words, or the number that stands before an answer."""

    def __init__(self, zalo: FakeZaloBot) -> None:
        self.zalo = zalo
        self.chat = hashlib.blake2b(str(next(_people)).encode(), digest_size=10).hexdigest()
        SAID.add(self.chat)

    async def say(self, *texts: str) -> str:
        """Type these one after the other; the last answer."""
        for text in texts:
            SAID.add(text)
            answer = await self._answered(self.zalo.say, text)
        return answer

    async def choose(self, *labels: str) -> str:
        """Type the number of an answer of the question on the screen, one question after the other."""
        for label in labels:
            answer = await self.say(str(self.number_of(label)))
        return answer

    def number_of(self, label: str) -> int:
        found = re.search(rf"^(\d+)\. (?:✓ )?{re.escape(label)}$", self.heard[-1], re.MULTILINE)
        assert found, f"{label!r} is no answer of {self.heard[-1]!r}"
        return int(found[1])

    async def _answered(self, does: object, *given: str) -> str:
        before = len(self.heard)
        does(self.chat, *given)  # type: ignore[operator]
        await self.zalo.until(lambda: len(self.heard) > before, 15)
        return self.heard[-1]

    @property
    def heard(self) -> list[str]:
        return self.zalo.texts(self.chat)


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
    assert "Hoặc nhắn: " in person.heard[-1]
    await person.say("bỏ qua")
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


def referrals_of(service: Service, chat: str) -> dict[str, tuple[str, str, int]]:
    """Route → (state, level, urgent) of what this person's intake became."""
    rows = service.rows(
        "SELECT r.route, r.state, r.level, r.urgent FROM referral r JOIN intake i ON i.id = r.intake "
        "JOIN conversation c ON c.id = i.conversation WHERE c.address = ?",
        address_id(Address("zalo_bot", chat), service.sealer),
    )
    return {route: (state, level, urgent) for route, state, level, urgent in rows}


async def test_the_three_stories_by_webhook(
    zalo: FakeZaloBot, service: Service, officer: OfficersPhone, book: Book
) -> None:
    """A tip, a child's screening and a call for help at the same time, by numbers."""
    an, binh, chi = (Person(zalo) for _ in range(3))
    tip, child, help_ = await asyncio.gather(tell_a_tip(an), a_child_is_screened(binh), a_call_for_help(chi))
    assert "Đã gửi. Mã của bạn" in tip
    assert "Nơi nhận tin: Công an" in tip
    assert "Bạn kể vậy là đủ rồi" in child
    assert "111" in child
    assert "Người trực đã được báo" in help_
    assert "KHẨN" in await officer.hears("KHẨN")

    await service.at_rest()
    assert set(referrals_of(service, an.chat)) == {"police"}
    assert "hotline_111" in referrals_of(service, binh.chat)
    assert {"police", "hotline_111"} <= set(referrals_of(service, chi.chat))
    assert referrals_of(service, chi.chat)["hotline_111"] == ("delivered", "L4", 1)
    assert TOKEN not in service.output
    assert not leaked(service.output)


async def test_a_call_for_help_by_polling(tmp_path: Path) -> None:
    async with FakeZaloBot(flat=False, replays=True) as zalo:
        async with Service(tmp_path / "home").with_zalo_bot(zalo, webhook=False) as service:
            person = Person(zalo)
            first = await person.say("cứu em với, họ nhốt em trong phòng không cho ra")
            assert "113" in first
            await person.choose("Ở Việt Nam")
            await zalo.until(lambda: len(zalo.calls) - len(zalo.called()) >= 4, 15)
            assert len(person.heard) == 2, "what getUpdates says again is not answered again"
            assert TOKEN not in service.output


async def test_who_may_be_a_child_is_answered_at_once_and_the_staff_are_told(
    zalo: FakeZaloBot, service: Service, officer: OfficersPhone
) -> None:
    child, before = Person(zalo), len(officer.heard)
    answer = await child._answered(zalo.withhold)
    assert answer.startswith("Tin của bạn đến đây bị trống. Cần giúp thì gọi 111 (miễn phí, ngày đêm) hoặc 113.")
    assert "Gặp người thật" in answer
    await officer.telegram.until(lambda: len(officer.heard) > before, 15)
    assert "Tin mới" in officer.heard[-1]
    assert set(referrals_of(service, child.chat)) == {"hotline_111"}
    again = await child._answered(zalo.withhold)
    assert "111" in again


async def test_a_message_of_nobody_known_reaches_the_staff(
    zalo: FakeZaloBot, service: Service, officer: OfficersPhone
) -> None:
    """Zalo tells that somebody wrote, without a chat to answer in: the staff hear of it, and each such event counts."""
    before, unanswered = len(officer.heard), len(zalo.called("sendMessage"))
    zalo.withhold()
    await officer.telegram.until(lambda: len(officer.heard) > before, 15)
    assert "Tin mới" in officer.heard[-1]
    await service.at_rest()
    assert len(zalo.called("sendMessage")) == unanswered
    because = service.rows(
        "SELECT r.rule, r.because FROM referral r JOIN intake i ON i.id = r.intake "
        "JOIN conversation c ON c.id = i.conversation WHERE c.address IS NULL"
    )
    assert [rule for rule, _ in because] == ["content_withheld"]
    assert "không trả lời được" in because[0][1]


async def test_a_repeated_event_is_answered_once(zalo: FakeZaloBot, service: Service) -> None:
    person = Person(zalo)
    await person.say("xin chào")
    message = zalo.say(person.chat, str(person.number_of("An toàn")))
    await zalo.until(lambda: len(person.heard) == 2, 15)
    zalo.repeat(message)
    await zalo.settled()
    await service.at_rest()
    assert len(person.heard) == 2
    assert [status for number, status in zalo.posted if number == message] == [200, 200]


async def test_a_photo_and_a_voice_message_are_brought_in_while_zalo_has_them(
    zalo: FakeZaloBot, service: Service
) -> None:
    person = Person(zalo)
    await person.say("xin chào")
    await person._answered(lambda chat: zalo.send_photo(chat, "Xe đón ở bến", field="photo"))
    assert "Đã nhận ảnh" in person.heard[-1]
    await person._answered(zalo.send_voice)
    assert "Đã nhận ghi âm" in person.heard[-1]
    kept = "SELECT count(*) FROM attachment WHERE sealed_content IS NOT NULL AND kind IN ('photo', 'voice')"
    await service.until(lambda: service.count(kept) == 2)


async def test_what_goes_wrong_at_zalo_delays_a_reply_and_never_loses_it(zalo: FakeZaloBot, service: Service) -> None:
    an, binh, chi = (Person(zalo) for _ in range(3))
    zalo.fault("sendMessage", chat=an.chat, status=403, description="Internal server error")
    zalo.fault("sendMessage", chat=binh.chat, kind="lost")
    zalo.fault("sendMessage", chat=chi.chat, status=500, in_a_200=True)
    await asyncio.gather(*(one.say("xin chào") for one in (an, chi)))
    zalo.say(binh.chat, "xin chào")
    await zalo.until(lambda: len(binh.heard) >= 2, 15)
    await service.at_rest()
    assert (len(an.heard), len(chi.heard)) == (1, 1)
    assert len(set(binh.heard)) == 1, "taken, then cut off: it may come twice, never not at all"


async def test_stop_says_that_the_phone_keeps_the_chat(zalo: FakeZaloBot, service: Service) -> None:
    person = Person(zalo)
    await person.say("xin chào")
    last = await person.say("dừng")
    assert "Bạn tự xóa cuộc trò chuyện này giúp" in last
    assert "Đã dừng" in last


async def test_zalo_may_look_at_the_address(zalo: FakeZaloBot, service: Service) -> None:
    assert await zalo.probe() == 200


@pytest.mark.parametrize("secret", ["", "short", "with spaces in the secret", "x" * 257])
async def test_a_secret_that_zalo_would_refuse_is_refused_at_the_start(secret: str) -> None:
    environ = {"NHIPCAU_ZALO_BOT_WEBHOOK": "https://here/zalo-bot", "NHIPCAU_ZALO_BOT_SECRET": secret}
    with pytest.raises(BadSetting, match="NHIPCAU_ZALO_BOT_SECRET"):
        read_settings(environ)
    assert read_settings({**environ, "NHIPCAU_ZALO_BOT_SECRET": SECRET}).zalo_bot_secret.value == SECRET


@pytest.mark.parametrize("plan", ["50", "50,", "many,3000", "0,3000"])
async def test_a_plan_is_two_numbers(plan: str) -> None:
    with pytest.raises(BadSetting, match="NHIPCAU_ZALO_BOT_PLAN"):
        read_settings({"NHIPCAU_ZALO_BOT_PLAN": plan})
    assert read_settings({"NHIPCAU_ZALO_BOT_PLAN": "100, 9000"}).zalo_bot_plan == (100, 9000)
