"""Large files: sealed piece by piece as they come in, read piece by piece, never whole in memory; gone with their draft."""

from __future__ import annotations

import asyncio
import os
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.channels.base import SendError
from flows.model import Conversation, Media
from storage.base import Address, Commit
from storage.envelope import Locked
from storage.keyring import Keyring
from storage.pieces import PIECE, FileGone
from tests.databases import BOTH, database
from tests.test_files import intake

AT = datetime(2026, 11, 23, 1, tzinfo=UTC)
WHERE = Address("web", "somebody")
TALK = Conversation(id="c1", version=1, flow="tip", step="pictures", media=(Media("video", "v1"),), last_at=AT)
MEBIBYTE = 1024 * 1024
SECRET = bytes(range(32))


@pytest.fixture(params=BOTH)
async def home(request, tmp_path):
    async with database(request.param, tmp_path) as made:
        yield made


@pytest.fixture
async def storage(home):
    return await home.open()


async def film(size: int, chunk: int = 100_000) -> AsyncIterator[bytes]:
    """A video as it comes in from somewhere: each chunk says its number."""
    for start in range(0, size, chunk):
        yield (start // chunk).to_bytes(4, "big") * (chunk // 4) if start + chunk <= size else b"z" * (size - start)


async def pieces_left(home: Any) -> int:
    [(count,)] = await home.ask("SELECT count(*) FROM attachment_piece")
    return int(count)


async def test_a_file_in_pieces_is_read_as_it_came(storage):
    for size in (0, 1, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE, 5 * PIECE + 17):
        await storage.keep_file(f"v{size}", "c1", "video", film(size), AT)
        whole = b"".join([chunk async for chunk in film(size)])
        opened = await storage.open_file(f"v{size}")
        assert opened.size == size
        assert await opened.read() == whole
        assert await storage.read_file(f"v{size}") == whole


async def test_receiving_and_reading_need_no_more_memory_for_a_larger_file(storage):
    """24 MB go in and out; a second, a third and the database's own do not grow with them."""
    size = 24 * MEBIBYTE
    await storage.keep_file("warm", "c1", "video", film(2 * MEBIBYTE), AT)
    tracemalloc.start()
    try:
        await storage.keep_file("v1", "c1", "video", film(size), AT)
        read = 0
        async for piece in (await storage.open_file("v1")).pieces():
            read += len(piece)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read == size
    assert most < 6 * MEBIBYTE


async def test_a_file_that_breaks_off_leaves_nothing(storage, home):
    async def broken() -> AsyncIterator[bytes]:
        yield os.urandom(3 * PIECE)
        raise SendError("again", "network")

    with pytest.raises(SendError):
        await storage.keep_file("v1", "c1", "video", broken(), AT)
    assert await storage.read_file("v1") is None
    assert await pieces_left(home) == 0


async def test_a_process_that_ends_amid_a_file_leaves_pieces_that_the_night_takes(storage, home):
    for number in (0, 1):
        values = f"('x/{number}', 'x', {number}, 1, 'x')"
        await home.ask(f"INSERT INTO attachment_piece (id, stream, number, created_at, sealed) VALUES {values}")  # noqa: S608
    await storage.keep_file("v1", "c1", "video", film(3 * PIECE), AT)
    await storage.keep_file("nobodys", "", "video", film(3 * PIECE), AT)
    await storage.keep_file("small-nobodys", "", "photo", b"x", AT)
    assert await storage.drop_loose(AT, 100) == 1
    assert await storage.drop_loose(AT + timedelta(seconds=1), 100) == 2
    assert await pieces_left(home) == 3
    assert await storage.read_file("v1") is not None
    assert [await storage.read_file(one) for one in ("nobodys", "small-nobodys")] == [None, None]


async def test_a_file_sent_twice_is_kept_once(storage, home):
    await storage.keep_file("v1", "c1", "video", film(3 * PIECE), AT)
    await storage.keep_file("v1", "c1", "video", film(5 * PIECE), AT)
    assert (await storage.open_file("v1")).size == 3 * PIECE
    assert await pieces_left(home) == 3


async def test_it_goes_with_a_draft_that_was_not_submitted(storage, home):
    await storage.keep_file("v1", "", "video", film(3 * PIECE), AT)
    await storage.commit(Commit(at=AT, channel="web", external_id="1", address=WHERE, conversation=TALK))
    opened = await storage.open_file("v1")
    gone = replace(TALK, version=2, flow="", step="")
    await storage.commit(Commit(AT, "web", "2", WHERE, conversation=gone, expects=1, erase=True))
    assert await storage.open_file("v1") is None
    assert await pieces_left(home) == 0
    with pytest.raises(FileGone):
        await opened.read()


PUT = "UPDATE attachment_piece SET id = '{{mine}}/{}' WHERE id = '{{mine}}/{}'"
PASTE = (
    "UPDATE attachment_piece SET sealed = (SELECT p.sealed FROM attachment_piece p WHERE {}) WHERE id = '{{mine}}/0'"
)
SHORTER = "UPDATE attachment SET size = {} WHERE stream = '{{mine}}'"
HARMS = {
    "swapped": [PUT.format(9, 1), PUT.format(1, 2), PUT.format(2, 9)],
    "repeated": [PASTE.format("p.id = '{mine}/1'")],
    "of another file": [PASTE.format("p.stream <> '{mine}' AND p.number = 0")],
    "cut off": ["DELETE FROM attachment_piece WHERE id = '{mine}/3'", SHORTER.format(3 * PIECE)],
}


@pytest.mark.parametrize("harm", HARMS)
async def test_a_piece_that_was_moved_cut_off_or_changed_does_not_open(storage, home, harm):
    await storage.keep_file("v1", "c1", "video", film(4 * PIECE), AT)
    await storage.keep_file("v2", "c1", "video", film(4 * PIECE), AT)
    [(one,)] = await home.ask("SELECT stream FROM attachment ORDER BY id LIMIT 1")
    for statement in HARMS[harm]:
        await home.ask(statement.format(mine=one))
    locked = 0
    for name in ("v1", "v2"):
        try:
            await storage.read_file(name)
        except Locked:
            locked += 1
    assert locked == 1


async def test_once_submitted_officers_and_the_escrow_open_it_and_the_service_does_not(storage, home):
    keyring = Keyring(storage)
    assert await keyring.add_escrow(SECRET, AT)
    left = replace(TALK, version=1, intake="in-1")
    await storage.commit(Commit(AT, "telegram", "1", WHERE, conversation=left, intake=intake(), new_intake=True))
    await storage.keep_file("v9", "c1", "video", film(3 * PIECE + 5), AT + timedelta(minutes=1), AT)
    with pytest.raises(Locked):
        await storage.open_file("v9")
    opened = await storage.open_file("v9", await keyring.open_escrow(SECRET))
    assert await opened.read() == b"".join([chunk async for chunk in film(3 * PIECE + 5)])


async def test_turns_go_on_while_a_file_comes_in(storage):
    """A turn is stored between two pieces: whoever sends a film holds nobody up."""
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield os.urandom(2 * PIECE)
        began.set()
        await go_on.wait()
        yield os.urandom(PIECE)

    keeping = asyncio.create_task(storage.keep_file("v1", "c1", "video", slow(), AT))
    await began.wait()
    async with asyncio.timeout(10):
        await storage.commit(Commit(at=AT, channel="web", external_id="1", address=WHERE, conversation=TALK))
    go_on.set()
    await keeping
    assert (await storage.open_file("v1")).size == 3 * PIECE
