"""Filled in together: who helps is asked and written down, the person agrees first, a companion is never taken for a friend."""

from __future__ import annotations

from bot.book import Book
from bot.labels import BESIDE, coded_answers
from referral.coded import ALLOWED
from referral.model import Intake
from tests.world import World

TO_A_QUESTION = ("safe", "information", "question")


async def began(world: World, role: str, *then: str) -> None:
    await world.open("p")
    for button in ("helper", role, *then):
        await world.choose("p", button)


async def asks_something(world: World) -> Intake:
    for button in TO_A_QUESTION:
        await world.choose("p", button)
    await world.say("p", "xin hỏi làm lại giấy tờ ở đâu")
    return next(one.intake for one in reversed(world.commits) if one.new_intake and one.intake)


async def test_the_role_goes_with_the_report_and_the_page_and_the_export_say_it(world: World) -> None:
    await began(world, "teacher", "yes")
    intake = await asks_something(world)
    assert intake.facts.helper == "teacher"
    assert ("Điền cùng", "Giáo viên") in coded_answers(world.book, intake.answers)
    assert BESIDE not in coded_answers(world.book, intake.answers)
    assert ALLOWED["facts.helper"].words["teacher"] == "giáo viên"


async def test_who_did_not_agree_has_nobody_written_down_as_writing_with_them(world: World) -> None:
    for answer in ("no", "unsure"):
        await began(world, "commune", answer)
        intake = await asks_something(world)
        assert intake.facts.helper == "", answer
        assert not any("everywhere.ask_them" in one for one in intake.answers), answer


async def test_beside_a_relative_the_person_presses_first_and_the_officer_is_warned(world: World) -> None:
    for role in ("relative", "other"):
        await began(world, role)
        talk = await world.conversation("p")
        assert talk is not None
        assert talk.step == "private", role
        for button in ("together", "yes"):
            await world.choose("p", button)
        intake = await asks_something(world)
        assert intake.facts.helper == role
        assert coded_answers(world.book, intake.answers)[0] == BESIDE


async def test_another_time_leaves_nothing_behind_and_tells_nobody(world: World) -> None:
    await began(world, "relative", "later")
    talk = await world.conversation("p")
    assert talk is not None
    assert (talk.flow, talk.answers, talk.quiet) == ("", {}, True)
    assert not any(one.intake or one.referrals for one in world.commits)


async def test_the_chat_opened_anew_does_not_take_whoever_holds_the_phone_for_the_helper(world: World) -> None:
    await began(world, "teacher", "yes")
    await world.open("p")
    talk = await world.conversation("p")
    assert talk is not None
    assert "helper" not in talk.answers


async def test_it_is_offered_at_the_beginning_only_and_never_to_who_is_watched(world: World) -> None:
    def offered() -> bool:
        return "helper" in {button.id for button in world.buttons("p")}

    await world.open("p")
    assert offered()
    await world.choose("p", "language")
    assert offered()
    await world.choose("p", "vi")
    await world.choose("p", "watched")
    assert not offered()
    await world.choose("p", "go_on")
    assert not offered()


async def test_danger_is_one_button_away_at_every_step_of_it(world: World, book: Book) -> None:
    for step in ("role", "private", "agreed"):
        await world.open("p")
        await world.choose("p", "helper")
        for button in {"role": (), "private": ("relative",), "agreed": ("teacher",)}[step]:
            await world.choose("p", button)
        talk = await world.conversation("p")
        assert talk is not None
        assert talk.step == step
        assert {"danger", "stop", "person"} <= {button.id for button in world.buttons("p")}, step
