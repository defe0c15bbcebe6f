"""Answers become signs, signs become a level: tables that a social worker can read, and what must hold for any answers."""

from __future__ import annotations

import dataclasses
from itertools import combinations_with_replacement

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from referral.book import LevelRule, When
from referral.model import Facts
from referral.screening import facts_of, is_danger, judge, may_tell_of_danger, strengths_of
from tests.referral_book import book, cases, facts_in

CASES = dict(cases("screening"))
QUESTIONS = sorted({coding.question for instrument in book().instruments for coding in instrument.codings})
SCREENING = ("found_by", "promise", "papers", "freedom", "debt", "hurt", "made_to")
ORDER = ("L0", "L1", "L2", "L3", "L4")


@pytest.mark.parametrize("name", CASES)
def test_the_case_gets_its_level(name):
    case = CASES[name]
    screening = judge(book(), facts_in(case))
    assert screening.level == case["level"]
    if "elements" in case:
        present = {"act": screening.act, "means": screening.means, "purpose": screening.purpose}
        assert [element for element, there in present.items() if there] == case["elements"]
    if "rule" in case:
        assert screening.reasons[0].rule == case["rule"]


def test_every_level_rule_decides_some_case():
    deciding = {case.get("rule") for case in CASES.values()}
    assert {rule.id for rule in book().levels} - deciding == set()


def test_a_reason_has_a_sentence_and_a_source_that_is_known():
    for case in CASES.values():
        for reason in judge(book(), facts_in(case)).reasons:
            assert reason.because.strip()
            assert reason.source in book().sources


# ----------------------------------------------------------------------------------------------- answers become facts


def test_the_answers_of_a_relative_become_codes():
    answers: dict[str, str | tuple[str, ...]] = {
        "safety": "safe",
        "who": "relative",
        "age": "under_16",
        "place_stage": "abroad",
        "country": "KH",
        "province": "p20",
        "found_by": ("recruited", "transported"),
        "debt": ("ransom",),
        "needs": ("medical", "none"),
        "consent": ("police", "hotline_111"),
    }
    assert facts_of(book().instruments, "other", answers) == Facts(
        kind="other",
        reporter="relative",
        danger="none",
        age="under_16",
        where="abroad",
        country="KH",
        home_province="20",
        stage="there",
        act=frozenset({"recruited", "transported"}),
        means=frozenset({"debt"}),
        purpose=frozenset({"ransom_or_resale"}),
        needs=frozenset({"medical"}),
        share=frozenset({"police", "hotline_111"}),
        indicators=("CD-02",),
    )


def test_a_province_typed_as_text_is_not_a_code():
    facts = facts_of(book().instruments, "tip", {"province": "Hà Giang", "country": "Campuchia"})
    assert (facts.province, facts.home_province, facts.country) == ("", "", "")


@pytest.mark.parametrize(
    ("answer", "share"),
    [
        (None, None),
        ("skip", None),
        (("skip",), None),
        (("none",), frozenset()),
        (("all",), frozenset({"all"})),
        (("police", "somewhere"), frozenset({"police"})),
    ],
)
def test_consent_that_was_not_given_is_not_there(answer, share):
    answers = {} if answer is None else {"consent": answer}
    assert facts_of(book().instruments, "self", answers).share == share


def test_of_two_answers_about_danger_the_graver_counts():
    facts = facts_of(book().instruments, "self", {"safety": "safe", "soon": "yes"})
    assert facts.danger == "imminent"
    assert facts_of(book().instruments, "self", {"danger_where": "here", "soon": "yes"}).danger == "now"


def test_held_now_needs_the_person_themselves():
    assert facts_of(book().instruments, "self", {"who": "self", "freedom": "not_free"}).held_now
    assert not facts_of(book().instruments, "other", {"who": "relative", "freedom": "not_free"}).held_now


def test_who_got_out_is_not_held_now():
    answers = {"who": "self", "age": "adult", "place_stage": "out", "hurt": "yes", "freedom": "not_free"}
    assert judge(book(), facts_of(book().instruments, "self", answers)).level == "L2"


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("answer", ["unsure", "skip"])
def test_unknown_never_counts_as_no(question, answer):
    facts = facts_of(book().instruments, "self", {question: answer})
    assert facts.danger != "none"
    assert facts.age == "unknown"
    assert not facts.act | facts.means | facts.purpose
    assert facts.unknown == (1 if question in SCREENING else 0)


answered = st.fixed_dictionaries(
    {},
    optional={
        question: st.sampled_from(
            sorted({"nonsense", *(c.answer for i in book().instruments for c in i.codings if c.question == question)})
        )
        for question in QUESTIONS
    },
)


@given(answers=answered, question=st.sampled_from(SCREENING))
@settings(max_examples=150, deadline=None)
def test_saying_nothing_instead_of_no_never_lowers_the_level(answers, question):
    no = {"found_by": "none", "promise": "same", "papers": "free", "freedom": "free", "hurt": "no"}.get(
        question, "none"
    )
    said_no = judge(book(), facts_of(book().instruments, "self", {**answers, question: no}))
    silent = judge(book(), facts_of(book().instruments, "self", {**answers, question: "skip"}))
    assert ORDER.index(silent.level) >= ORDER.index(said_no.level)


@given(answers=answered)
@settings(max_examples=150, deadline=None)
def test_unsure_age_is_never_treated_as_less_than_a_grown_up(answers):
    facts = facts_of(book().instruments, "other", answers)
    unsure = judge(book(), replace(facts, age="unknown"))
    adult = judge(book(), replace(facts, age="adult"))
    assert ORDER.index(unsure.level) >= ORDER.index(adult.level)


# ------------------------------------------------------------------------------------------------- the ILO dimensions


def test_the_points_say_the_same_as_the_rule_of_2009():
    """2 strong; 1 strong and another; 3 medium; 2 medium and 1 weak; at most two weak ones exist in a dimension."""
    points, threshold = book().scoring.points, book().scoring.threshold
    for number in range(5):
        for seen in combinations_with_replacement(("strong", "medium", "weak"), number):
            strong, medium, weak = (seen.count(strength) for strength in ("strong", "medium", "weak"))
            if weak > 2:
                continue
            rule = strong >= 2 or (strong == 1 and medium + weak >= 1) or medium >= 3 or (medium == 2 and weak >= 1)
            assert (sum(points[strength] for strength in seen) >= threshold) == rule, seen


def test_no_dimension_has_more_weak_indicators_than_the_points_allow():
    for column in ("adult", "child"):
        weak = [i.dimension for i in book().indicators.values() if getattr(i, column) == "weak"]
        assert all(weak.count(dimension) <= 2 for dimension in weak)


def test_the_reviewer_sees_dimensions_and_what_they_add_up_to():
    facts = Facts(kind="other", age="adult", indicators=("DR-01", "DR-02", "EX-01", "EX-02", "CD-01", "CD-03"))
    screening = judge(book(), facts)
    assert {name for name, positive in screening.dimensions.items() if positive} == {"DR", "EX", "CD"}
    assert screening.classification == "trafficking_forced_labour"
    assert not screening.provisional


@pytest.mark.parametrize(
    ("indicators", "classification"),
    [
        (("EX-01", "EX-02"), "exploited_not_trafficked"),
        (("DR-01", "DR-02", "EX-01", "EX-02"), "deceived_and_exploited"),
        (("DR-01", "DR-02"), "not_enough_seen"),
    ],
)
def test_the_classification_of_2009(indicators, classification):
    assert judge(book(), Facts(age="adult", indicators=indicators)).classification == classification


def test_a_child_needs_only_an_act_and_exploitation():
    facts = Facts(age="under_16", act=frozenset({"recruited"}), indicators=("EX-01", "EX-02"))
    assert judge(book(), facts).classification == "trafficking_child"


def test_strengths_that_nobody_could_read_are_called_provisional():
    facts = Facts(age="adult", purpose=frozenset({"sexual_exploitation"}), indicators=("CD-07",))
    assert strengths_of(book(), facts) == {"CD-07": ("CD", "strong")}
    assert not judge(book(), facts).provisional
    assert judge(book(), replace(facts, indicators=("CD-07", "CD-05"))).provisional


def test_a_coded_means_stands_for_its_indicator_once():
    once = strengths_of(book(), Facts(age="adult", means=frozenset({"deceit"})))
    assert once == strengths_of(book(), Facts(age="adult", means=frozenset({"deceit"}), indicators=("DR-01",)))


# --------------------------------------------------------------------------------------------- what need not be judged


def test_an_answer_that_is_not_judged_for_danger_changes_nothing_about_it():
    """Every coded answer, given anew or taken back, on top of the answers of every case."""
    coded = sorted({(one.question, one.answer) for instrument in book().instruments for one in instrument.codings})
    bases = [{}, *(case["answers"] for case in CASES.values() if "answers" in case)]
    spared = told = 0
    for base in ({slot: _given(answer) for slot, answer in base.items()} for base in bases):
        for question, answer in (*coded, ("province", "p20"), ("country", "KH"), ("consent", "police")):
            changed = {**base, question: answer}
            was, now = (is_danger(book(), facts_of(book().instruments, "self", one)) for one in (base, changed))
            may = may_tell_of_danger(book(), base, changed)
            assert may == may_tell_of_danger(book(), changed, base)
            assert may or was == now, (base, question, answer)
            spared, told = spared + (not may), told + (was != now)
    assert spared > 1000
    assert told > 100


def test_a_rule_of_danger_that_looks_at_more_has_more_judged():
    def told(when, question, answer):
        rules = (LevelRule("new", "L4", when, "because", "because", "source"), *book().levels)
        return may_tell_of_danger(dataclasses.replace(book(), levels=rules), {}, {question: answer})

    assert not may_tell_of_danger(book(), {}, {"papers": "unsure"})
    assert told(When("count", "unknown", at_least=2), "papers", "unsure")
    assert not may_tell_of_danger(book(), {}, {"province": "p20"})
    assert told(When("is", "province", ("20",)), "province", "p20")
    assert told(When("is", "kind", ("self",)), "papers", "unsure")  # which no answer codes


def _given(answer):
    return tuple(answer) if isinstance(answer, list) else answer
