"""What officers do with a case besides taking it: hand it on, say what it is, link it with another, look it up, print it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from bot import transfer
from bot.asking import ENDED, TAKE_FIRST
from bot.web.console.actions import NO_SUCH, NOT_SURE
from bot.web.console.cases import OPENED
from referral.model import Referral
from tests.test_console import Desk, a_cry, a_tip, add_officer, audit, browser, desk, site  # noqa: F401 - fixtures
from tests.world import World

PLACE = "cho ben song co xe la"


async def taken(world: World, desk: Desk, referral: Referral, name: str = "lan") -> str:  # noqa: F811
    """An officer of the referral's office signs in and takes it; the path of the case."""
    await world.deliverer.drain()
    await add_officer(world, name, referral.office)
    await desk.sign_in(name)
    path = f"/officers/r/{referral.id}"
    assert (await desk.post(path, do="acknowledge")).status_code == 303
    return path


async def a_question(world: World) -> Referral:
    """Somebody wants an answer from a person: 111 hears of it."""
    await world.open("chi")
    for choice in ("safe", "person", "leave_word", "skip"):
        await world.choose("chi", choice)
    return next(one for one in world.referrals.values() if one.office == "hotline-111")


async def state_of(world: World, referral: Referral) -> str:
    now = (await world.storage.load_referral(referral.id)).referral
    return now.state if now else ""


def at(world: World, office: str) -> list[Referral]:
    return [one for one in world.referrals.values() if one.office == office]


# ----------------------------------------------------------------------------------------------------------- transfer


async def test_a_transfer_opens_the_matter_at_the_other_office_and_ends_it_here(world: World, desk: Desk):  # noqa: F811
    referral = next(one for one in (await a_tip(world, PLACE)).values() if one.to == "police")
    path = await taken(world, desk, referral)
    page = unescape((await desk.get(path)).text)
    assert re.search(r'<optgroup label="[^"]*Công an[^"]*"><option value="police-08">', page)
    answer = await desk.post(path, do="transfer", sure="1", office="police-20", reason="not_our_area")
    assert answer.status_code == 303
    [passed] = at(world, "police-20")
    assert (passed.code, passed.state) == (referral.code, "proposed")
    page = unescape((await desk.get(path)).text)
    assert "Đã chuyển" in page
    assert "Chuyển nơi khác: Không thuộc địa bàn, Công an tỉnh Lạng Sơn" in page
    async with browser(site_of(desk)) as client:
        there = Desk(client, world)
        await add_officer(world, "hoa", "police-20")
        await there.sign_in("hoa")
        await world.deliverer.drain()
        assert "chuyển tới: Không thuộc địa bàn." in (await there.get("/officers/")).text
        assert PLACE in (await there.get(f"/officers/r/{passed.id}?{OPENED}=1")).text
        assert (await there.get(path)).status_code == 404


def site_of(desk: Desk) -> Any:  # noqa: F811
    return desk.client._transport.app  # type: ignore[attr-defined]


async def test_a_tip_passed_on_never_says_who_wrote_it(world: World, desk: Desk):  # noqa: F811
    referral = next(one for one in (await a_tip(world, PLACE)).values() if one.to == "police")
    path = await taken(world, desk, referral)
    await desk.post(path, do="transfer", sure="1", office="health-20", reason="not_our_matter")
    [passed] = at(world, "health-20")
    assert (passed.identified, passed.ground, passed.to) == (False, "", "social_affairs")


async def test_a_question_passed_on_does_not_say_who_asked(world: World, desk: Desk):  # noqa: F811
    path = await taken(world, desk, await a_question(world))
    assert (
        await desk.post(path, do="transfer", sure="1", office="police-national", reason="not_our_matter")
    ).status_code == 303
    [passed] = at(world, "police-national")
    assert (passed.identified, passed.ground) == (False, "")


@pytest.mark.parametrize("office", ["", "hotline-111", "nowhere"])
async def test_a_transfer_to_nowhere_or_to_itself_is_refused(world: World, desk: Desk, office: str):  # noqa: F811
    referral = (await a_cry(world))["hotline-111"]
    path = await taken(world, desk, referral)
    answer = await desk.post(path, do="transfer", sure="1", office=office, reason="not_our_area")
    assert answer.status_code == 409
    assert len(at(world, "hotline-111")) == 1


async def test_an_office_that_has_the_matter_is_not_sent_it_again(world: World, desk: Desk):  # noqa: F811
    referral = (await a_cry(world))["hotline-111"]
    path = await taken(world, desk, referral)
    answer = await desk.post(path, do="transfer", sure="1", office="police-national", reason="not_our_area")
    assert answer.status_code == 409
    assert transfer.HAS_IT in answer.text
    assert len(at(world, "police-national")) == 1


async def test_an_urgent_matter_stays_urgent_where_it_goes(world: World, desk: Desk):  # noqa: F811
    referral = (await a_cry(world))["hotline-111"]
    path = await taken(world, desk, referral)
    await desk.post(path, do="transfer", sure="1", office="police-20", reason="not_our_matter")
    [passed] = at(world, "police-20")
    assert passed.urgent
    assert passed.due_at is not None
    assert passed.due_at - passed.created_at == timedelta(minutes=10)


# ----------------------------------------------------------------------------------------------------------- classify


async def test_a_class_is_given_and_changed_and_the_person_may_go_on_writing(world: World, desk: Desk):  # noqa: F811
    referral = (await a_cry(world))["hotline-111"]
    path = await taken(world, desk, referral)
    assert "Chưa phân loại. Hạn 24/11/2026 08:00 (còn 24 giờ)." in (await desk.get(path)).text
    world.now += timedelta(minutes=20)
    assert (await desk.post(path, do="classify", reason="crime_news")).status_code == 303
    world.now += timedelta(minutes=20)
    assert (await desk.post(path, do="classify", reason="comes_forward")).status_code == 303
    page = (await desk.get(path)).text
    assert "<b>Người trình báo</b>" in page
    assert "lần đầu 23/11/2026 08:20" in page
    await world.choose("binh", "here")
    stored = (await world.storage.load_referral(referral.id)).intake
    assert stored is not None
    assert (stored.filed_as, stored.classified_at is not None) == ("comes_forward", True)


async def test_a_class_that_is_not_in_the_list_is_refused(world: World, desk: Desk):  # noqa: F811
    path = await taken(world, desk, (await a_cry(world))["hotline-111"])
    for reason in ("", "victim"):
        assert (await desk.post(path, do="classify", reason=reason)).status_code == 409


# --------------------------------------------------------------------------------------------------------------- link


async def test_two_cases_are_linked_by_code_seen_from_both_and_unlinked(world: World, desk: Desk):  # noqa: F811
    first = (await a_cry(world))["hotline-111"]
    await a_question(world)
    second = next(one for one in at(world, "hotline-111") if one.id != first.id)
    path = await taken(world, desk, first)
    typed = f" {second.code[:3].lower()} {second.code[3:]}"
    assert (await desk.post(path, do="link", code=typed)).status_code == 303
    assert f">{second.code}</a>" in (await desk.get(path)).text
    assert f">{first.code}</a>" in (await desk.get(f"/officers/r/{second.id}")).text
    actions = [entry.action for entry in await audit(world, desk, second)]
    assert "referral.linked" in actions
    assert (await desk.post(path, do="unlink", other=second.id)).status_code == 303
    assert f">{second.code}</a>" not in (await desk.get(path)).text


async def test_a_code_of_another_office_links_nothing_and_says_what_an_unknown_one_says(world: World, desk: Desk):  # noqa: F811
    urgent = await a_cry(world)
    path = await taken(world, desk, urgent["hotline-111"])
    for code in (urgent["police-national"].code, "ZZZZZZ", "", "'; DROP"):
        answer = await desk.post(path, do="link", code=code)
        assert answer.status_code == 409
        assert "Cơ quan bạn không có hồ sơ mang mã này." in answer.text
    forged = await desk.post(path, do="unlink", other=urgent["police-national"].id)
    assert forged.status_code == 409


# ------------------------------------------------------------------------------------------------------------- thread


async def test_letters_and_answers_stand_together(world: World, desk: Desk):  # noqa: F811
    referral = await a_question(world)
    path = await taken(world, desk, referral)
    world.now += timedelta(minutes=20)
    assert (await desk.post(path, do="ask", text="Ban dang o gan cho nao?")).status_code == 303
    await world.say("chi", "em o gan ben xe")
    await world.deliverer.drain()
    page = (await desk.get(f"{path}?{OPENED}=1")).text
    thread = page[page.index('class="thread"') :]
    assert thread.index("23/11/2026 08:20") < thread.index("Ban dang o gan cho nao?") < thread.index("em o gan ben xe")
    assert "em o gan ben xe" not in (await desk.get(path)).text


# ------------------------------------------------------------------------------------------------------ content, sheet


async def test_the_words_are_opened_on_purpose_and_that_is_written_down(world: World, desk: Desk):  # noqa: F811
    referral = next(one for one in (await a_tip(world, PLACE)).values() if one.to == "police")
    path = await taken(world, desk, referral)
    assert PLACE not in (await desk.get(path)).text
    before = [entry.action for entry in await audit(world, desk, referral)]
    assert "content.opened" not in before
    assert PLACE in (await desk.get(f"{path}?{OPENED}=1")).text
    after = [(entry.actor, entry.action) for entry in await audit(world, desk, referral)]
    assert ("lan", "content.opened") in after
    kept = await desk.post(path, do="accept", **{OPENED: "1"})
    assert kept.headers["location"] == f"{path}?{OPENED}=1"


async def test_a_sheet_has_what_its_receiver_may_have(world: World, desk: Desk):  # noqa: F811
    referral = next(one for one in (await a_tip(world, PLACE)).values() if one.to == "police")
    path = await taken(world, desk, referral)
    bare = (await desk.get(f"{path}/sheet")).text
    assert PLACE not in bare
    assert " ".join(referral.code) in bare
    named = (await desk.get(f"{path}/sheet?toi=health-20")).text
    assert PLACE in named
    assert "sheet.made" in [entry.action for entry in await audit(world, desk, referral)]


async def test_a_sheet_of_somebodys_own_story_is_not_made_for_whom_they_did_not_agree_to(world: World, desk: Desk):  # noqa: F811
    await world.open("chi")
    for choice in ("safe", "support", "no", "person", "leave_word", "skip"):
        await world.choose("chi", choice)
    referral = next(iter(world.referrals.values()))
    assert world.intakes[referral.intake].kind == "support"
    path = await taken(world, desk, referral)
    page = (await desk.get(f"{path}/sheet?toi=police-20")).text
    assert transfer.NOT_AGREED in unescape(page)
    assert 'class="sheet"' not in page
    answer = await desk.post(path, do="transfer", sure="1", office="police-20", reason="not_our_matter")
    assert answer.status_code == 409
    assert at(world, "police-20") == []


# ----------------------------------------------------------------------------------------- what is not done, and said so


@pytest.mark.parametrize(
    "form",
    [
        {"do": "close", "outcome": "supported"},
        {"do": "transfer", "office": "police-20", "reason": "not_our_matter"},
        {"do": "return", "reason": "not_our_area"},
    ],
    ids=lambda form: form["do"],
)
async def test_what_cannot_be_undone_waits_for_the_box(world: World, desk: Desk, form: dict[str, str]):  # noqa: F811
    referral = (await a_cry(world))["hotline-111"]
    path = await taken(world, desk, referral)
    page = (await desk.get(path)).text
    assert page.count('type="checkbox" name="sure" value="1" required') == page.count('class="sure"')
    answer = await desk.post(path, **form)
    assert answer.status_code == 409
    assert NOT_SURE in unescape(answer.text)
    assert await state_of(world, referral) == "acknowledged"
    assert (await desk.post(path, **form, sure="1")).status_code == 303
    assert await state_of(world, referral) != "acknowledged"


async def test_what_is_no_action_is_said_on_the_case_and_is_held_against_nobody(
    world: World,
    site: Any,  # noqa: F811
    desk: Desk,  # noqa: F811
):
    referral = (await a_cry(world))["hotline-111"]
    path = await taken(world, desk, referral)
    answer = await desk.post(path, do="delete_everything")
    assert answer.status_code == 400
    assert NO_SUCH in unescape(answer.text)
    assert referral.code in answer.text
    async with browser(site) as client:
        stranger = Desk(client, world)
        await add_officer(world, "khac", "police-20")
        await stranger.sign_in("khac")
        assert (await stranger.post(path, do="delete_everything")).status_code == 404
    assert [one.actor for one in await audit(world, desk, referral) if one.action == "access.refused"] == ["khac"]


async def test_nobody_is_told_to_take_a_case_that_is_closed(world: World, desk: Desk):  # noqa: F811
    path = await taken(world, desk, await a_question(world))
    await desk.post(path, do="close", outcome="supported", sure="1")
    page = unescape((await desk.post(path, do="ask", text="Ban dang o dau?")).text)
    assert ENDED["closed"] in page
    assert TAKE_FIRST not in page
