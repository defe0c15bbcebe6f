"""A place that was understood is what the person said only once they have said so; nothing is asked for it in danger."""

from __future__ import annotations

import pytest

from bot.book import Book
from bot.labels import coded_answers
from bot.place import place_of, without_destinations
from flows.hear.normal import normalise
from referral.model import Intake
from tests.world import World

CRY = "cứu em với, họ nhốt em trong phòng"


async def at_the_place(world: World, who: str = "he", safe: str = "safe") -> None:
    """Somebody who reports what they saw, at the question where it was."""
    await world.open(who)
    await world.choose(who, safe)
    if safe == "watched":
        await world.choose(who, "go_on")
    for answer in ("tip", "house", "done", "no", "in_vn", "more"):
        await world.choose(who, answer)


async def sent_off(world: World, who: str = "he") -> Intake:
    """The rest skipped, and sent."""
    for _ in range(12):
        if await world.step(who) in ("tip.look_over", "tip.after"):
            break
        await world.say(who, "bỏ qua")
    if await world.step(who) == "tip.look_over":
        await world.choose(who, "send")
    return next(iter(world.intakes.values()))


def rests_on(world: World, intake: Intake) -> str:
    return dict(coded_answers(world.book, intake.answers)).get("Nơi này theo", "")


async def test_what_was_confirmed_leads_and_officers_see_that_it_was(world: World):
    await at_the_place(world)
    await world.say("he", "xã Tân Bắc, Quang Bình, Hà Giang")
    await world.say("he", "đúng rồi")
    intake = await sent_off(world)
    assert (intake.province, rests_on(world, intake)) == ("08", "người nhắn đã xác nhận")
    told = intake.content.texts["tip_place_unit"]
    assert told == "Xã Tân Trịnh, Tuyên Quang (trước đây: Xã Tân Bắc, Quang Bình, Hà Giang)"


@pytest.mark.parametrize("answer", ["bỏ qua", "tôi không biết rõ"])
async def test_what_was_not_confirmed_is_routed_by_the_words_and_officers_see_that_too(world: World, answer: str):
    await at_the_place(world)
    await world.say("he", "huyện Lộc Bình, Lạng Sơn")
    await world.say("he", answer)
    intake = await sent_off(world)
    assert (intake.province, rests_on(world, intake)) == ("20", "lời viết, người nhắn chưa xác nhận")
    assert "tip_place_unit" not in intake.content.texts


async def test_a_place_said_to_be_another_leads_nowhere_any_more(world: World):
    await at_the_place(world)
    await world.say("he", "huyện Lộc Bình, Lạng Sơn")
    await world.say("he", "không")
    await world.say("he", "bỏ qua")
    intake = await sent_off(world)
    assert (intake.province, rests_on(world, intake)) == ("", "")
    assert "huyện Lộc Bình, Lạng Sơn" in intake.content.notes


async def test_where_a_commune_was_confirmed_is_sealed_with_the_words(world: World):
    await at_the_place(world)
    await world.say("he", "huyện Lộc Bình, Lạng Sơn")
    await world.say("he", "có")
    intake = await sent_off(world)
    assert "D188" not in repr(intake.answers)


async def test_who_is_watched_is_shown_no_place(world: World):
    await at_the_place(world, safe="watched")
    await world.say("he", "huyện Lộc Bình, Lạng Sơn")
    assert await world.step("he") == "tip.when"


async def test_a_new_answer_takes_the_confirmation_of_the_old_one_away(world: World):
    await at_the_place(world)
    await world.say("he", "huyện Lộc Bình, Lạng Sơn")
    await world.say("he", "có")
    await world.say("he", "quay lại")
    await world.say("he", "quay lại")
    await world.say("he", "huyện Bắc Quang, Hà Giang")
    assert await world.step("he") == "tip.place_sure"
    await world.say("he", "bỏ qua")
    assert (await sent_off(world)).province == "08"


async def test_in_danger_no_question_is_added(world: World):
    await world.say("her", CRY)
    await world.choose("her", "here")
    await world.choose("her", "text_only")
    shown = await world.say("her", "nhà trọ, huyện Lộc Bình, Lạng Sơn")
    assert await world.step("her") == "danger.ahead"
    assert "Lộc Bình" in "\n".join(shown[-1].texts)
    assert next(iter(world.intakes.values())).province == "20", "nobody waits for a confirmation"
    await world.say("her", "đúng")
    intake = next(iter(world.intakes.values()))
    assert (intake.province, rests_on(world, intake)) == ("20", "người nhắn đã xác nhận")


async def test_a_place_of_the_first_words_is_shown_instead_of_asked_for_twice(world: World):
    await world.say("her", "cứu em với, họ nhốt em ở Bavet")
    await world.choose("her", "abroad")
    shown = await world.choose("her", "text_only")
    assert "Bavet, Campuchia" in "\n".join(shown[-1].texts)
    await world.say("her", "bavet, campuchia")
    assert await world.step("her") == "danger.ahead"
    intake = next(iter(world.intakes.values()))
    assert (intake.facts.country, rests_on(world, intake)) == ("KH", "người nhắn đã xác nhận")


async def test_an_alert_in_another_flow_asks_nothing_about_the_place(world: World):
    await world.open("she")
    for answer in ("safe", "missing", "adult", "week", "abroad", "ransom"):
        await world.choose("she", answer)
    await world.say("she", "huyện Lộc Bình, Lạng Sơn")
    assert await world.step("she") == "missing.words"


@pytest.mark.parametrize(
    "words", ["nghe nói đưa qua Campuchia", "em sẽ đi sang Trung Quốc", "they take her to Cambodia"]
)
async def test_where_somebody_is_to_be_taken_is_not_where_they_are(world: World, words: str):
    await world.open("he")
    for answer in ("safe", "tip", "house", "done", "no", "unsure", "more"):
        await world.choose("he", answer)
    await world.say("he", words)
    assert await world.step("he") == "tip.place_sure"
    await world.say("he", "bỏ qua")
    facts = (await sent_off(world)).facts
    assert (facts.where, facts.country) == ("unknown", "")


@pytest.mark.parametrize(
    ("said", "country", "province", "towards"),
    [
        ("ở huyện Lộc Bình, sắp bị bán sang Trung Quốc", "VN", "20", False),
        ("em bị lừa sang Campuchia, giờ ở Bavet", "KH", "", False),
        ("bán sang Trung Quốc", "CN", "", True),
        ("hom qua o Lang Son", "VN", "20", False),
        ("sáng nay ở Lạng Sơn", "VN", "20", False),
        ("em đang ở Campuchia", "KH", "", False),
        ("em quê Sơn La, bị rủ xuống Hải Phòng làm", "VN", "31", True),
        ("em quê Sơn La bị nhốt ở Hải Phòng", "VN", "31", False),
        ("em quê Sơn La", "VN", "14", True),
        ("em mới trốn về từ Trung Quốc, giờ ở Sa Pa, Lào Cai", "VN", "15", False),
        ("mới từ Trung Quốc về, đang ở Lạng Sơn", "VN", "20", False),
        ("mới trốn về từ Trung Quốc", "CN", "", True),
        ("I am from the Philippines and I am locked in District 7, Ho Chi Minh City", "VN", "79", False),
        ("I'm from Laos", "LA", "", True),
        ("em o Lao Cai", "VN", "15", False),
    ],
)
def test_a_destination_is_told_from_a_place(book: Book, said: str, country: str, province: str, towards: bool):
    place = place_of(book, said)
    assert place is not None
    assert (place.country, place.province, place.towards) == (country, province, towards)


def test_a_long_message_without_a_destination_is_left_as_it_is():
    words = normalise("sáng hôm qua em ở nhà, tối qua cũng vậy, sang năm em mới đi " * 60).words
    assert without_destinations(words) == words


WHICH = "Là nơi nào trong số đó"


@pytest.mark.parametrize(
    ("typed", "unit"),
    [
        ("2", "c06529"), ("số 1", "D188"), ("xã Lộc Bình, Lạng Sơn", "c06529"), ("huyện", "D188"), ("Lạng Sơn", ""),
        ("cái huyện ấy", "D188"), ("o xa nhe", "c06529"),
        ("huyen loc binh", "D188"),
        ("đúng, huyện Lộc Bình", "D188"), ("ở xã Lộc Bình", "c06529"), ("không", "elsewhere"), ("ko phải", "elsewhere"),
        ("chỗ khác", "elsewhere"), ("sai rồi", "elsewhere"), ("không rõ", "unsure"),
    ],
)  # fmt: skip
async def test_of_several_units_one_is_named_in_any_way(world: World, typed: str, unit: str):
    await at_the_place(world)
    await world.say("he", "Lộc Bình, Lạng Sơn")
    assert await world.step("he") == "tip.place_sure"
    await world.say("he", typed)
    talk = await world.conversation("he")
    assert talk is not None
    assert talk.answers.get("tip_place_unit", "") == unit
    asked = {"elsewhere": "tip.place", "": "tip.place_sure"}.get(unit, "tip.when")
    assert await world.step("he") == asked


async def test_a_bare_yes_to_several_is_asked_once_which(world: World):
    await at_the_place(world)
    await world.say("he", "Lộc Bình, Lạng Sơn")
    shown = await world.say("he", "có")
    assert WHICH in "\n".join(shown[-1].texts)
    assert [one.id for one in shown[-1].buttons][:2] == ["D188", "c06529"]
    await world.say("he", "đúng")
    assert await world.step("he") == "tip.when", "nobody is held up by a name"
    talk = await world.conversation("he")
    assert talk is not None
    assert (talk.answers["tip_place"], talk.answers["tip_place_unit"]) == ("Lộc Bình, Lạng Sơn", "unsure")
    assert talk.notes == (), "a yes is nothing to keep"


@pytest.mark.parametrize("typed", ["không, ở huyện Bắc Quang, Hà Giang", "à nhầm, huyện Bắc Quang Hà Giang cơ"])
async def test_another_place_typed_instead_is_shown_in_its_turn(world: World, typed: str):
    await at_the_place(world)
    await world.say("he", "huyện Lộc Bình, Lạng Sơn")
    shown = await world.say("he", typed)
    assert await world.step("he") == "tip.place_sure"
    assert "Bắc Quang" in "\n".join(shown[-1].texts)
    await world.say("he", "đúng")
    intake = await sent_off(world)
    assert intake.province == "08"
    assert "huyện Lộc Bình, Lạng Sơn" in intake.content.notes, "nothing that was written is lost"


@pytest.mark.parametrize("typed", ["không phải Lộc Bình", "không", "không phải chỗ đó", "k phải"])
async def test_a_no_to_one_asks_for_another(world: World, typed: str):
    await at_the_place(world)
    await world.say("he", "huyện Lộc Bình, Lạng Sơn")
    await world.say("he", typed)
    assert await world.step("he") == "tip.place"


async def test_a_cry_where_a_place_is_shown_is_heard(world: World):
    await at_the_place(world)
    await world.say("he", "huyện Lộc Bình, Lạng Sơn")
    await world.say("he", "không, " + CRY)
    assert (await world.step("he")).startswith("danger.")


@pytest.mark.parametrize(
    ("typed", "where"), [("không", ""), ("không phải chỗ đó", ""), ("có", "D188"), ("đúng rồi", "D188")]
)
async def test_in_danger_a_yes_or_no_to_the_place_of_the_first_words_is_no_place(world: World, typed: str, where: str):
    await world.say("her", CRY + ", em ở huyện Lộc Bình, Lạng Sơn")
    await world.choose("her", "here")
    shown = await world.choose("her", "text_only")
    assert "Lộc Bình" in "\n".join(shown[-1].texts)
    shown = await world.say("her", typed)
    talk = await world.conversation("her")
    assert talk is not None
    assert talk.answers.get("danger_place") != typed
    assert await world.step("her") == ("danger.ahead" if where else "danger.place")
    assert "Có phải chỗ đó" not in "\n".join(shown[-1].texts)
    assert next(iter(world.intakes.values())).urgent


async def test_in_danger_a_yes_to_several_is_asked_once_and_holds_nobody_up(world: World):
    await world.say("her", CRY + ", em ở Lộc Bình, Lạng Sơn")
    await world.choose("her", "here")
    await world.choose("her", "text_only")
    shown = await world.say("her", "có")
    assert (await world.step("her"), WHICH in "\n".join(shown[-1].texts)) == ("danger.place", True)
    await world.say("her", "có")
    assert await world.step("her") == "danger.ahead"
