"""The life of a referral, its clocks, what a notice shows and what an agency may see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import fields, replace

from referral.clocks import clock_for, due_at, legal_deadlines, next_rung, overdue, rungs
from referral.codes import ACTIONS
from referral.disclose import visible
from referral.lifecycle import delivered, move, open_referral, sent
from referral.model import Consent, Content, Facts, Intake, Moved, Office, Referral, Refused, Route, Screening
from referral.notice import notice
from tests.referral_book import book

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
POLICE = Route("police", True, "tip", "Tin được chuyển Công an.", "law53_art22")
LANG_SON = next(office for office in book().offices if office.id == "police-20")


def opened(*, urgent: bool = False, office: Office = LANG_SON, route: Route = POLICE) -> Referral:
    return open_referral(
        route,
        office,
        book(),
        id="r1",
        intake="i1",
        code="NC-7K3P",
        level="L4" if urgent else "L2",
        urgent=urgent,
        province="20",
        at=AT,
    )


def arrived() -> Referral:
    return delivered(sent(opened(), AT), AT)


def after(referral: Referral, *actions: str, **given: str) -> Referral:
    """The referral after these actions of one officer, each of which must be possible."""
    for action in actions:
        moved = move(referral, action, "officer-1", AT, book=book(), **given)
        assert isinstance(moved, Moved), moved
        referral = moved.referral
    return referral


# ------------------------------------------------------------------------------------------------------------ life


def test_a_referral_goes_from_proposed_to_closed():
    referral = opened()
    assert (referral.state, referral.due_at) == ("proposed", AT + timedelta(hours=24))
    referral = delivered(sent(referral, AT), AT + timedelta(seconds=5))
    assert (referral.state, referral.delivered_at) == ("delivered", AT + timedelta(seconds=5))
    referral = after(referral, "acknowledge")
    assert (referral.state, referral.officer, referral.acknowledged_at) == ("acknowledged", "officer-1", AT)
    referral = after(after(referral, "accept"), "close", outcome="supported")
    assert (referral.state, referral.outcome, referral.accepted_at, referral.closed_at) == (
        "closed",
        "supported",
        AT,
        AT,
    )


def test_an_officer_who_was_faster_than_the_delivery_report_has_it():
    referral = after(sent(opened(), AT), "acknowledge")
    assert referral.state == "acknowledged"
    assert delivered(referral, AT).state == "acknowledged"


def test_accepting_at_once_acknowledges_too():
    referral = after(arrived(), "accept")
    assert (referral.state, referral.acknowledged_at) == ("accepted", AT)


def test_the_second_officer_is_told_who_was_first():
    referral = after(arrived(), "acknowledge")
    assert move(referral, "acknowledge", "officer-2", AT, book=book()) == Refused(
        "Không thực hiện được: tin này đã nhận."
    )


def test_returning_needs_a_coded_reason():
    assert isinstance(move(arrived(), "return", "o", AT, book=book()), Refused)
    assert isinstance(move(arrived(), "return", "o", AT, book=book(), reason="because I say so"), Refused)
    referral = after(arrived(), "return", reason="not_our_area")
    assert (referral.state, referral.reason) == ("returned", "not_our_area")


def test_closing_needs_a_coded_outcome_and_somebody_who_had_it():
    held = after(arrived(), "acknowledge")
    assert isinstance(move(held, "close", "o", AT, book=book()), Refused)
    assert isinstance(move(held, "close", "o", AT, book=book(), outcome="done"), Refused)
    assert isinstance(move(arrived(), "close", "o", AT, book=book(), outcome="supported"), Refused)


def test_a_transfer_names_another_office():
    assert isinstance(move(arrived(), "transfer", "o", AT, book=book()), Refused)
    assert isinstance(move(arrived(), "transfer", "o", AT, book=book(), office="police-20"), Refused)
    moved = move(arrived(), "transfer", "o", AT, book=book(), office="health-20")
    assert isinstance(moved, Moved)
    assert (moved.referral.state, moved.passed_to) == ("transferred", "health-20")


def test_classifying_leaves_the_referral_where_it_is():
    referral = after(arrived(), "classify", reason="crime_news")
    assert (referral.state, referral.acknowledged_at, referral.reason) == ("delivered", None, "")
    assert isinstance(move(arrived(), "classify", "o", AT, book=book(), reason="whatever"), Refused)


@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_but_an_officer_moves_what_was_delivered(action):
    moved = move(arrived(), action, "", AT, book=book(), reason="not_our_area", outcome="supported", office="health-20")
    assert isinstance(moved, Refused)


def test_a_consent_taken_back_in_time_withdraws_without_an_officer():
    for referral in (opened(), sent(opened(), AT)):
        moved = move(referral, "withdraw", "", AT, book=book())
        assert isinstance(moved, Moved)
        assert moved.referral.state == "withdrawn"


@pytest.mark.parametrize("state", ["returned", "transferred", "closed", "withdrawn"])
@pytest.mark.parametrize("action", ACTIONS)
def test_what_is_over_is_over(state, action):
    over = replace(arrived(), state=state, closed_at=AT)
    moved = move(over, action, "o", AT, book=book(), reason="not_our_area", outcome="supported", office="health-20")
    assert isinstance(moved, Refused)
    assert (sent(over, AT), delivered(over, AT)) == (over, over)


def test_an_unknown_action_is_refused():
    assert isinstance(move(arrived(), "delete", "o", AT, book=book()), Refused)


# ----------------------------------------------------------------------------------------------------------- clocks


def test_an_urgent_referral_climbs_within_minutes():
    clock = clock_for(book(), urgent=True)
    assert [(at - AT, step.to) for at, step in rungs(clock, AT)] == [
        (timedelta(seconds=60), "duty"),
        (timedelta(minutes=5), "chief"),
        (timedelta(minutes=10), "everyone"),
        (timedelta(minutes=15), "next_office"),
    ]
    assert opened(urgent=True).due_at == AT + timedelta(minutes=10)


def test_an_ordinary_referral_climbs_within_a_day():
    clock = clock_for(book(), urgent=False)
    assert [at - AT for at, _ in rungs(clock, AT)] == [timedelta(hours=4), timedelta(hours=24)]


def test_the_next_rung_is_the_one_that_is_still_to_come():
    clock = clock_for(book(), urgent=True)
    found = next_rung(clock, AT, AT + timedelta(seconds=60))
    assert found is not None
    assert found[1].to == "chief"
    assert next_rung(clock, AT, AT + timedelta(hours=1)) is None


@pytest.mark.parametrize(
    ("clock", "length"),
    [
        ("commune_police", timedelta(hours=24)),
        ("commune_police_remote", timedelta(hours=48)),
        ("first_verification", timedelta(days=3)),
        ("decision", timedelta(days=20)),
        ("right_view", timedelta(days=10)),
        ("right_withdraw", timedelta(days=15)),
        ("right_erase", timedelta(days=20)),
        ("breach", timedelta(hours=72)),
        ("classify", timedelta(hours=24)),
    ],
)
def test_the_ceilings_have_the_lengths_of_the_law(clock, length):
    assert due_at(book().clocks[clock], AT) - AT == length


@pytest.mark.parametrize(
    ("since", "due"),
    [
        (datetime(2026, 11, 23, 1, tzinfo=UTC), datetime(2027, 1, 23, 1, tzinfo=UTC)),
        (datetime(2026, 12, 31, 1, tzinfo=UTC), datetime(2027, 2, 28, 1, tzinfo=UTC)),
        # 18:00 UTC on 30 June is already 1 July in Viet Nam, so two months end on 1 September there
        (datetime(2026, 6, 30, 18, tzinfo=UTC), datetime(2026, 8, 31, 18, tzinfo=UTC)),
    ],
)
def test_two_months_are_calendar_months_of_viet_nam(since, due):
    for clock in ("decision_complex", "decision_extended"):
        assert due_at(book().clocks[clock], since) == due


@pytest.mark.parametrize(
    ("since", "due"),
    [
        (datetime(2026, 11, 23, 1, tzinfo=UTC), datetime(2026, 11, 25, 1, tzinfo=UTC)),
        (datetime(2026, 11, 27, 1, tzinfo=UTC), datetime(2026, 12, 1, 1, tzinfo=UTC)),
        (datetime(2026, 11, 26, 18, tzinfo=UTC), datetime(2026, 11, 30, 18, tzinfo=UTC)),
    ],
)
def test_two_working_days_pass_over_the_weekend(since, due):
    assert due_at(book().clocks["right_answer"], since) == due


def test_the_officer_sees_the_ceilings_of_the_law_from_the_acknowledgement():
    referral = after(arrived(), "acknowledge")
    assert [(clock.id, due) for clock, due in legal_deadlines(book(), referral)] == [
        ("commune_police", AT + timedelta(hours=24)),
        ("decision", AT + timedelta(days=20)),
        ("decision_complex", datetime(2027, 1, 23, 1, tzinfo=UTC)),
    ]


def test_only_what_nobody_acknowledged_is_overdue():
    late = AT + timedelta(hours=25)
    assert overdue(arrived(), late)
    assert not overdue(arrived(), AT + timedelta(hours=24))
    assert not overdue(after(arrived(), "acknowledge"), late)


# ----------------------------------------------------------------------------------------------------------- notice


def test_a_notice_shows_level_area_code_and_link():
    assert notice(opened(urgent=True), "https://x/r/1", "vi", book().provinces) == (
        "KHẨN · Mức L4 · Lạng Sơn · NC-7K3P\nhttps://x/r/1"
    )
    assert (
        notice(opened(), "https://x/r/1", "en", book().provinces)
        == "New · Level L2 · Lạng Sơn · NC-7K3P\nhttps://x/r/1"
    )


def test_a_notice_takes_no_content():
    shown = {"code", "level", "urgent", "province", "state", "identified"}
    words: dict[str, Any] = {
        field.name: f"MARK-{field.name}" for field in fields(Referral) if field.name not in shown and field.type is str
    }
    assert {"because", "reason", "outcome", "intake", "officer"} <= set(words)
    marked = replace(opened(), province="MARK-province", **words)
    assert "MARK" not in notice(marked, "https://x/r/1", "vi", book().provinces)
    assert "chưa rõ tỉnh" in notice(marked, "https://x/r/1", "vi")


# ------------------------------------------------------------------------------------------------------- disclosure

CONTENT = Content(
    texts={"tip_text": "Cô bé ở quán A", "tip_clues": "xe trắng", "contact": "0900", "name": "Hoa"},
    notes=("thêm một điều",),
    media=(("photo", "p1", "biển số"), ("voice", "v1", ""), ("contact", "c1", "")),
)
REPORT = Content(
    texts={"tip_text": "Cô bé ở quán A", "tip_clues": "xe trắng"},
    notes=("thêm một điều",),
    media=(("photo", "p1", "biển số"), ("voice", "v1", "")),
)
NOBODY = Route("police", False, "tip", "", "law53_art22")
GROUND = Route("police", True, "danger", "", "ttlt01_2021_art8", "life_in_danger")


def intake(kind: str) -> Intake:
    return Intake(
        "i1",
        "c1",
        kind,
        "L2",
        False,
        Facts(kind=kind),
        Screening("L2", True, False, False),
        "web",
        "vi",
        "20",
        AT,
        AT,
        CONTENT,
    )


def said(to: str, given: bool, minutes: int = 0) -> Consent:
    return Consent(to, given, "v1", AT + timedelta(minutes=minutes), "web")


@pytest.mark.parametrize("kind", ["tip", "other", "missing", "info"])
def test_a_report_goes_to_the_agency_without_who_wrote_it(kind):
    assert visible(intake(kind), opened(route=NOBODY), ()) == REPORT


@pytest.mark.parametrize("kind", ["self", "support"])
def test_what_somebody_told_of_themselves_stays_closed_without_consent(kind):
    assert visible(intake(kind), opened(route=NOBODY), ()) == Content()


@pytest.mark.parametrize("kind", ["tip", "self", "other", "missing", "support"])
def test_with_consent_or_a_ground_the_agency_sees_everything(kind):
    assert visible(intake(kind), opened(), (said("police", True),)) == CONTENT
    assert visible(intake(kind), opened(), (said("all", True),)) == CONTENT
    assert visible(intake(kind), opened(route=GROUND), ()) == CONTENT


@pytest.mark.parametrize(
    "consents",
    [
        (),
        (said("social_affairs", True),),
        (said("police", False),),
        (said("police", True), said("police", False, 1)),
        (said("police", True, 1), said("police", False, 1)),
        (said("police", True), said("all", False, 5)),
        (said("police", True), said("none", False, 5)),
    ],
)
def test_consent_is_read_again_and_the_last_word_counts(consents):
    assert visible(intake("self"), opened(), consents) == Content()


def test_a_consent_given_again_counts_again():
    consents = (said("police", True), said("police", False, 1), said("police", True, 2))
    assert visible(intake("self"), opened(), consents) == CONTENT


def test_a_consent_given_after_the_referral_was_made_opens_it():
    assert visible(intake("self"), opened(route=NOBODY), (said("police", True),)) == CONTENT
