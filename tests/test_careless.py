"""An officer in a hurry: two tabs, an old page, the wrong button. Nothing moves that should not, and each time it is said why."""

from __future__ import annotations

from html import unescape

import pytest

from bot.asking import GONE
from referral.model import Referral
from tests.test_console import Desk, a_tip, add_officer
from tests.test_console import desk as desk
from tests.test_console import site as site
from tests.test_rights import asks
from tests.world import World

TOLD = "cho ben song co xe la"
SURE = {"sure": "1"}
OLD_PAGES = {
    "take it": {"do": "acknowledge"},
    "accept it": {"do": "accept"},
    "give it back": {"do": "return", "reason": "not_our_area", **SURE},
    "hand it on": {"do": "transfer", "office": "police-08", "reason": "not_our_area", **SURE},
    "close it": {"do": "close", "outcome": "supported", **SURE},
    "classify it": {"do": "classify", "reason": "crime_news"},
    "write": {"do": "ask", "text": "Ban dang o dau?"},
}
"""What a page that was open before can still send."""


@pytest.fixture
async def mine(world: World, desk: Desk) -> Referral:
    """A tip at the national police, whose officer has signed in."""
    referral = next(one for one in (await a_tip(world)).values() if one.to == "police")
    await world.deliverer.drain()
    await add_officer(world, "lan", referral.office)
    await desk.sign_in("lan")
    return referral


async def now(world: World, referral: Referral) -> Referral:
    found = (await world.storage.load_referral(referral.id)).referral
    assert found is not None
    return found


async def every_old_page_is_refused(world: World, desk: Desk, referral: Referral) -> None:
    before, sent = await now(world, referral), len(world.referrals)
    for what, fields in OLD_PAGES.items():
        answer = await desk.post(f"/officers/r/{referral.id}", **fields)
        assert answer.status_code == 409, what
        assert 'class="refusal" role="alert"' in answer.text, what
    assert await now(world, referral) == before
    assert len(world.referrals) == sent


@pytest.mark.parametrize("end", ["close it", "give it back", "hand it on"])
async def test_an_old_page_moves_nothing_of_what_is_over(world: World, desk: Desk, mine: Referral, end: str) -> None:
    """The other tab ended it; a closed case is not opened again either."""
    path = f"/officers/r/{mine.id}"
    assert (await desk.post(path, do="acknowledge")).status_code == 303
    assert (await desk.post(path, **OLD_PAGES[end])).status_code == 303
    await every_old_page_is_refused(world, desk, mine)


async def test_an_old_page_moves_nothing_of_what_the_person_took_back(world: World, desk: Desk, mine: Referral) -> None:
    await asks(world, "another", "withdraw")
    assert (await now(world, mine)).state == "withdrawn"
    await every_old_page_is_refused(world, desk, mine)
    answer = await desk.post(f"/officers/r/{mine.id}", do="ask", text="Ban dang o dau?")
    assert GONE in unescape(answer.text)
    assert TOLD not in (await desk.get(f"/officers/r/{mine.id}?mo=1")).text


async def test_the_second_tab_learns_who_was_first(world: World, desk: Desk, mine: Referral) -> None:
    path = f"/officers/r/{mine.id}"
    assert (await desk.post(path, do="acknowledge")).status_code == 303
    again = await desk.post(path, do="acknowledge")
    assert again.status_code == 409
    assert "tin này đã nhận" in unescape(again.text)


@pytest.mark.parametrize("office", ["", "itself", "nowhere", "police-08' OR 1=1", "../police-08"])
async def test_a_case_is_handed_to_another_office_that_exists_or_stays(
    world: World, desk: Desk, mine: Referral, office: str
) -> None:
    sent = len(world.referrals)
    to = mine.office if office == "itself" else office
    answer = await desk.post(f"/officers/r/{mine.id}", do="transfer", office=to, reason="not_our_area", sure="1")
    assert answer.status_code == 409
    assert 'class="refusal" role="alert"' in answer.text
    assert (await now(world, mine)).acknowledged_at is None
    assert len(world.referrals) == sent
