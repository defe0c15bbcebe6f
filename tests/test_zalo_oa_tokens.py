"""The tokens of the Zalo OA (channels.md §1.2): renewed once, stored before they are used, and never in a message or log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.channels.base import Message, SendError
from bot.channels.zalo_oa.send import ZaloOaChannel
from bot.channels.zalo_oa.tokens import ASKS_FOR_S, Pair, Renewed, Tokens, Unknown
from storage.base import StorageAway
from tests.channels.by_zalo_oa import InMemory, channel_to
from tests.fakes.zalo_oa import FakeZaloOa

AN = "246845883529197922"


@pytest.fixture
async def zalo() -> AsyncIterator[FakeZaloOa]:
    async with FakeZaloOa() as server:
        server.say(AN, "xin chào")
        yield server


class Rung(list[str]):
    async def __call__(self, trouble: str, serial: int) -> None:
        self.append(trouble)


def tokens_of(zalo: FakeZaloOa, shelf: InMemory, rung: Rung, given: str = "") -> tuple[Tokens, ZaloOaChannel]:
    channel = channel_to(zalo)
    return Tokens(shelf, channel.api.renew, rung, given=given or zalo.refresh, now=lambda: zalo.now), channel


async def test_many_at_once_renew_once(zalo: FakeZaloOa) -> None:
    shelf, rung = InMemory(), Rung()
    both = [tokens_of(zalo, shelf, rung) for _ in range(2)]
    found = await asyncio.gather(*(one.access() for one, _ in both for _ in range(5)), return_exceptions=True)
    assert len(zalo.called("access_token")) == 1
    assert {one for one in found if isinstance(one, str)} == {zalo.access}
    assert {one.code for one in found if isinstance(one, SendError)} <= {"token_being_renewed"}, (
        "tried again in a moment"
    )
    assert await both[1][0].access() == zalo.access
    for _, channel in both:
        await channel.close()


async def test_both_tokens_are_stored_before_one_is_used(zalo: FakeZaloOa) -> None:
    class Away(InMemory):
        away = 3

        async def put(self, pair: Pair, mark: bytes) -> bool:
            if pair.access and self.away:
                self.away -= 1
                raise StorageAway
            return await super().put(pair, mark)

    shelf, waited = Away(), []

    async def pause(seconds: float) -> None:
        assert not zalo.called("message/cs")
        waited.append(seconds)

    channel = channel_to(zalo)
    channel.tokens = Tokens(shelf, channel.api.renew, Rung(), given=zalo.refresh, now=lambda: zalo.now, pause=pause)
    await channel.send(AN, Message(("A",)))
    await channel.close()
    assert len(waited) == 3
    assert shelf.pair is not None
    assert (shelf.pair.access, shelf.pair.refresh) == (zalo.access, zalo.refresh)


@pytest.mark.parametrize("kind", ["lost", "drop"])
async def test_a_renewal_that_ended_unknown_is_never_tried_again_and_somebody_is_told(
    zalo: FakeZaloOa, kind: str
) -> None:
    shelf, rung = InMemory(), Rung()
    tokens, channel = tokens_of(zalo, shelf, rung)
    zalo.fault("access_token", kind=kind)
    for _ in range(3):
        with pytest.raises(SendError, match="token_unknown"):
            await tokens.access()
    await channel.close()
    assert len(zalo.called("access_token")) == 1
    assert rung == ["unknown"]
    assert "NHIPCAU_ZALO_OA_REFRESH_TOKEN" in tokens.problem()


async def test_a_new_refresh_token_in_the_settings_ends_the_trouble(zalo: FakeZaloOa) -> None:
    shelf, rung = InMemory(), Rung()
    tokens, channel = tokens_of(zalo, shelf, rung)
    zalo.fault("access_token", kind="lost")
    with pytest.raises(SendError):
        await tokens.access()
    again, other = tokens_of(zalo, shelf, rung)
    assert await again.access() == zalo.access
    assert again.problem() == ""
    await channel.close()
    await other.close()


async def test_a_refused_refresh_token_is_told_and_not_tried_again(zalo: FakeZaloOa) -> None:
    shelf, rung = InMemory(), Rung()
    tokens, channel = tokens_of(zalo, shelf, rung, "used before")
    for _ in range(3):
        with pytest.raises(SendError, match="token_refused"):
            await tokens.access()
    await channel.close()
    assert len(zalo.called("access_token")) == 1
    assert rung == ["refused"]


async def test_a_server_that_was_not_reached_is_asked_again(zalo: FakeZaloOa) -> None:
    shelf, rung = InMemory(), Rung()
    tokens, channel = tokens_of(zalo, shelf, rung)
    channel.api._oauth = "http://127.0.0.1:9"
    with pytest.raises(SendError, match="token_server_away"):
        await tokens.access()
    channel.api._oauth = zalo.url
    assert await tokens.access() == zalo.access
    await channel.close()
    assert rung == []


async def test_a_process_that_died_while_it_renewed_leaves_a_trouble_and_not_a_second_try() -> None:
    shelf, rung, now = InMemory(), Rung(), [0.0]

    async def renew(refresh: str) -> Renewed:
        raise AssertionError("nobody knows whether this refresh token was used")

    await shelf.put(Pair("old", "r1", 10_000.0, 1, asked_at=1.0), b"0")
    tokens = Tokens(shelf, renew, rung, now=lambda: now[0])
    now[0] = ASKS_FOR_S / 2
    with pytest.raises(SendError, match="token_being_renewed"):
        await tokens.refused("old")
    now[0] = 1.0 + ASKS_FOR_S
    with pytest.raises(SendError, match="token_unknown"):
        await tokens.refused("old")
    assert rung == ["unknown"]
    assert await tokens.access() == "old", "perhaps it still works"


async def test_a_pair_that_comes_after_it_was_taken_for_lost_is_kept() -> None:
    shelf, rung, now = InMemory(), Rung(), [0.0]
    await shelf.put(Pair("old", "r1", 10_000.0, 1), b"0")

    async def slow(refresh: str) -> Renewed:
        now[0] += 2 * ASKS_FOR_S
        with pytest.raises(SendError, match="token_unknown"):
            await other.refused("old")
        return Renewed("new", "r2", 90_000.0)

    async def never(refresh: str) -> Renewed:
        raise Unknown

    other = Tokens(shelf, never, rung, now=lambda: now[0])
    assert await Tokens(shelf, slow, rung, now=lambda: now[0]).refused("old") == "new"
    assert shelf.pair is not None
    assert (shelf.pair.refresh, shelf.pair.trouble) == ("r2", "")


async def test_tokens_never_show(zalo: FakeZaloOa) -> None:
    assert "secret" not in repr((Pair("secret", "secret", 1.0), Renewed("secret", "secret", 1.0)))
