"""Files that people sent: sealed, taken over by an intake, gone with a draft that was not submitted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from flows.model import Chose, Conversation, Media, Opened, Sent
from referral.model import Content, Facts, Intake, Screening
from storage.base import Address, Commit
from tests.databases import BOTH, database
from tests.paper import Paper

AT = datetime(2026, 11, 23, 1, tzinfo=UTC)
PHOTO = b"\xff\xd8 marker-of-a-photo"
LATER = timedelta(minutes=1)
WHERE = Address("web", "somebody")
TALK = Conversation(id="c1", version=1, flow="tip", step="pictures", media=(Media("photo", "web/1"),), last_at=AT)


@pytest.fixture(params=BOTH)
async def home(request, tmp_path):
    async with database(request.param, tmp_path) as made:
        yield made


def intake() -> Intake:
    return Intake(
        id="in-1", conversation="c1", kind="tip", level="L2", urgent=False, facts=Facts(), channel="telegram", locale="vi",
        screening=Screening("L2", False, False, False), province="", created_at=AT, updated_at=AT, content=Content(),
    )  # fmt: skip


@pytest.fixture
async def storage(home):
    return await home.open()


async def test_a_file_is_kept_sealed_and_found_by_its_handle_only(storage, home):
    await storage.keep_file("web/1", "c1", "photo", PHOTO, AT)
    assert await storage.read_file("web/1") == PHOTO
    assert await storage.read_file("web/2") is None
    everything = repr(await home.ask("SELECT * FROM attachment"))
    assert "photo" in everything
    assert "marker-of-a-photo" not in everything
    assert "web/1" not in everything


async def test_a_file_sent_twice_is_kept_once(storage):
    await storage.keep_file("web/1", "c1", "photo", PHOTO, AT)
    await storage.keep_file("web/1", "c1", "photo", b"other", AT)
    assert await storage.read_file("web/1") == PHOTO


async def test_stopping_erases_the_files_of_the_draft(storage):
    await storage.keep_file("web/1", "", "photo", PHOTO, AT)  # it came before there was a conversation
    await storage.commit(Commit(at=AT, channel="web", external_id="1", address=WHERE, conversation=TALK))
    gone = replace(TALK, version=2, flow="", step="")
    await storage.commit(Commit(AT, "web", "2", WHERE, conversation=gone, expects=1, erase=True))
    assert await storage.read_file("web/1") is None


async def test_a_file_of_another_draft_stays(storage):
    await storage.keep_file("web/9", "c9", "photo", PHOTO, AT)
    await storage.commit(Commit(at=AT, channel="web", external_id="1", address=WHERE, conversation=TALK))
    gone = replace(TALK, version=2, flow="", step="")
    await storage.commit(Commit(AT, "web", "2", WHERE, conversation=gone, expects=1, erase=True))
    assert await storage.read_file("web/9") == PHOTO


async def test_a_file_that_came_in_late_belongs_to_the_intake_and_outlives_the_next_draft(storage):
    left = replace(TALK, version=1, intake="in-1")
    await storage.commit(Commit(AT, "telegram", "1", WHERE, conversation=left, intake=intake(), new_intake=True))
    await storage.keep_file("file-7", "c1", "photo", PHOTO, AT + LATER, AT)
    stopped = replace(TALK, version=2, flow="", step="", media=(), intake="")
    await storage.commit(Commit(AT + LATER, "telegram", "2", WHERE, conversation=stopped, expects=1, erase=True))
    assert await storage.read_file("file-7") == PHOTO


async def test_a_file_of_a_later_draft_is_not_the_old_intakes(storage):
    left = replace(TALK, version=1, intake="in-1")
    await storage.commit(Commit(AT, "telegram", "1", WHERE, conversation=left, intake=intake(), new_intake=True))
    await storage.keep_file("file-8", "c1", "photo", PHOTO, AT + 2 * LATER, AT + LATER)
    stopped = replace(TALK, version=2, flow="", step="", media=(), intake="")
    await storage.commit(Commit(AT + 3 * LATER, "telegram", "2", WHERE, conversation=stopped, expects=1, erase=True))
    assert await storage.read_file("file-8") is None


def test_stop_cancels_a_file_that_is_still_on_its_way(book):
    paper = Paper(book)
    for event in (Opened(), Chose(("safe",)), Sent(Media("photo", "file-9"))):
        paper.turn(event, "telegram")
    (fetch,) = [row for row in paper.commit.outbox if row.kind == "fetch"]
    paper.turn(Chose(("stop",)), "telegram")
    assert paper.commit.cancel == (fetch.key,)
