"""More files than are kept, files that are too large, files that never come: who sent them hears of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from bot.book import Book
from bot.channels.base import Inbound, SendError
from bot.channels.telegram.read import _FILES, read
from bot.events import Event
from bot.receive import safe_commit
from flows import files
from flows.files import LARGEST, MOST_BYTES, MOST_FILES, why_not_kept
from flows.model import Chose, Media, Opened, Sent
from storage.base import Snapshot
from tests.delivery import Platform, deliverer
from tests.paper import Paper
from tests.test_web_chat import JPEG, Visitor
from tests.test_web_chat import visitor as visitor
from tests.world import World

WHERE = "chat-of-lan"


def told(book: Book, sentence: str) -> str:
    return book.flows.everywhere.sentences[sentence]


def fetched(paper: Paper) -> int:
    return sum(row.kind == "fetch" for row in paper.commit.outbox)


def shown(paper: Paper) -> str:
    return "\n".join(paper.message.texts) if paper.message else ""


@pytest.fixture
def paper(book: Book) -> Paper:
    paper = Paper(book)
    for event in (Opened(), Chose(("safe",))):
        paper.turn(event, "telegram")
    return paper


def test_a_hundred_files_are_kept_and_the_next_is_said_not_to_be(book: Book, paper: Paper):
    for number in range(MOST_FILES):
        paper.turn(Sent(Media("photo", f"file-{number}")), "telegram")
        assert fetched(paper) == 1
        assert told(book, "kept_photo") in shown(paper)
    place = paper.place
    paper.turn(Sent(Media("photo", "one-too-many", "đây là chỗ họ ở")), "telegram")
    assert told(book, "files_full") in shown(paper)
    assert told(book, "kept_photo") not in shown(paper)
    assert fetched(paper) == 0
    assert paper.place == place
    assert paper.conversation is not None
    assert len(paper.conversation.media) == MOST_FILES
    assert paper.conversation.notes[-1] == "đây là chỗ họ ở", "what was written with it is kept"
    paper.turn(Sent(Media("location", "21.0,105.8")), "telegram")
    assert told(book, "kept_location") in shown(paper), "a place is no file"
    paper.turn(Sent(Media("photo", "and-another", "cứu em với, họ nhốt em trong phòng không cho ra")), "telegram")
    assert paper.place.startswith("danger."), "a cry for help is heard whatever it came with"


def test_files_that_are_too_large_alone_or_together_are_not_kept(book: Book, paper: Paper):
    paper.turn(Sent(Media("video", "film", size=LARGEST + 1)), "telegram")
    assert told(book, "file_too_large") in shown(paper)
    assert fetched(paper) == 0
    half = Media("video", "film", size=LARGEST)
    kept = (half,) * (MOST_BYTES // LARGEST)
    assert why_not_kept(half, kept[1:]) == ""
    assert why_not_kept(half, kept) == "files_full"


def test_how_large_a_file_is_comes_with_it():
    film = b'{"file_id": "f-1", "file_size": 31457280}'
    update = (
        b'{"update_id": 1, "message": {"message_id": 2, "date": 0, "chat": {"id": 7, "type": "private"}, "video": %s}}'
    )
    found = read(update % film)
    assert isinstance(found, Inbound)
    assert found.event == Sent(Media("video", "", size=31_457_280)), "no bot may fetch it, and they are told so at once"
    own = read(update % film, largest=100 * 1024 * 1024)
    assert isinstance(own, Inbound)
    assert own.event == Sent(Media("video", "f-1", size=31_457_280)), "but from a server of its own"


@pytest.mark.parametrize("name", sorted(_FILES))
def test_whatever_telegram_calls_a_file_there_are_words_for_it_and_it_is_brought_in(
    book: Book, paper: Paper, name: str
):
    update: dict[str, Any] = {
        "update_id": 1,
        "message": {"message_id": 2, "date": 0, "chat": {"id": 7, "type": "private"}},
    }
    update["message"][name] = {"file_id": "f-1"}
    found = read(msgspec.json.encode(update))
    assert isinstance(found, Inbound)
    paper.turn(found.event, "telegram")
    assert shown(paper).startswith("Đã nhận")
    assert fetched(paper) == (name != "sticker")


async def test_the_page_stores_no_file_that_its_turn_does_not_keep(
    world: World, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    stored: list[bytes] = []
    keep = world.storage.keep_file

    async def noting(ref: str, owner: str, kind: str, content: bytes, *rest: Any) -> None:
        stored.append(content)
        await keep(ref, owner, kind, content, *rest)

    monkeypatch.setattr(world.storage, "keep_file", noting)
    monkeypatch.setattr(files, "MOST_FILES", 2)
    await visitor.press("An toàn")
    sent = [("files", (f"{number}.jpg", JPEG + bytes([number]), "image/jpeg")) for number in range(3)]
    await visitor.post({"text": "day la bang chung"}, files=sent)
    assert stored == [JPEG + bytes([number]) for number in range(2)]
    assert told(world.book, "files_full") in visitor.page.text
    await visitor.post({}, files=sent[2:])
    assert visitor.page.text.count(told(world.book, "files_full")) == 1
    assert len(stored) == 2


# ------------------------------------------------------------------------------------------------------ that never come


class Refusing(Platform):
    """A platform that has the file and does not give it."""

    async def fetch(self, ref: str) -> bytes:
        raise SendError("never", "too_large")


async def send_film(world: World, *before: Any) -> None:
    for number, event in enumerate((Opened(), *before, Sent(Media("video", "film-1")))):
        await world.receiver.citizen(Inbound("telegram", f"u{number}", WHERE, event))


async def test_who_sent_a_file_that_never_came_is_told(world: World):
    platform = Refusing()
    await send_film(world, Chose(("safe",)))
    await deliverer(world, platform).drain()
    assert platform.texts(WHERE)[-1] == told(world.book, "file_lost")
    assert len([text for text in platform.texts(WHERE) if text == told(world.book, "file_lost")]) == 1


@pytest.mark.parametrize(("minutes", "hears"), [(1, True), (3, False)])
async def test_who_is_watched_is_told_at_once_or_not_at_all(world: World, minutes: int, hears: bool):
    platform = Refusing()
    await send_film(world, Chose(("watched",)))
    world.now += timedelta(minutes=minutes)
    await deliverer(world, platform).drain()
    assert (told(world.book, "file_lost") in platform.texts(WHERE)) == hears


async def test_who_stopped_meanwhile_hears_nothing_of_the_file(world: World):
    platform = Refusing()
    await send_film(world, Chose(("safe",)))
    await world.receiver.citizen(Inbound("telegram", "stop", WHERE, Chose(("stop",))))
    await deliverer(world, platform).drain()
    assert told(world.book, "file_lost") not in platform.texts(WHERE)


def test_a_file_is_brought_in_also_when_deciding_failed(book: Book, paper: Paper):
    event = Event("seed", paper.commit.at, Sent(Media("photo", "file-9")), "telegram", WHERE, "9")
    commit = safe_commit(Snapshot(paper.conversation), event, book, "e-1")
    assert [row.kind for row in commit.outbox] == ["say", "alarm", "fetch"]
