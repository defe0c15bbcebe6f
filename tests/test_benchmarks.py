"""The work that the benchmarks play still ends as they say: a changed question would otherwise be found by whoever measures."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.peers import SCRIPT, Product
from benchmarks.turns import FIRST_PERSON, CountingRequest, service
from benchmarks.work import TURNS, turns_of
from bot.book import Book
from bot.channels.base import Inbound
from bot.channels.telegram.send import TelegramChannel
from tests.databases import asked


async def test_a_tip_is_played_to_its_receipt_and_each_person_writes_words_of_their_own(
    book: Book, tmp_path: Path
) -> None:
    channel = TelegramChannel("1:bench", request=CountingRequest())
    texts = set()
    async with service(book, tmp_path / "bench.db", channel) as running:
        for person in (FIRST_PERSON, FIRST_PERSON + 1):
            for raw in turns_of(person):
                inbound = channel.read(raw, {})
                assert isinstance(inbound, Inbound)
                texts.add(getattr(inbound.event, "text", ""))
                await running.receiver.citizen(inbound)
        intakes = await asked(running.storage, "SELECT kind, province FROM intake")
        over = await asked(running.storage, "SELECT flow, version FROM conversation")
    assert intakes == [("tip", "08")] * 2
    assert over == [("", len(TURNS))] * 2
    written = [what for kind, what in TURNS if kind == "text" and "{n}" in what]
    assert len(texts - {"", "/start"}) == 2 * len(written) == 6


async def test_the_intake_beside_the_peers_is_referred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.peers.settle", lambda: None)  # this process runs other tests
    peer = Product(tmp_path, None, None)
    await peer.start()
    try:
        for turn in range(len(SCRIPT)):
            await peer.feed(5_000_000_001, peer.prepare(5_000_000_001, turn, b""))
        assert await peer.counts() == {"record": 1, "outbox": 1}
        requests = peer.out
    finally:
        await peer.stop()
    assert requests == len(SCRIPT)
