"""The whole service and a small Zalo Bot Platform (channels.md §1.1): what people type, what they and the agencies are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.book import Book
from bot.settings import BadSetting, read_settings
from tests.fakes.telegram import FakeTelegram
from tests.fakes.zalo_bot import TOKEN, FakeZaloBot
from tests.people import OnTelegram, referrals_of, somebody_on_duty, the_three_stories
from tests.people import OnZaloBot as Person
from tests.service import SECRET, Service
from tests.world import leaked

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
async def officer(service: Service, telegram: FakeTelegram, book: Book) -> OnTelegram:
    """Somebody on duty at 111."""
    return await somebody_on_duty(service, telegram, book)


async def test_the_three_stories_by_webhook(
    zalo: FakeZaloBot, service: Service, officer: OnTelegram, book: Book
) -> None:
    """A tip, a child's screening and a call for help at the same time, by numbers."""
    await the_three_stories(service, *(Person(zalo) for _ in range(3)))
    assert "L4" in await officer.hears("KHẨN")
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
    zalo: FakeZaloBot, service: Service, officer: OnTelegram
) -> None:
    child, before = Person(zalo), len(officer.heard)
    answer = await child.does(zalo.withhold, child.chat)
    assert answer.startswith("Tin của bạn đến đây bị trống. Cần giúp thì gọi 111 (miễn phí, ngày đêm) hoặc 113.")
    assert "Gặp người thật" in answer
    await officer.telegram.until(lambda: len(officer.heard) > before, 15)
    assert "Tin mới" in officer.heard[-1]
    assert set(referrals_of(service, child)) == {"hotline_111"}
    again = await child.does(zalo.withhold, child.chat)
    assert "111" in again


async def test_a_message_of_nobody_known_reaches_the_staff(
    zalo: FakeZaloBot, service: Service, officer: OnTelegram
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


async def test_a_number_typed_twice_in_a_row_answers_one_question(
    zalo: FakeZaloBot, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(zalo)
    await person.say("xin chào")
    safe = str(person.number_of("An toàn"))
    zalo.say(person.chat, safe)
    monkeypatch.setattr(zalo, "thinks_ms", 300)
    zalo.say(person.chat, safe)
    await zalo.until(lambda: len(person.heard) == 3, 15)
    assert "nên chưa được tính" in person.heard[-1]
    monkeypatch.undo()
    assert "ở chỗ như thế nào?" in await person.choose("Tôi thấy việc đáng ngờ")


async def test_a_photo_and_a_voice_message_are_brought_in_while_zalo_has_them(
    zalo: FakeZaloBot, service: Service
) -> None:
    person = Person(zalo)
    await person.say("xin chào")
    await person.does(zalo.send_photo, person.chat, "Xe đón ở bến", field="photo")
    assert "Đã nhận ảnh" in person.heard[-1]
    await person.does(zalo.send_voice, person.chat)
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
