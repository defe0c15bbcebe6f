"""Keys follow a matter: transferred, given back, climbed, added to. And they leave with a session, however it ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher

from bot.events import OfficerDid
from referral.model import Referral
from storage.accounts import IDLE, Accounts
from storage.keyring import Keyring
from storage.pieces import PIECE
from tests.test_console import Desk, add_officer, browser
from tests.test_console import site as site
from tests.test_sealing import (
    PHONE,
    SECRET,
    TOLD,
    WORDS,
    a_tip,
    officer_with_key,
    opened,
    sign_in,
    words_of,
)
from tests.world import World

NEXT = "police-20"
ANOTHER = "một mật khẩu khác hẳn"


@pytest.fixture
async def keyring(world: World) -> Keyring:
    made = Keyring(world.storage)
    assert await made.add_escrow(SECRET, world.now)
    return made


def at(world: World, office: str) -> Referral:
    """The referral that this office has now."""
    return next(one for one in world.referrals.values() if one.office == office and one.state != "transferred")


async def film() -> Any:
    for _ in range(5):
        yield b"phim" * PIECE


async def test_who_it_is_transferred_to_reads_it_though_the_browser_never_came_back(
    world: World, keyring: Keyring, site: Any
) -> None:
    """The form was sent and the line went dead: no page was loaded that would have opened the case."""
    reader, token = await officer_with_key(world, "ba", NEXT)
    await add_officer(world, "an", TOLD)
    async with browser(site) as client:
        desk = Desk(client, world)
        await desk.sign_in("an")
        await world.storage.keep_file("ref-1", "", "video", film(), world.now)
        first = (await a_tip(world))[TOLD]
        assert (await desk.post(f"/officers/r/{first.id}", do="acknowledge")).status_code == 303
        answer = await desk.post(f"/officers/r/{first.id}", do="transfer", sure="1", office=NEXT, reason="not_our_area")
        assert answer.status_code == 303
    passed = at(world, NEXT)
    case = await opened(world, passed, reader, await keyring.opener(token))
    assert not case.locked
    assert WORDS in words_of(case.intake.content)


async def test_what_is_added_after_a_transfer_is_read_where_the_matter_is_now(world: World, keyring: Keyring) -> None:
    giver, token = await officer_with_key(world, "an", TOLD)
    reader, other = await officer_with_key(world, "ba", NEXT)
    first = (await a_tip(world))[TOLD]
    receipt = next(one.intake.receipt for one in world.commits if one.new_intake and one.intake)
    await act(world, giver, first, "acknowledge")
    await act(world, giver, first, "transfer", office=NEXT, reason="not_our_area")
    await opened(world, first, giver, await keyring.opener(token))
    await world.open("khac")
    await world.say("khac", receipt)
    await world.choose("khac", "add")
    await world.say("khac", f"xe quay lai, {PHONE}")
    await world.choose("khac", "done")
    words = words_of((await opened(world, at(world, NEXT), reader, await keyring.opener(other))).intake.content)
    assert WORDS in words
    assert PHONE in words


async def act(world: World, officer: Any, referral: Referral, do: str, **more: str) -> None:
    await world.receiver.officer(OfficerDid(officer, do, referral.id, **more))


async def test_what_is_given_back_is_read_by_who_has_it_next_without_anybody_opening_it(
    world: World, keyring: Keyring
) -> None:
    giver, _ = await officer_with_key(world, "an", TOLD)
    readers = {
        office: await officer_with_key(world, f"o-{office}", office)
        for office in ("hotline-111", "border-guard-national")
    }
    for referral in (await a_tip(world)).values():
        if referral.office == TOLD:
            await act(world, giver, referral, "acknowledge")
            await act(world, giver, referral, "return", reason="not_our_matter")
    holders = [one for one in world.referrals.values() if one.office in readers]
    assert holders
    for one in holders:
        officer, token = readers[one.office]
        case = await opened(world, one, officer, await keyring.opener(token))
        assert not case.locked
        assert WORDS in words_of(case.intake.content)


async def test_an_office_whose_first_officer_signs_in_after_the_transfer_reads_it_once_the_giver_opens_it_again(
    world: World, keyring: Keyring
) -> None:
    giver, token = await officer_with_key(world, "an", TOLD)
    first = (await a_tip(world))[TOLD]
    await act(world, giver, first, "acknowledge")
    await act(world, giver, first, "transfer", office=NEXT, reason="not_our_area")
    reader, other = await officer_with_key(world, "ba", NEXT)
    assert (await opened(world, at(world, NEXT), reader, await keyring.opener(other))).locked
    await opened(world, first, giver, await keyring.opener(token))
    assert not (await opened(world, at(world, NEXT), reader, await keyring.opener(other))).locked


async def test_a_re_join_after_a_lost_password_loses_nothing(world: World, keyring: Keyring, site: Any) -> None:
    """A chief hands out a new code; the officer sets another password and signs in; a colleague confirms them."""
    for name in ("an", "chi"):
        await add_officer(world, name, TOLD)
    async with browser(site) as one, browser(site) as two, browser(site) as three:
        first, second, again = Desk(one, world), Desk(two, world), Desk(three, world)
        await first.sign_in("an")
        await second.sign_in("chi")
        assert (await first.post("/officers/keys", officer="chi")).status_code == 303
        referral = (await a_tip(world))[TOLD]
        accounts = Accounts(world.storage)
        until = world.now + timedelta(days=1)
        await accounts.invite("chi", "another code", until, by="operator", at=world.now)
        await accounts.redeem("another code", "chi", PasswordHasher(time_cost=1).hash(ANOTHER), at=world.now)
        await again.sign_in("chi", ANOTHER)
        assert WORDS not in (await again.get(f"/officers/r/{referral.id}?mo=1")).text
        assert (await first.post("/officers/keys", officer="chi")).status_code == 303
        assert WORDS in (await again.get(f"/officers/r/{referral.id}?mo=1")).text


# ------------------------------------------------------------------------------------------------------------ sessions


async def held(world: World, token: str) -> bool:
    """Whether the session's row still holds a key."""
    return bool((await Keyring(world.storage).opener(token)).keys)


async def test_a_key_leaves_with_its_session_however_that_ends(world: World, keyring: Keyring) -> None:
    accounts = Accounts(world.storage)
    officer, token = await officer_with_key(world, "an", TOLD)

    async def anew(name: str) -> str:
        assert await sign_in(world, officer, name) == "held"
        assert await held(world, name)
        return name

    await accounts.end_session(await anew("signed out"), at=world.now)
    assert not await held(world, "signed out")

    await accounts.end_own(officer.id, accounts.session_id(await anew("ended from elsewhere")), at=world.now)
    assert not await held(world, "ended from elsewhere")

    await anew("another browser")
    await accounts.end_others(officer.id, token, "", at=world.now)
    assert not await held(world, "another browser")
    assert await held(world, token)

    await anew("rotated")
    await accounts.open_session(
        officer.id, "in its place", at=world.now, expires_at=world.now + timedelta(hours=12), instead="rotated"
    )
    assert not await held(world, "rotated")

    await anew("idle")
    world.now += IDLE + timedelta(minutes=1)
    assert await accounts.forget_keys(at=world.now) >= 2
    assert not await held(world, "idle")
    assert not await held(world, token)

    await anew("revoked")
    await accounts.revoke(officer.id, by="operator", at=world.now)
    assert not await held(world, "revoked")


async def test_a_session_in_use_keeps_its_key_until_its_twelve_hours_are_over(world: World, keyring: Keyring) -> None:
    accounts = Accounts(world.storage)
    _, token = await officer_with_key(world, "an", TOLD)
    for _ in range(23):
        world.now += timedelta(minutes=29)
        assert await accounts.session(token, world.now) is not None
        assert await accounts.forget_keys(at=world.now) == 0
        assert await held(world, token)
    world.now += timedelta(hours=1)
    await accounts.forget_keys(at=world.now)
    assert not await held(world, token)
