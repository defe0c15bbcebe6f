"""Officers' notices: every door of an officer at once, how each proved, and an officer whom nothing reaches is an error."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot import commands, reach
from bot.channels.base import SendError
from bot.reach import FAILS_AFTER, Reach, state_of
from bot.settings import Secret, Settings
from bot.web.console import doors as page
from flows.model import Said
from referral.notice import brief
from storage.accounts import Accounts
from storage.base import Address, Commit, Door
from storage.doors import MOST, Doors, TooMany
from tests import test_signin
from tests.delivery import Platform, deliverer
from tests.test_deliver import an_urgent_referral
from tests.test_signin import Desks
from tests.world import World

desks = test_signin.desks
_cheap_hashes = test_signin._cheap_hashes
ON = frozenset({"telegram", "email", "push"})
OFFICE = "hotline-111"
CHIEF = f"{OFFICE}-chief"
CHAT = "chat-of-chief"


async def with_doors(world: World, *externals: str) -> None:
    """An officer of 111 with a phone, and these besides."""
    await world.joins("chief", OFFICE, "chief")
    for one in externals:
        assert await Doors(world.storage).add(CHIEF, Address(one.partition(":")[0], one), at=world.now)


async def doors_of(world: World) -> dict[str, Door]:
    return {door.address.external: door for door in await Doors(world.storage).of_officer(CHIEF)}


async def tried(world: World, *platforms: Platform) -> None:
    """A trial notice to every door of theirs."""
    rows = tuple(page.trial(door, world.now) for door in (await doors_of(world)).values())
    await world.storage.commit(Commit(at=world.now, outbox=rows))
    await deliverer(world, *platforms).once()


async def test_an_urgent_notice_goes_to_every_door_at_once_and_strangers_carry_level_and_code_only(world: World):
    await with_doors(world, "email:a", "push:phone", "push:desk")
    referral, _ = await an_urgent_referral(world)
    telegram, email, push = Platform(), Platform("email"), Platform("push")
    await deliverer(world, telegram, email, push).drain()
    found = (await world.storage.load_referral(referral)).referral
    assert found is not None
    assert found.state == "delivered"
    assert sum(found.code in text for text in telegram.texts(CHAT)) == 1
    short = "\n".join(brief(found))
    assert short == f"KHẨN · Mức {found.level}\n{found.code}"
    assert [email.sent, sorted(push.sent)] == [[("email:a", short)], [("push:desk", short), ("push:phone", short)]]


async def test_a_door_that_hangs_or_fails_holds_back_no_other_of_theirs(world: World):
    await with_doors(world, "email:a", "push:phone")
    await an_urgent_referral(world)
    telegram, email, push = Platform(), Platform("email"), Platform("push")
    email.errors["email:a"] = [SendError("again", "refused")]
    push.errors["push:phone"] = [SendError("blocked", "gone")]
    await deliverer(world, telegram, email, push).drain()
    assert any("KHẨN" in text for text in telegram.texts(CHAT))
    doors = await doors_of(world)
    assert {name: state_of(door, ON) for name, door in doors.items()} == {
        CHAT: "taken", "email:a": "failing", "push:phone": "blocked",
    }  # fmt: skip


async def test_a_door_that_takes_again_is_well_and_remembers_since_when_it_failed_until_then(world: World):
    await with_doors(world, "email:a")
    email = Platform("email")
    email.errors["email:a"] = [SendError("again", "away"), SendError("misconfigured", "away")]
    await tried(world, email)
    began = world.now
    world.now += timedelta(minutes=2)
    await deliverer(world, email).drain()
    assert (await doors_of(world))["email:a"].failing_since == began
    world.now += timedelta(minutes=6)
    await deliverer(world, email).drain()
    door = (await doors_of(world))["email:a"]
    assert (door.failing_since, door.taken_at, door.blocked) == (None, world.now, False)


async def test_another_phone_on_the_same_platform_takes_the_place_of_the_first_and_leaves_the_rest(world: World):
    await with_doors(world, "email:a")
    await Accounts(world.storage).invite(CHIEF, "another1", world.now + timedelta(days=1), by="operator", at=world.now)
    world.uses("new", "telegram")
    await world.event("new", Said("/canbo another1"))
    assert set(await doors_of(world)) == {"chat-of-new", "email:a"}


async def test_an_address_is_one_officers_and_of_another_it_is_not_taken(world: World):
    await with_doors(world, "email:a")
    await world.joins("other", OFFICE)
    doors = Doors(world.storage)
    assert not await doors.add(f"{OFFICE}-other", Address("email", "email:a"), at=world.now)
    door = (await doors_of(world))["email:a"]
    assert not await doors.drop(f"{OFFICE}-other", door.id, at=world.now)
    assert set(await doors_of(world)) == {CHAT, "email:a"}
    for number in range(MOST - 2):
        await doors.add(CHIEF, Address("push", f"push:{number}"), at=world.now)
    with pytest.raises(TooMany):
        await doors.add(CHIEF, Address("push", "push:more"), at=world.now)


async def test_a_revoked_officers_doors_are_nobodys_and_what_was_queued_reaches_none(world: World):
    await with_doors(world, "push:phone")
    row = page.trial((await doors_of(world))["push:phone"], world.now)
    await world.storage.commit(Commit(at=world.now, outbox=(row,)))
    await Accounts(world.storage).revoke(CHIEF, by="operator", at=world.now)
    push = Platform("push")
    await deliverer(world, push).drain()
    assert (push.sent, await Doors(world.storage).all()) == ([], ())


async def test_an_officer_whom_nothing_reaches_is_an_error_for_the_operator(world: World):
    await with_doors(world, "email:a")
    accounts = Accounts(world.storage)
    await accounts.invite(CHIEF, "page-code", world.now + timedelta(days=1), by="operator", at=world.now)
    await accounts.redeem("page-code", "chief", "hash", at=world.now)
    look = Reach(world.storage, frozenset({"email"}), lambda: world.now)
    await look.look()
    assert look.problem() == ""
    email = Platform("email")
    email.errors["email:a"] = [SendError("again", "away")]
    await tried(world, email)
    await look.look()
    assert look.problem() == ""
    world.now += FAILS_AFTER
    await look.look()
    assert look.problem() == (f"1 officers are reached by no notice: {CHIEF}; see `python -m bot officers`")


async def test_the_list_of_officers_says_by_what_each_is_reached(world: World, tmp_path: Path, monkeypatch):
    await with_doors(world)
    monkeypatch.setattr(commands, "utc_now", lambda: world.now)
    roster, doors = await Accounts(world.storage).roster(), reach.by_officer(await Doors(world.storage).all())
    settings = Settings(home=tmp_path, telegram_token=Secret("1:t"))
    (entry,) = roster
    on, off = reach.doors_on(settings), reach.doors_on(Settings(home=tmp_path))
    assert commands.reached(entry, doors[CHIEF], on, world.now) == "telegram taken"
    assert "ERROR: reached by no notice (telegram off)" in commands.reached(
        replace(entry, joined=True), doors[CHIEF], off, world.now
    )


async def test_the_officers_page_shows_each_door_tries_it_and_lets_it_go(desks: Desks):
    browser = await desks.signed_in("lan")
    text = (await browser.get("/officers/me")).text
    assert page.NO_DOOR in text
    assert 'role="alert">Lỗi' in text
    doors = Doors(desks.world.storage)
    await doors.add("lan", Address("email", "lan@example.vn"), at=desks.world.now)
    (door,) = await doors.of_officer("lan")
    text = (await browser.get("/officers/me")).text
    assert "Thư điện tử" in text
    assert "lan@example.vn" not in text
    answer = await browser.post("/officers/me", "/officers/me", do="try_door", door=door.id)
    assert answer.status_code == 303
    email = Platform("email")
    await deliverer(desks.world, email).drain()
    assert email.sent == [("lan@example.vn", "\n".join(page.TRY))]
    assert (await browser.post("/officers/me", "/officers/me", do="try_door", door="another")).status_code == 404
    await browser.post("/officers/me", "/officers/me", do="drop_door", door=door.id)
    assert await doors.of_officer("lan") == ()


async def test_a_chief_sees_who_is_reached_by_nothing_and_no_address_of_anybody(desks: Desks):
    chief = await desks.signed_in("chi", "chief")
    await desks.officer("lan")
    await Doors(desks.world.storage).add("lan", Address("email", "lan@example.vn"), at=desks.world.now)
    text = (await chief.get("/officers/staff")).text
    assert "Thư điện tử: kênh này đang tắt ở đây" in text
    assert page.NONE_REACHES in text
    assert page.NO_DOOR in text
    assert "lan@example.vn" not in text
