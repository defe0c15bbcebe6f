"""What a story plainly tells of who it is about, how old they are and which help is asked for; what is not plain is asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.book import Book
from bot.story import told
from flows.book import build
from flows.hear.read import read_told
from flows.model import Conversation
from flows.story import unasked
from tests.world import World

NOW = datetime(2026, 11, 23, tzinfo=UTC)
RETURNED = "Tôi mới về từ Campuchia, mất hết giấy tờ, năm nay tôi 24 tuổi, cần làm lại giấy tờ và cần chỗ ở"
BROTHER = "Tôi 45 tuổi, em trai tôi 22 tuổi đang ở Bavet làm, tôi muốn hỏi thêm"


def of(book: Book, flow: str, story: str) -> dict[str, object]:
    """What is understood for this flow, by the answer's name."""
    talk = Conversation(id="c", flow=flow, answers={"story": story})
    return {slot: answers[slot] for slot, answers in told(book, talk, NOW).items()}


@pytest.mark.parametrize(
    ("story", "who", "age"),
    [
        ("con gái tôi 15 tuổi bị lừa đi làm", "relative", "under_16"),
        ("con gai toi 15 tuoi bi lua di lam", "relative", "under_16"),
        ("Con gái tôi tên Hoa, 16 tuổi, bị rủ đi làm quán", "relative", "16_17"),
        ("Tôi 45 tuổi, con gái tôi 17 tuổi bị dụ đi làm", "relative", "16_17"),
        ("em gái em bị bán, nó mới 13 tuổi", "relative", "under_16"),
        ("Tôi có đứa em gái 14 tuổi bị lừa", "relative", "under_16"),
        ("Bạn em 17 tuổi bị rủ đi làm xa", "acquaintance", "16_17"),
        ("tôi thấy một bé gái 12 tuổi bị bắt đi xin", "seen", "under_16"),
        ("em 19 tuổi, em bị giữ ở quán", "self", "adult"),
        ("em bi giu o quan, ho giu giay to cua em, em 19 tuoi", "self", "adult"),
        ("I am held in a house, they took my passport. I'm 24", "self", "adult"),
        ("my daughter is 15 and she was taken to Bavet", "relative", "under_16"),
        ("我女儿15岁，被骗走了", "relative", "under_16"),
    ],
)
def test_who_and_age_are_taken_where_they_are_plain(book: Book, story: str, who: str, age: str):
    found = of(book, "screening", story)
    assert (found.get("who"), found.get("age")) == (who, age)


@pytest.mark.parametrize(
    "story",
    [
        "Tôi 45 tuổi, con gái tôi bị dụ đi làm",  # the writer's age is not the daughter's
        "em gái em và em bị giữ, em 19 tuổi, nó 15 tuổi",
        "năm em 15 tuổi em bị bán, giờ em mới về",
        "tôi thấy mấy em khoảng 15 tuổi bị bắt làm",
        "con tôi chưa đủ 18 tuổi bị lừa",
        "họ tuyển nữ 18 tuổi, tôi bị rủ đi",
        "con gái tôi 15 16 tuổi bị lừa",
        "tôi đang xem phim con gái tôi 15 tuổi bị bán",
        "em bị giữ ở quán, lương 15 triệu, làm 20 tháng",
    ],
)
def test_an_age_that_is_not_plain_is_none(book: Book, story: str):
    assert "age" not in of(book, "screening", story + ", cần luật sư, cần làm lại giấy tờ")


@pytest.mark.parametrize(
    "story",
    [
        "chồng tôi và tôi bị giữ giấy tờ",
        "em gái em và em bị giữ ở quán",
        "bố cháu đánh mẹ, cháu sợ lắm",
        "tôi bị mất liên lạc với con",
        'nó nhắn "em bị nhốt rồi"',
        "nếu tôi bị giữ giấy tờ thì sao",
        "không phải tôi bị, cũng không ai bị",
        "các em bị ép làm đêm",
        "cháu bị lừa",  # the writer, or a grandchild of theirs
    ],
)
def test_who_is_not_guessed(book: Book, story: str):
    assert "who" not in of(book, "screening", story + ". Cần luật sư")


@pytest.mark.parametrize(
    ("story", "needs"),
    [
        ("tôi cần làm lại giấy tờ", ("papers",)),
        ("em can cho o, can gap luat su", ("shelter", "legal")),
        ("em muốn gặp người tư vấn", ("psychological",)),
        ("em muốn gặp người tư vấn pháp luật", ("legal",)),
        ("em không cần chỗ ở, em chỉ cần làm lại căn cước", ("papers",)),
        ("I don't need a doctor, I need a place to stay", ("shelter",)),
        ("họ hứa lo chỗ ở, hứa làm giấy tờ cho", None),
        ("họ giữ giấy tờ của em", None),
        ('nó bảo "cần làm lại giấy tờ"', None),
        ("bài tập về nhà: nạn nhân cần chỗ ở thì sao", None),
    ],
)
def test_help_is_what_is_asked_for_and_nothing_else(book: Book, story: str, needs: tuple[str, ...] | None):
    assert of(book, "support", story).get("needs") == needs


def test_the_help_after_return_asks_about_nobody_who_was_only_seen(book: Book):
    assert "who" not in of(book, "support", "tôi thấy một cô gái bị đánh, cô ấy cần chỗ ở")


@pytest.mark.parametrize(
    ("story", "province"),
    [
        ("em 20 tuổi, em bị giữ giấy tờ ở huyện Lộc Bình, Lạng Sơn", "p20"),
        ("em 20 tuổi, em bị giữ giấy tờ ở Hải Phòng", "Hải Phòng"),
        ("em 20 tuổi, em bị giữ giấy tờ ở Hải Phòng, giờ em bỏ về quê Sơn La", None),
        ("em 20 tuổi, em bị giữ giấy tờ ở Hải Phòng, giờ em ở Lạng Sơn", None),
        (
            "em bị giữ giấy tờ ở Hải Phòng",
            None,
        ),  # perhaps a child who writes alone: asked no province, so none is taken
        ("em 15 tuổi, em bị giữ giấy tờ ở Hải Phòng", None),
    ],
)
def test_a_province_is_taken_where_only_one_is_told(book: Book, story: str, province: str | None):
    found = of(book, "screening", story)
    assert found.get("province", found.get("province_text")) == province


def test_a_place_here_and_one_abroad_are_none(book: Book):
    told_both = (
        "Hôm qua tôi thấy ở Tân Bắc, Quang Bình, Hà Giang có người rủ đi làm, bảo ở Trung Quốc lương cao, xe 29A-123.45"
    )
    assert set(of(book, "tip", told_both)) == {"tip_when", "tip_clues"}


def test_the_age_of_somebody_who_is_looked_for_is_not_the_writers(book: Book):
    assert "missing_who" not in of(book, "missing", "Tôi 45 tuổi, con trai tôi mất liên lạc hôm qua, lần cuối ở Bavet")


async def at_the_list(world: World, story: str, door: str, safe: str = "safe") -> list[str]:
    await world.say("he", story)
    await world.choose("he", safe)
    if safe == "watched":
        await world.choose("he", "go_on")
    await world.choose("he", door)
    if door == "support":
        await world.choose("he", "no")
    return [text for message in await world.choose("he", "yes") for text in message.texts]


async def answers(world: World) -> dict[str, object]:
    talk = await world.conversation("he")
    return dict(talk.answers) if talk else {}


async def test_nothing_counts_before_it_was_confirmed_and_what_was_is_not_asked_again(world: World):
    shown = "\n".join(await at_the_list(world, RETURNED, "support"))
    assert "– Cần giúp: Giấy tờ, Chỗ ở an toàn" in shown
    assert not {"who", "age", "needs"} & set(await answers(world))
    await world.choose("he", "all")
    assert await world.step("he") == "support.place"
    await world.say("he", "bỏ qua")
    assert await world.step("he") == "support.consent"
    found = await answers(world)
    assert (found["who"], found["age"], found["needs"]) == ("self", "adult", ("papers", "shelter"))


async def test_what_was_refused_is_asked(world: World):
    await at_the_list(world, RETURNED, "support")
    await world.choose("he", "none")
    assert await world.step("he") == "support.who"
    assert not {"who", "age", "needs"} & set(await answers(world))


async def test_the_screener_asks_every_sign_whatever_the_story_tells(world: World):
    shown = "\n".join(await at_the_list(world, BROTHER, "screening"))
    assert (
        "– Về ai: Người trong gia đình\n– Tuổi: Từ 18 trở lên\n– Đang ở đâu: Đang ở nước ngoài\n– Nước: Campuchia"
        in shown
    )
    await world.choose("he", "all")
    assert await world.step("he") == "screening.found_by"
    found = await answers(world)
    assert (found["who"], found["age"], found["country"]) == ("relative", "adult", "KH")
    for slot in ("found_by", "promise", "papers", "freedom", "debt", "hurt", "made_to"):
        assert slot not in found


async def test_who_is_watched_is_shown_no_list(world: World):
    shown = "\n".join(await at_the_list(world, BROTHER, "screening", safe="watched"))
    assert "Bavet" not in shown
    assert await world.step("he") == "screening.who"


async def test_nothing_is_shown_to_whoever_does_not_agree_to_talk(world: World):
    await world.say("he", BROTHER)
    await world.choose("he", "safe")
    await world.choose("he", "screening")
    shown = await world.choose("he", "no")
    assert "Từ 18" not in repr(shown)
    assert await world.step("he") == "screening.instead"


async def test_a_province_that_was_confirmed_is_asked_no_more_and_can_be_taken_back(world: World):
    story = "Em trai tôi 22 tuổi làm ở một xưởng may Hải Phòng, tôi muốn hỏi thêm"
    shown = "\n".join(await at_the_list(world, story, "screening"))
    assert "– Tên tỉnh: Hải Phòng" in shown
    assert "Tỉnh khác" not in shown
    await world.choose("he", "all")
    await world.choose("he", "in_vn")
    assert await world.step("he") == "screening.found_by"
    assert (await answers(world))["province_text_unit"] == "p31"
    await world.say("he", "quay lại")
    await world.say("he", "quay lại")
    assert await world.step("he") == "screening.heard"
    await world.choose("he", "none")
    assert not {"province", "province_text", "province_text_unit", "who"} & set(await answers(world))


async def test_what_was_confirmed_at_one_door_stays_when_another_is_taken(world: World):
    await at_the_list(world, BROTHER, "screening")
    await world.choose("he", "all")
    await world.say("he", "gặp người thật")
    await world.choose("he", "return")
    found = await answers(world)
    assert (found["who"], found["age"]) == ("relative", "adult")


def test_an_answer_that_no_question_offers_is_refused(book: Book):
    text = "language: vi\ntold: {needs: {yacht: {note: none, phrases: [cần thuyền]}}}\n"
    lists, problems = read_told({"vi.yaml": text}, {})
    assert (lists is not None, problems) == (True, [])
    flows = book.flows
    wrong = list(unasked(build(flows.flows, flows.everywhere, flows.lexicon, lists)))
    assert [one.where for one in wrong] == ["flows/hear/told needs.yacht"]
    assert not list(unasked(flows))


@pytest.mark.parametrize(
    "text",
    [
        "language: vi\ntold: {needs: {papers: {phrases: [cần giấy]}}}\n",  # neither note nor source
        "language: vi\ntaken_back: {denied: {reach: far, note: n, phrases: [không]}}\n",
        "language: vi\nanswers: {}\n",
        "language: vi\ntold: {who: {self: {note: n, phrases: ['<ai> bị']}}}\n",
    ],
)
def test_a_faulty_list_is_not_read(text: str):
    lists, problems = read_told({"vi.yaml": text}, {})
    assert lists is None
    assert problems
