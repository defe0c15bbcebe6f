"""An officer who is signed in chooses another password: proved again who they are, and nothing they could read is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.web.console import password as page
from bot.web.console.joining import GUESSABLE, NOT_SAME
from storage import staff
from storage.base import StorageAway
from storage.keyring import Keyring
from tests import test_signin
from tests.test_signin import ELSEWHERE_STILL, HALF_MINUTE, PASSWORD, Browser, Desks

desks = test_signin.desks
trial = test_signin.trial
_cheap_hashes = test_signin._cheap_hashes
NEW = "nam tu rat khac nhau day"


async def change(browser: Browser, secret: bytes, **other: str) -> Any:
    """Fill in the form as it should be, but for what is said."""
    fields = {"do": "password", "now": PASSWORD, "six": browser.code(secret), "password": NEW, "again": NEW}
    return await browser.post("/officers/me", "/officers/me", **{**fields, **other})


def secret_of(name: str) -> bytes:
    return name.encode().ljust(20, b"-")


async def signed_in(desks: Desks, name: str = "lan") -> tuple[Browser, bytes]:
    """An officer who signed in half a minute ago, so that their phone shows a code that was not used."""
    browser = await desks.signed_in(name)
    await desks.later(HALF_MINUTE)
    return browser, secret_of(name)


async def test_the_new_password_opens_and_the_old_one_and_every_other_place_do_not(desks: Desks):
    here, secret = await signed_in(desks)
    elsewhere = desks.browser(ELSEWHERE_STILL)
    assert (await elsewhere.sign_in("lan", code=elsewhere.code(secret))).status_code == 303
    await desks.later(HALF_MINUTE)
    before = here.client.cookies["canbo"]
    answer = await change(here, secret)
    assert (answer.status_code, answer.headers["location"]) == (303, "/officers/me?doi=1")
    assert here.client.cookies["canbo"] != before
    assert "Đã đổi mật khẩu" in (await here.get("/officers/me?doi=1")).text
    assert not await elsewhere.is_in()
    await desks.later()
    assert (await elsewhere.sign_in("lan", code=elsewhere.code(secret))).status_code == 401
    await desks.later()
    assert (await elsewhere.sign_in("lan", NEW, code=elsewhere.code(secret))).status_code == 303


async def test_what_the_officer_opened_before_opens_after_and_at_the_next_sign_in(desks: Desks):
    here, secret = await signed_in(desks)
    keyring = Keyring(desks.world.storage)
    held = (await keyring.opener(here.client.cookies["canbo"])).keys
    assert held
    await change(here, secret)
    assert (await keyring.opener(here.client.cookies["canbo"])).keys == held
    await desks.later()
    await here.sign_in("lan", NEW, code=here.code(secret))
    assert (await keyring.opener(here.client.cookies["canbo"])).keys == held


@pytest.mark.parametrize("wrong", [{"now": "not the password at all"}, {"six": "000000"}, {"six": ""}])
async def test_whatever_is_not_proved_the_answer_is_the_same_and_nothing_changes(desks: Desks, wrong: dict[str, str]):
    here, secret = await signed_in(desks)
    answer = await change(here, secret, **wrong)
    assert (answer.status_code, page.NOT_PROVED in answer.text) == (422, True)
    await desks.later()
    assert (await desks.browser().sign_in("lan", code=here.code(secret))).status_code == 303


async def test_a_code_that_was_used_at_the_door_changes_no_password(desks: Desks):
    here = await desks.signed_in("lan")
    assert page.NOT_PROVED in (await change(here, secret_of("lan"))).text


async def test_who_finds_an_open_page_and_guesses_has_to_wait(desks: Desks):
    here, secret = await signed_in(desks)
    for _ in range(5):
        await change(here, secret, now="a guess of somebody who sat down")
    assert (await change(here, secret)).status_code == 422, "the right one too, for a while"
    await desks.later(timedelta(seconds=61))
    assert (await change(here, secret)).status_code == 303


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"password": "ngan", "again": "ngan"}, "Mật khẩu cần từ 12"),
        ({"again": "another of twelve"}, NOT_SAME),
        ({"password": "111111111111", "again": "111111111111"}, GUESSABLE),
        ({"password": PASSWORD, "again": PASSWORD}, page.SAME),
    ],
)
async def test_an_unfit_password_is_said_so_and_costs_no_code(desks: Desks, chosen: dict[str, str], said: str):
    here, secret = await signed_in(desks)
    answer = await change(here, secret, **chosen)
    assert (answer.status_code, said in answer.text) == (422, True)
    assert (await change(here, secret)).status_code == 303


async def test_password_and_key_change_together_or_not_at_all(desks: Desks, monkeypatch: pytest.MonkeyPatch):
    here, secret = await signed_in(desks)
    keyring = Keyring(desks.world.storage)
    held = (await keyring.opener(here.client.cookies["canbo"])).keys

    def away(*_: Any) -> Any:
        raise StorageAway

    monkeypatch.setattr(staff, "rewrap", away)
    assert (await change(here, secret)).status_code == 503
    await desks.later()
    await here.sign_in("lan", code=here.code(secret))
    assert (await keyring.opener(here.client.cookies["canbo"])).keys == held


async def test_a_trial_officer_without_a_phone_needs_no_code(trial: Desks):
    await trial.officer("lan", totp=b"")
    here = trial.browser()
    await here.sign_in("lan", code="")
    assert 'name="six"' not in (await here.get("/officers/me")).text
    assert (await change(here, b"", six="")).status_code == 303


async def test_it_is_written_down_and_no_password_is(desks: Desks, monkeypatch: pytest.MonkeyPatch):
    here, secret = await signed_in(desks)
    noted = test_signin.noted(desks.world, monkeypatch)
    await change(here, secret)
    assert "officer.password" in [one.action for one in noted]
    own = await desks.accounts.own("lan")
    assert own is not None
    assert NEW not in f"{own!r} {own.password} {noted}"
