"""What can be looked up in somebody's words: offered to be taken out, shown to officers, counted by kind and never by value."""

from __future__ import annotations

from bot.web.console.access import HANDLING
from flows.model import Media, Sent
from referral.coded import ALLOWED, Entry
from referral.disclose import WORDS, parts_of
from referral.model import Intake
from tests.test_console import Desk, add_officer
from tests.test_console import desk as desk
from tests.test_console import site as site
from tests.world import World

SAID = "xe 23A-123.45, Zalo 0987 654 321"


async def a_tip_with_clues(world: World, *, takes_out: str = "", safe: str = "safe") -> Intake:
    await world.open("he")
    await world.choose("he", safe)
    if safe == "watched":
        await world.choose("he", "go_on")
    for answer in ("tip", "house", "done", "no", "in_vn", "more"):
        await world.choose("he", answer)
    while await world.step("he") != "tip.clues":
        await world.say("he", "bỏ qua")
    await world.say("he", SAID)
    while await world.step("he") not in ("tip.look_over", "tip.after"):
        await world.say("he", "bỏ qua")
    if takes_out:
        await world.choose("he", "correct")
        await world.choose("he", "clues_out")
        await world.say("he", takes_out)
    if await world.step("he") == "tip.look_over":
        await world.choose("he", "send")
    return next(iter(world.intakes.values()))


async def test_officers_see_what_there_is_to_look_up(world: World, desk: Desk):
    intake = await a_tip_with_clues(world)
    assert set(intake.content.clues) == {("phone", "+84987654321"), ("plate", "23A12345")}
    one = next(iter(world.referrals.values()))
    await add_officer(world, "an", one.office)
    await desk.sign_in("an")
    page = (await desk.get(f"/officers/r/{one.id}?mo={HANDLING}")).text
    assert "<th>Biển số xe</th><td><bdi>23A-123.45</bdi>" in page
    assert "23A-123.45" not in (await desk.get(f"/officers/r/{one.id}")).text, "the words were not opened"


async def test_what_was_taken_out_is_no_clue_and_the_words_stay(world: World):
    intake = await a_tip_with_clues(world, takes_out="0987 654 321")
    assert intake.content.clues == (("plate", "23A12345"),)
    assert intake.content.texts["tip_clues"] == SAID


async def test_the_export_knows_the_kinds_and_no_value(world: World):
    intake = await a_tip_with_clues(world)
    told = str(ALLOWED["intake.clue_kinds"].read(Entry(intake, (), world.book.referral)))
    assert told == "số điện thoại; biển số xe"
    assert "23A" not in repr(intake.answers)
    assert "98765" not in repr(intake.answers)


async def test_who_is_watched_sees_no_list_and_nothing_is_lost(world: World):
    intake = await a_tip_with_clues(world, safe="watched")
    assert len(intake.content.clues) == 2


async def test_a_contacts_number_is_not_among_the_words(world: World):
    await world.open("he")
    await world.event("he", Sent(Media("contact", "", "+84900000001 (số của người nhắn)")))
    for answer in ("safe", "tip", "house", "done", "no", "in_vn", "send"):
        await world.choose("he", answer)
    intake = next(iter(world.intakes.values()))
    assert "84900000001" not in repr(parts_of(intake.content)[WORDS])
    assert "84900000001" in repr(intake.content.media)


CRY = "họ đang nhốt một em gái trong phòng, cứu em ấy với"


async def told_and_alerted(world: World, takes_out: str, then: str = "") -> Intake:
    """A story with a number, all of it confirmed; then an alert with everything in it, and only then a number is taken out."""
    await world.say("he", f"Tháng trước tôi thấy nhóm tuyển người ở xã Tân Bắc, Quang Bình, Hà Giang, {SAID}")
    for answer in ("safe", "tip", "all", "house", "done", "no", "in_vn", "more"):
        await world.choose("he", answer)
    await world.say("he", CRY)
    for answer in ("here", "no_contact"):
        await world.choose("he", answer)
    await world.say("he", "bỏ qua")
    await world.choose("he", "return")
    assert set(next(iter(world.intakes.values())).content.clues) == {("phone", "+84987654321"), ("plate", "23A12345")}
    while await world.step("he") != "tip.look_over":
        await world.say("he", "bỏ qua")
    for picked in filter(None, (takes_out, then)):
        await world.choose("he", "correct")
        await world.choose("he", "clues_out")
        await world.say("he", picked)
    await world.choose("he", "send")
    return next(iter(world.intakes.values()))


async def test_a_clue_taken_out_after_an_alert_is_shown_to_no_officer_any_more(world: World, desk: Desk):
    intake = await told_and_alerted(world, "0987 654 321")
    assert intake.content.clues == (("plate", "23A12345"),)
    assert SAID in intake.content.texts["story"], "the words stay as they were written"
    assert "tip_clues" not in intake.content.texts
    assert intake.answers["clue_kinds"] == ("plate",)
    one = next(iter(world.referrals.values()))
    await add_officer(world, "an", one.office)
    await desk.sign_in("an")
    page = (await desk.get(f"/officers/r/{one.id}?mo={HANDLING}")).text
    assert "<th>Biển số xe</th><td><bdi>23A-123.45</bdi>" in page
    assert "<bdi>0987 654 321</bdi>" not in page
    assert page.count("0987 654 321") == page.count(SAID), "nowhere but in the words"


async def test_a_clue_that_was_taken_out_by_mistake_comes_back(world: World):
    intake = await told_and_alerted(world, "0987 654 321", "giữ hết")
    assert set(intake.content.clues) == {("phone", "+84987654321"), ("plate", "23A12345")}
