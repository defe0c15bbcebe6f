"""The whole service and a small Telegram: what people write, what they are told, what reaches the agencies and the officers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.app import at_work, open_parts
from bot.book import Book
from bot.settings import BadSetting, Settings, read_settings
from storage.base import Address
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.people import OnTelegram as Person
from tests.people import office_of, somebody_on_duty, the_three_stories, where
from tests.service import SECRET, Service
from tests.world import leaked

NOTICE = re.compile(r"(KHẨN|Tin mới) · Mức (L\d) · ([^·\n]+) · ([2-9A-Z]{6})\nhttp://\S+/officers/r/[0-9a-f]{20}")


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def telegram() -> AsyncIterator[FakeTelegram]:
    """One Telegram whose updates come to one service by webhook; every test has people of its own."""
    async with FakeTelegram(retry_s=0.05) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(telegram: FakeTelegram, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    home = tmp_path_factory.mktemp("service") / "home"
    async with Service(home).with_telegram(telegram, webhook=True) as running:
        yield running


def receipt_in(text: str) -> str:
    found = re.search(r"\b\d{4} \d{4}(?: \d{1,4})?\b", text)
    assert found, text
    return found[0]


async def test_the_three_stories_by_webhook(telegram: FakeTelegram, service: Service, book: Book) -> None:
    await they_tell_and_an_officer_takes_it(telegram, service, book)


async def test_the_three_stories_by_polling(home: Path, book: Book) -> None:
    async with FakeTelegram() as telegram, Service(home).with_telegram(telegram, webhook=False) as service:
        await they_tell_and_an_officer_takes_it(telegram, service, book)


async def they_tell_and_an_officer_takes_it(telegram: FakeTelegram, service: Service, book: Book) -> None:
    officer = await somebody_on_duty(service, telegram, book)
    told = await the_three_stories(service, *(Person(telegram) for _ in range(3)))
    assert len(set(map(receipt_in, told))) == 3
    await the_officer_takes_it(telegram, service, officer)
    assert TOKEN not in service.output
    assert not leaked(service.output)


async def the_officer_takes_it(telegram: FakeTelegram, service: Service, officer: Person) -> None:
    notice = await officer.hears("KHẨN")
    found = NOTICE.fullmatch(notice)
    assert found, f"level, area, code, link and nothing else: {notice!r}"
    assert found[2] == "L4"
    shown = next(one for one in telegram.shown(officer.chat) if one["text"] == notice)
    buttons = [button for row in shown["reply_markup"]["inline_keyboard"] for button in row]
    assert [button["text"] for button in buttons] == ["Tôi nhận"]

    citizen = Person(telegram)
    await citizen.say("/start")
    send_press(telegram, citizen, buttons[0]["callback_data"])
    await citizen.hears("Chúng tôi chưa hiểu")
    state = "SELECT state FROM referral WHERE code = ?"
    assert service.rows(state, found[4]) == [("delivered",)], "a citizen reaches nothing with an officer's button"

    telegram.press(officer.chat, "Tôi nhận", shown["message_id"])
    await officer.hears(f"Bạn đã nhận hồ sơ {found[4]}")
    assert service.rows(state, found[4]) == [("acknowledged",)]
    assert telegram.called("answerCallbackQuery")[-1].status == 200


def send_press(telegram: FakeTelegram, person: Person, data: str) -> int:
    """A button that is no longer on their screen, or never was."""
    return telegram._pressed(person.chat, telegram.shown(person.chat)[-1], data)


async def test_a_wrong_code_makes_nobody_an_officer(telegram: FakeTelegram, service: Service, book: Book) -> None:
    code = await service.invite(office_of(book, "police"))
    stranger, officer, late = (Person(telegram) for _ in range(3))
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    answer = await stranger.say(f"/canbo {wrong}")
    assert "hệ thống trả lời tự động" in answer, "they are a citizen like any other"
    assert "nhận thông báo" in await officer.say(f"/canbo {code}")
    assert "hệ thống trả lời tự động" in await late.say(f"/canbo {code}"), "a code works once"
    bound = "SELECT officer IS NOT NULL FROM address WHERE id = ?"
    assert [service.rows(bound, where(service, one)) for one in (stranger, officer, late)] == [[(0,)], [(1,)], [(0,)]]
    assert "Kênh này chỉ để nhận thông báo" in await officer.say("xin chào")


async def test_stop_takes_the_chat_of_two_days_away(telegram: FakeTelegram, service: Service) -> None:
    person = Person(telegram)
    await person.say("/start")
    await person.choose("An toàn", "Tôi thấy việc đáng ngờ")
    await person.say("một điều không ai được đọc")
    await person.choose("Dừng và xóa")
    await person.hears("Đã dừng")
    await service.at_rest()
    left = [one["text"] for one in telegram.chats[person.chat].values()]
    assert left == ["Đã dừng. Khi nào tiện, bạn chỉ cần nhắn một chữ."], "what both wrote is gone"
    async with service.storage() as storage:
        talk = (await storage.load(Address("telegram", str(person.chat)))).conversation
    assert talk is not None
    assert (talk.answers, talk.notes, talk.flow) == ({}, (), "")


async def test_a_repeated_update_is_answered_once(telegram: FakeTelegram, service: Service) -> None:
    person = Person(telegram)
    await person.say("/start")
    pressed = telegram.press(person.chat, "An toàn")
    await person.hears("Bạn cần gì lúc này?")
    telegram.repeat(pressed)
    await telegram.settled()
    await service.at_rest()
    assert len(person.heard) == 2
    assert [status for number, status in telegram.posted if number == pressed] == [200, 200]


async def test_an_old_button_leads_to_the_question_that_stands(telegram: FakeTelegram, service: Service) -> None:
    person = Person(telegram)
    await person.say("/start")
    old = next(data for data in shown_data(telegram, person) if data.endswith(":watched"))
    await person.choose("An toàn", "Tôi thấy việc đáng ngờ")
    telegram.forget_queries()
    send_press(telegram, person, old)
    assert "Bạn thấy việc này ở chỗ như thế nào?" in await person.hears("Nút đó của câu trước")


async def test_somebody_who_blocked_us_is_unreachable_until_they_write_again(
    telegram: FakeTelegram, service: Service
) -> None:
    person = Person(telegram)
    await person.say("/start")
    telegram.blocked.add(person.chat)
    telegram.press(person.chat, "An toàn")
    await telegram.settled()
    unreachable = "SELECT unreachable FROM address WHERE id = ?"
    await service.until(lambda: service.rows(unreachable, where(service, person)) == [(1,)])
    last = (
        "SELECT o.state, o.code FROM outbox o JOIN conversation c ON c.id = o.conversation WHERE c.address = ? "
        "ORDER BY o.id DESC LIMIT 1"
    )
    assert service.rows(last, where(service, person)) == [("dead", "forbidden")]
    telegram.blocked.discard(person.chat)
    await person.say("tôi quay lại")
    assert service.rows(unreachable, where(service, person)) == [(0,)]


async def test_what_goes_wrong_at_telegram_delays_a_reply_and_never_loses_it(
    telegram: FakeTelegram, service: Service
) -> None:
    an, binh, chi = (Person(telegram) for _ in range(3))
    telegram.fault("sendMessage", chat=an.chat, status=502, description="Bad Gateway")
    telegram.fault("sendMessage", chat=binh.chat, kind="drop")
    telegram.fault("sendMessage", chat=chi.chat, kind="lost")
    await asyncio.gather(*(one.say("/start") for one in (an, binh, chi)))
    await service.at_rest()
    assert (len(an.heard), len(binh.heard)) == (1, 1)
    assert len(telegram.texts(chi.chat)) == 2, "taken, then cut off: it may come twice, never not at all"
    assert len(set(telegram.texts(chi.chat))) == 1


async def test_the_wait_that_telegram_names_is_kept(telegram: FakeTelegram, service: Service) -> None:
    person = Person(telegram)
    telegram.fault("sendMessage", chat=person.chat, retry_after=2)
    began = asyncio.get_running_loop().time()
    await person.say("/start")
    assert asyncio.get_running_loop().time() - began >= 2
    tries = [c.status for c in telegram.called("sendMessage") if int(c.fields["chat_id"]) == person.chat]
    assert tries == [429, 200]


async def test_the_real_command_keeps_telegrams_pace_and_ends_when_told(home: Path) -> None:
    async with FakeTelegram() as telegram, Service(home, paced=True).with_telegram(telegram, webhook=False) as service:
        person = Person(telegram)
        began = asyncio.get_running_loop().time()
        await person.say("/start")
        await person.choose("An toàn", "Tôi thấy việc đáng ngờ")
        assert asyncio.get_running_loop().time() - began >= 2, "one message a second to one chat"
        assert await asyncio.to_thread(service.stop) == 0
        assert service.count("SELECT count(*) FROM outbox WHERE claimed_until > 0 AND finished = 0") == 0
        assert TOKEN not in service.output


def shown_data(telegram: FakeTelegram, person: Person) -> list[str]:
    rows = telegram.shown(person.chat)[-1]["reply_markup"]["inline_keyboard"]
    return [button["callback_data"] for row in rows for button in row]


async def test_a_part_that_ends_before_its_time_ends_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = await open_parts(
        Settings(home=tmp_path, database=str(tmp_path / "nhipcau.db"), exports=tmp_path / "exports")
    )

    async def falls_silent(stop: asyncio.Event) -> None:
        raise RuntimeError("and nothing leaves any more")

    monkeypatch.setattr(parts.deliverer, "run", falls_silent)
    lost: asyncio.Queue[str] = asyncio.Queue()
    async with at_work(parts, lost.put_nowait):
        assert await asyncio.wait_for(lost.get(), 60) == "deliver"


@pytest.mark.parametrize("secret", ["", "short", "with spaces in the secret", "dấu-tiếng-việt-trong-mã", "x" * 257])
async def test_a_secret_that_telegram_would_refuse_is_refused_at_the_start(secret: str) -> None:
    environ = {"NHIPCAU_TELEGRAM_WEBHOOK": "https://here/telegram", "NHIPCAU_TELEGRAM_SECRET": secret}
    with pytest.raises(BadSetting, match="NHIPCAU_TELEGRAM_SECRET"):
        read_settings(environ)
    assert read_settings({**environ, "NHIPCAU_TELEGRAM_SECRET": SECRET}).telegram_secret.value == SECRET
