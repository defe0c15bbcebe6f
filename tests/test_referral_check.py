"""The reader refuses what is not right, and the proof notices every rule that is missing."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from pathlib import Path
from time import process_time

import pytest
from msgspec import structs

from referral.book import ReferralBook
from referral.check import problems, stops
from referral.codes import ANY_OF, HIGHEST_UNKNOWN, ONE_OF, ROUTES
from referral.combinations import ALL, NONE, Combinations
from referral.model import Facts, Problem
from referral.proof import PROMISES, prove
from referral.read import read_book
from referral.routing import route
from referral.screening import judge
from referral.world import World
from tests.referral_book import book, facts_with, texts

BROKEN = sorted((Path(__file__).parent / "broken" / "referral").glob("*.yaml"))
CHECKED = date(2026, 11, 22)


def found_in(extra: str) -> list[Problem]:
    """Every problem of the real data with one more file."""
    read, unreadable = read_book({**texts(), "zz_broken.yaml": extra})
    return unreadable if read is None else problems(read)


# --------------------------------------------------------------------------------------------------------- the reader


def test_the_real_data_can_be_started_with():
    found = problems(book(), CHECKED)
    assert not stops(found), "\n".join(str(problem) for problem in found if not problem.warning)


def test_a_missing_telephone_number_is_a_warning_for_the_operator():
    warned = [problem for problem in problems(book()) if problem.warning]
    assert {problem.remedy for problem in warned if problem.where.startswith("offices ")} == {
        "To be supplied by the operator."
    }
    assert "offices police-20" in {problem.where for problem in warned}


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_is_refused_with_its_sentence(path):
    text = path.read_text("utf-8")
    expected = text.splitlines()[0].removeprefix("# expect: ")
    found = [problem for problem in found_in(text) if not problem.warning]
    assert any(expected in str(problem) for problem in found), "\n".join(map(str, found)) or "nothing was found"
    assert all(problem.where and problem.remedy for problem in found)


def test_all_problems_are_told_at_once():
    extra = """
routing:
  - {id: a, when: always, to: [police], because: x, because_en: x}
  - {id: b, when: {word: nobody}, to: [police], because: x, because_en: x, source: law53_art22}
clocks:
  - {id: c, kind: theirs, name: x, name_en: x, seconds: "1", source: service_promise}
"""
    assert [problem.where for problem in found_in(extra)] == [
        "zz_broken.yaml, routing a",
        "zz_broken.yaml, routing b",
        "zz_broken.yaml, clocks c",
    ]


@pytest.mark.parametrize(
    ("waits", "what"),
    [
        (
            'notice_from_s: "60", notice_to_s: "14400"',
            "notices may come after the first rung, or end before they begin",
        ),
        ('notice_from_s: "60", notice_to_s: "30"', "notices may come after the first rung, or end before they begin"),
    ],
)
def test_a_notice_never_waits_beyond_the_first_rung(waits: str, what: str):
    clock = f"""
clocks:
  - {{id: c, kind: ours, name: x, name_en: x, seconds: "86400", {waits}, source: service_promise,
     ladder: [{{after_s: "14400", to: duty}}]}}
"""
    assert [problem.what for problem in found_in(clock) if problem.where == "clocks c"] == [what]


def test_danger_never_waits():
    urgent = texts()["clocks/clocks.yaml"].replace(
        '    seconds: "600"\n', '    seconds: "600"\n    notice_to_s: "30"\n', 1
    )
    read, unreadable = read_book({**texts(), "clocks/clocks.yaml": urgent})
    assert read is not None, unreadable
    assert ("clocks urgent", "urgent notices wait") in [(problem.where, problem.what) for problem in problems(read)]


def test_a_section_that_nobody_wrote_is_missed():
    without = {path: text for path, text in texts().items() if path != "clocks/clocks.yaml"}
    read, found = read_book(without)
    assert read is None
    assert "no file has a section `clocks`" in {problem.what for problem in found}


def test_numbers_stay_text():
    assert "08" in book().provinces
    assert "111" in book().hotlines


def test_what_was_checked_long_ago_is_to_be_checked_again():
    found = problems(book(), date(2028, 1, 1))
    assert not stops(found)
    assert Problem("hotlines 111", "it was last checked on 2026-11-22", _AGAIN, warning=True) in found


_AGAIN = "Check it again and write the new day."

# ---------------------------------------------------------------------------------------------------------- the proof


def test_every_promise_is_proved_in_good_time():
    started = process_time()
    assert prove(book()) == []
    assert process_time() - started < 2


REMOVED = {  # routing rule → the promises that its absence breaks; none: another rule sends the same people there too
    "abroad_suspected_crime": {"abroad_police", "abroad_consular"},
    "at_the_border": {"border"},
    "at_sea": {"sea"},
    "on_the_way_to_somewhere": set(),
    "danger": {"danger_police"},
    "immediate_danger_with_signs": set(),
    "retaliation": {"retaliation"},
    "child_to_111": {"child_111"},
    "child_probable": set(),
    "abuse_of_a_child": set(),
    "tip": {"tip", "not_only_informed"},
    "told_by_another": set(),
    "missing": {"missing"},
    "comes_forward": set(),
    "clear_signs_to_111": {"not_only_informed"},
    "possible_signs": set(),
    "before_leaving": set(),
    "pregnant_or_infant": set(),
    "support_needed": {"support"},
    "legal_help": set(),
    "returned": set(),
    "violence_at_home": set(),
    "labour_dispute": {"labour"},
    "exploited_without_means": set(),
    "chose_police": set(),
    "chose_social_affairs": set(),
    "chose_hotline_111": set(),
    "chose_legal_aid": set(),
    "chose_womens_union": set(),
    "nobody_is_left_without": {"somewhere"},
}


@pytest.mark.parametrize("rule", [rule.id for rule in book().routing])
def test_a_routing_rule_that_a_promise_needs_is_missed(rule):
    without = replace(book(), routing=tuple(r for r in book().routing if r.id != rule))
    assert broken_by(without) == REMOVED[rule]


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ("danger_now", {"danger_level"}),
        ("danger_within_48_hours", {"danger_level"}),
        ("child_act_and_purpose", {"child_level"}),
        ("three_elements", {"elements_level"}),
        ("much_unknown", {"unknown_level"}),
    ],
)
def test_a_level_rule_that_a_promise_needs_is_missed(rule, broken):
    without = replace(book(), levels=tuple(r for r in book().levels if r.id != rule))
    assert broken_by(without) == broken


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ("police_in_danger", {"danger_113", "retaliation_113"}),
        ("everybody", {"danger_111"}),
        ("consular_for_relatives", {"abroad_number"}),
    ],
)
def test_a_number_rule_that_a_promise_needs_is_missed(rule, broken):
    without = replace(book(), numbers=tuple(r for r in book().numbers if r.id != rule))
    assert broken_by(without) == broken


def test_the_example_is_told_in_words_with_what_to_write():
    without = replace(book(), routing=tuple(r for r in book().routing if r.id != "child_to_111"))
    (problem,) = prove(without)
    assert problem.where == "rules/routing.yaml"
    assert problem.what.startswith("A child, or somebody of unknown age with any sign, always reaches the 111 line.")
    assert "It does not hold for [kind: " in problem.what
    assert problem.remedy == (
        "Write a routing rule `to: [hotline_111]` that holds for a child or unknown age with any sign."
    )


def broken_by(changed: ReferralBook) -> set[str]:
    told = [problem.what for problem in prove(changed)]
    return {promise.id for promise in PROMISES if any(what.startswith(promise.sentence) for what in told)}


def test_every_promise_can_be_broken_by_some_test_here():
    by_rules = set().union(*REMOVED.values()) | {"danger_level", "child_level", "elements_level", "unknown_level"}
    by_numbers = {"danger_113", "danger_111", "retaliation_113", "abroad_number"}
    by_files = {"adult_consent", "consent_is_single", "tip_unnamed", "labour_calm", "own_decision"}
    assert {promise.id for promise in PROMISES} == by_rules | by_numbers | by_files


# --------------------------------------------------------------------------- the sets say what the rules say, for anyone


def someone(chance: random.Random) -> Facts:
    """A person with any answers at all; few of them as often as many."""
    share = chance.random()
    changes = {name: chance.choice(codes) for name, codes in ONE_OF.items()}
    several = {name: [code for code in codes if chance.random() < share] for name, codes in ANY_OF.items()}
    indicators = tuple(id for id in book().indicators if chance.random() < share / 4)
    unknown = chance.randrange(HIGHEST_UNKNOWN + 1)
    return structs.replace(facts_with(Facts(), {**changes, **several}), indicators=indicators, unknown=unknown)


def test_the_sets_and_the_rules_agree_about_anybody():
    chance = random.Random(20261122)  # noqa: S311 - a repeatable draw of cases
    world = World(book())
    for _ in range(400):
        facts = someone(chance)
        screening = judge(book(), facts)
        routing = route(book(), facts, screening)
        assert world.contains(world.levels[screening.level], facts), facts
        assert {to for to in ROUTES if world.contains(world.routes[to], facts)} == {r.to for r in routing.routes}, facts
        assert {n for n in book().hotlines if world.contains(world.shown[n], facts)} == set(routing.numbers), facts
        assert {r.to for r in routing.routes if world.contains(world.may_know(r.to), facts)} == {
            r.to for r in routing.routes if r.identified
        }, facts
        for element, there in (("act", screening.act), ("means", screening.means), ("purpose", screening.purpose)):
            assert world.contains(world.elements[element], facts) == there, facts


def test_sets_of_combinations_are_exact():
    """Compared with walking every combination, where there are few."""
    sets = Combinations()
    sets.one_of("colour", ("red", "green", "blue"))
    codes = [sets.yes_or_no("toys", toy) for toy in ("ball", "kite", "drum", "doll")]
    two = sets.at_least(2, codes)
    green = sets.where("colour", "green")
    both = sets.both(two, sets.without(green))
    for colour in ("red", "green", "blue"):
        for number in range(16):
            toys = frozenset(toy for bit, toy in enumerate(("ball", "kite", "drum", "doll")) if number >> bit & 1)
            inside = len(toys) >= 2 and colour != "green"
            assert sets.contains(both, {"colour": frozenset({colour}), "toys": toys}) == inside
    assert sets.both(both, sets.without(both)) == NONE
    assert sets.either([both, sets.without(both)]) == ALL
    assert sets.given(codes[0], "toys", "ball", True) == ALL
    example = sets.example(both)
    assert sets.contains(both, {name: frozenset(found) for name, found in example.items()})
