"""What people do on Telegram beside writing, through the channel's bytes to what is kept and told (channels.md §2)."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from bot.book import Book
from bot.channels.base import SendError
from bot.channels.telegram.send import TelegramChannel
from flows.model import Conversation
from storage.base import Address
from tests.channels.by_telegram import TelegramDoor
from tests.channels.driver import ByBytes, Served, served
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.world import SAID

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door() -> AsyncIterator[Served]:
    async with served(TelegramDoor()) as one:
        yield one


class Person:
    """Somebody with Telegram, in a world of their own."""

    def __init__(self, world: ByBytes, telegram: FakeTelegram, database: Path) -> None:
        self.database = database
        world.uses("p", "telegram")
        self.world, self.telegram = world, telegram
        self.chat = int(world.external("p"))

    async def does(self, *updates: int) -> list[str]:
        """Updates that were begun: they are taken, and answered; what is new on the screen."""
        assert all(updates)
        await self.telegram.settled()
        return [text for message in await self.world._after("p") for text in message.texts]

    async def say(self, text: str) -> list[str]:
        SAID.add(text)
        return await self.does(self.telegram.say(self.chat, text))

    async def talk(self) -> Conversation:
        found = (await self.world.storage.load(Address("telegram", str(self.chat)))).conversation
        assert found is not None
        return found


@pytest_asyncio.fixture(loop_scope="module")
async def person(door: Served, book: Book, empty_database: Path, tmp_path: Path) -> AsyncIterator[Person]:
    shutil.copyfile(empty_database, tmp_path / "world.db")
    async with door.world(book, tmp_path / "world.db") as world:
        assert isinstance(door.door, TelegramDoor)
        yield Person(world, door.door.telegram, tmp_path / "world.db")


@pytest.mark.parametrize(
    ("field", "kept", "kind"),
    [
        ("video_note", "Đã nhận video.", "video"),
        ("animation", "Đã nhận video.", "video"),
        ("audio", "Đã nhận ghi âm.", "voice"),
        ("voice", "Đã nhận ghi âm.", "voice"),
    ],
)
async def test_every_recording_is_kept_and_brought_in(person: Person, field: str, kept: str, kind: str) -> None:
    await person.say("/start")
    file = person.telegram._file(field, b"the content")
    assert kept in await person.does(person.telegram.sends(person.chat, **{field: file}))
    assert [one.kind for one in (await person.talk()).media] == [kind]
    assert await person.world.storage.read_file(str(file["file_id"])) == b"the content"


async def test_an_album_is_answered_once_and_kept_whole(person: Person) -> None:
    await person.say("/start")
    said = await person.does(*person.telegram.send_album(person.chat, 5, "Hai người này"))
    assert said.count("Đã nhận ảnh.") == 1
    talk = await person.talk()
    assert len(talk.media) == 5
    assert talk.notes == ("Hai người này",)


async def test_a_cry_in_an_album_is_heard_whichever_picture_it_stands_at(person: Person) -> None:
    await person.say("/start")
    group = {"media_group_id": "7"}
    photo = [{**person.telegram._file("photos", b"x"), "width": 1, "height": 1}]
    first = person.telegram.sends(person.chat, photo=photo, **group)
    second = person.telegram.sends(person.chat, photo=photo, caption="cứu em với", **group)
    said = await person.does(first, second)
    assert any("113" in line for line in said)
    assert (await person.talk()).alerted


async def test_a_file_that_is_too_large_is_not_called_received(person: Person) -> None:
    await person.say("/start")
    file = {**person.telegram._file("video", b"x"), "file_size": 20 * 1024 * 1024 + 1}
    said = await person.does(person.telegram.sends(person.chat, video=file, caption="Xe ở bến"))
    assert "Tệp vừa rồi lớn quá nên chưa được giữ. Bạn gửi bản ngắn hơn giúp, hoặc viết bằng lời." in said
    assert "Đã nhận video." not in said
    talk = await person.talk()
    assert (talk.media, talk.notes) == ((), ("Xe ở bến",))


async def test_a_live_place_is_followed_without_a_word(person: Person) -> None:
    """Somebody who is being moved shows where they are: each time it is elsewhere, whoever has the matter hears of it."""
    await person.say("cứu em với, họ nhốt em trong phòng không cho ra")
    telegram, chat = person.telegram, person.chat
    live = {"latitude": 21.85, "longitude": 106.76, "live_period": 900}
    await person.does(telegram.sends(chat, location=live))
    number, before = telegram.newest(chat), len(telegram.shown(chat))
    person.world.new_effects()
    await person.does(telegram.edit(chat, number, location={**live, "latitude": 21.8501}))
    assert person.world.new_effects() == [], "eleven metres are no news"
    await person.does(telegram.edit(chat, number, location={**live, "latitude": 21.9}))
    assert {"R1: duty is told again", "R2: duty is told again"} <= set(person.world.new_effects())
    assert len(telegram.shown(chat)) == before, "the phone does not buzz"
    places = [one.ref for one in (await person.talk()).media]
    assert places == ["21.85000,106.76000", "21.90000,106.76000"]


async def test_a_changed_message_answers_nothing_and_is_kept(person: Person) -> None:
    await person.say("/start")
    await person.say("xin chào")
    number = person.telegram.newest(person.chat)
    said = await person.does(person.telegram.edit(person.chat, number, text="An toàn"))
    assert "Điều bạn vừa sửa đã được giữ." in said
    talk = await person.talk()
    assert (talk.step, "An toàn" in talk.notes) == ("safety", True)


async def test_a_cry_in_a_changed_message_is_heard(person: Person) -> None:
    await person.say("/start")
    await person.say("xin chào")
    said = await person.does(
        person.telegram.edit(person.chat, person.telegram.newest(person.chat), text="cứu em với, họ nhốt em")
    )
    assert any("113" in line for line in said)
    assert (await person.talk()).alerted


async def test_somebodys_own_number_is_called_so_and_names_nobody(person: Person) -> None:
    await person.say("/start")
    own = {"phone_number": "+84900000001", "first_name": "Tên Thật", "user_id": person.chat}
    await person.does(person.telegram.sends(person.chat, contact=own))
    other = {"phone_number": "+84900000002", "first_name": "Chị Hoa"}
    await person.does(person.telegram.sends(person.chat, contact=other))
    talk = await person.talk()
    assert [one.caption for one in talk.media] == ["+84900000001 (số của người nhắn)", "+84900000002 Chị Hoa"]
    assert talk.notes == (), "a number stays with its contact"


async def test_who_blocks_the_bot_is_out_of_reach_until_they_write(person: Person) -> None:
    await person.say("/start")
    reach = "SELECT unreachable FROM address"
    await person.does(person.telegram.block(person.chat))
    assert asked(person, reach) == [(1,)]
    person.telegram.unblock(person.chat)
    await person.say("tôi quay lại")
    assert asked(person, reach) == [(0,)]


async def test_a_stranger_who_blocks_the_bot_is_not_remembered(person: Person) -> None:
    await person.does(person.telegram.block(person.chat))
    assert asked(person, "SELECT count(*) FROM address") == [(0,)]


async def test_a_deleted_account_is_found_out_on_sending(person: Person) -> None:
    await person.say("/start")
    person.telegram.delete_account(person.chat)
    person.telegram.say(person.chat, "x")
    await person.telegram.settled()
    await person.world.deliverer.drain()
    assert asked(person, "SELECT unreachable FROM address") == [(1,)]


@pytest.mark.parametrize(("payload", "counted"), [("truong-hoc_01", "truong-hoc_01"), ("0900000001", None)])
async def test_where_a_link_was_seen_is_counted_and_no_number_is(
    person: Person, payload: str, counted: str | None
) -> None:
    await person.say(f"/start {payload}")
    await person.say("gặp người thật")
    await person.say("1")
    await person.say("cần hỏi")
    details = [entry.detail for one in person.world.commits for entry in one.audit if entry.action == "intake.received"]
    assert [one.get("campaign") for one in details] == [counted]


@pytest.mark.parametrize(
    ("command", "step"),
    [
        ("/gap", "now"),
        ("/urgent", "now"),
        ("/nguoi", "offer"),
        ("/person", "offer"),
        ("/ngonngu", "choose"),
        ("/stop", ""),
    ],
)
async def test_the_commands_of_the_menu_do_what_they_say(person: Person, command: str, step: str) -> None:
    await person.say("/start")
    await person.say(command)
    assert (await person.talk()).step == step or (step == "now" and (await person.talk()).alerted)


async def test_files_of_a_server_of_our_own_are_read_from_its_folder_alone(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"\xff\xd8")
    (tmp_path / "secret").write_bytes(b"key")

    async def fetched(path: Path, files: Path | None = folder) -> bytes:
        channel = TelegramChannel(TOKEN, files=files)

        async def call(method: str, fields: object, read_timeout: float | None = None) -> object:
            return {"file_path": str(path), "file_size": 2}

        vars(channel)["call"] = call
        return await channel.fetch("x")

    assert await fetched(folder / "a.jpg") == b"\xff\xd8"
    for path, files in ((tmp_path / "secret", folder), (folder / ".." / "secret", folder), (folder / "a.jpg", None)):
        with pytest.raises(SendError, match="local_files"):
            await fetched(path, files)


def asked(person: Person, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{person.database}?mode=ro", uri=True)) as database:
        return database.execute(sql).fetchall()
