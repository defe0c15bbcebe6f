"""A person's words are opened for a reason that is written down; what a colleague handles is not opened by the way."""

from __future__ import annotations

from html import unescape

import pytest

from bot.web.console.access import FOR_SHEET, HANDLING, OPEN_REASONS
from bot.web.words import OPENED_FOR
from referral.model import Referral
from tests.test_console import Desk, a_tip, add_officer, audit
from tests.test_console import desk as desk
from tests.test_console import site as site
from tests.world import World

PLACE = "cho ben song"
"""What the person wrote; no page shows it before it was opened."""


@pytest.fixture
async def taken(world: World, desk: Desk) -> Referral:
    """A tip that an officer of the 111 line holds; a colleague is signed in."""
    tip = await a_tip(world)
    one = tip.get("hotline-111") or next(iter(tip.values()))
    await add_officer(world, "an", one.office)
    await add_officer(world, "chi", one.office)
    await desk.sign_in("an")
    await desk.post(f"/officers/r/{one.id}", do="acknowledge")
    await desk.sign_in("chi")
    return one


async def test_the_reason_is_in_the_audit_and_on_the_timeline(world: World, desk: Desk):
    one = next(iter((await a_tip(world)).values()))
    await add_officer(world, "an", one.office)
    await desk.sign_in("an")
    assert PLACE in (await desk.get(f"/officers/r/{one.id}?mo={HANDLING}")).text
    noted = [entry.detail for entry in await audit(world, desk, one) if entry.action == "content.opened"]
    assert noted == [{"reason": "handling"}]
    assert "Mở nội dung: xử lý hồ sơ này" in (await desk.get(f"/officers/r/{one.id}")).text


async def test_what_a_colleague_holds_needs_another_reason(world: World, desk: Desk, taken: Referral):
    page = (await desk.get(f"/officers/r/{taken.id}?mo={HANDLING}")).text
    assert PLACE not in page
    assert "Hồ sơ này do đồng nghiệp giữ" in page
    assert f'<option value="{HANDLING}">' not in page
    assert [entry for entry in await audit(world, desk, taken) if entry.action == "content.opened"] == []
    assert PLACE in (await desk.get(f"/officers/r/{taken.id}?mo=thay")).text
    noted = [entry.detail for entry in await audit(world, desk, taken) if entry.action == "content.opened"]
    assert noted == [{"reason": "cover"}]


@pytest.mark.parametrize("made_up", ["2", "handling", "<script>"])
async def test_a_reason_that_nobody_offers_opens_nothing(desk: Desk, taken: Referral, made_up: str):
    answer = await desk.get(f"/officers/r/{taken.id}?mo={made_up}")
    assert (PLACE in answer.text, "<script>" in answer.text) == (False, False)


async def test_an_action_keeps_open_what_was_opened_and_opens_nothing_else(desk: Desk, taken: Referral):
    path = f"/officers/r/{taken.id}"
    assert (await desk.post(path, do="classify", reason="crime_news", mo="thay")).headers[
        "location"
    ] == f"{path}?mo=thay"
    assert (await desk.post(path, do="classify", reason="crime_news", mo="else")).headers["location"] == path


@pytest.mark.parametrize(
    "do", [{"do": "transfer", "office": "police-20"}, {"do": "return"}], ids=["transfer", "return"]
)
async def test_who_handed_a_case_on_opens_its_words_no_more_and_who_has_it_does(
    world: World, desk: Desk, do: dict[str, str]
):
    tip = await a_tip(world)
    one = tip["police-national"] if "police-national" in tip else next(iter(tip.values()))
    await add_officer(world, "an", one.office)
    await desk.sign_in("an")
    path = f"/officers/r/{one.id}"
    await desk.post(path, do="acknowledge")
    assert PLACE in (await desk.get(f"{path}?mo={HANDLING}")).text
    answer = await desk.post(path, **do, reason="not_our_matter", sure="1", mo=HANDLING)
    assert answer.status_code == 303
    before = len([entry for entry in await audit(world, desk, one) if entry.action == "content.opened"])
    for way in (
        *(f"{path}?mo={why}" for why in OPEN_REASONS),
        f"{path}/sheet?toi=hotline-111",
        answer.headers["location"],
    ):
        page = unescape((await desk.get(way)).text)
        assert PLACE not in page, way
        assert one.code in page.replace(" ", ""), way
    page = unescape((await desk.get(path)).text)
    new = [
        each
        for each in world.referrals.values()
        if each.intake == one.intake and each.id not in {r.id for r in tip.values()}
    ]
    [now] = new
    office = next(each for each in world.book.referral.offices if each.id == now.office)
    assert f"Hồ sơ này nay ở {office.name}" in page
    assert "Diễn biến" in page
    assert len([entry for entry in await audit(world, desk, one) if entry.action == "content.opened"]) == before
    await add_officer(world, "ba", now.office)
    await desk.sign_in("ba")
    assert PLACE in (await desk.get(f"/officers/r/{now.id}?mo={HANDLING}")).text


def test_every_reason_has_its_words():
    assert set(OPEN_REASONS.values()) == set(OPENED_FOR)
    assert FOR_SHEET in OPEN_REASONS
