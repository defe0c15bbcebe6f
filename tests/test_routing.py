"""Where an intake goes: tables that a social worker can read, directories, and what an agency may know."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from msgspec import structs

from referral.codes import ROUTES
from referral.directory import hotlines_to_show, next_offices, offices_for
from referral.model import Facts, Routing
from referral.routing import route, seen_of
from referral.screening import judge
from referral.when import holds
from tests.referral_book import book, cases, facts_in

CASES = dict(cases("routing"))
TODAY = date(2026, 11, 22)


def decided(facts: Facts) -> Routing:
    return route(book(), facts, judge(book(), facts))


@pytest.mark.parametrize("name", CASES)
def test_the_case_goes_where_it_should(name):
    case = CASES[name]
    routing = decided(facts_in(case))
    assert {one.to for one in routing.routes} == set(case["to"])
    if "named" in case:
        assert {one.to for one in routing.routes if one.identified} == set(case["named"])
    if "numbers" in case:
        assert list(routing.numbers) == case["numbers"]
    if "articles" in case:
        assert list(routing.articles) == case["articles"]
    if "form" in case:
        assert routing.form == case["form"]


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "rules" in case])
def test_the_rules_named_in_the_case_hold(name):
    assert set(CASES[name]["rules"]) <= _holding(facts_in(CASES[name]))


def test_every_rule_holds_in_some_case():
    holding = set().union(*(_holding(facts_in(case)) for case in CASES.values()))
    assert {rule.id for rule in _rules()} - holding == set()


def _holding(facts: Facts) -> set[str]:
    seen = seen_of(facts, judge(book(), facts))
    return {rule.id for rule in _rules() if holds(rule.when, seen)}


def _rules() -> list[Any]:
    return [*book().routing, *book().grounds, *book().numbers, *book().articles, *book().forms]


def test_the_rule_of_last_resort_counts_only_where_no_other_holds():
    assert [one.rule for one in decided(Facts(kind="info")).routes] == ["nobody_is_left_without"]
    assert "nobody_is_left_without" not in {one.rule for one in decided(Facts(kind="tip")).routes}


def test_a_route_says_why_in_vietnamese_with_a_known_source_and_names_the_ground():
    facts = Facts(kind="self", danger="now", age="adult", share=frozenset())
    police = next(one for one in decided(facts).routes if one.to == "police")
    assert police.because.startswith("Có nguy hiểm")
    assert police.source in book().sources
    assert (police.identified, police.ground) == (True, "life_in_danger")


def test_consent_stands_before_any_ground():
    facts = Facts(kind="self", danger="now", age="adult", share=frozenset({"police"}))
    assert [(one.to, one.ground) for one in decided(facts).routes if one.identified] == [
        ("police", ""),
        ("hotline_111", "life_in_danger"),
    ]


@pytest.mark.parametrize("agreed", ROUTES)
def test_consent_to_one_agency_names_the_person_to_no_other(agreed):
    facts = Facts(
        kind="self",
        reporter="self_victim",
        age="adult",
        where="abroad",
        act=frozenset({"recruited"}),
        means=frozenset({"deceit"}),
        purpose=frozenset({"forced_labour"}),
        needs=frozenset({"legal"}),
    )
    named = {one.to for one in decided(structs.replace(facts, share=frozenset({agreed}))).routes if one.identified}
    assert named <= {agreed}
    assert not any(one.identified for one in decided(facts).routes)


# ---------------------------------------------------------------------------------------------------------- directory


@pytest.mark.parametrize(
    ("to", "province", "home", "offices"),
    [
        ("police", "20", "", {"police-20"}),
        ("police", "", "08", {"police-08"}),
        ("police", "01", "08", {"police-08"}),
        ("police", "01", "", {"police-national"}),
        ("police", "", "", {"police-national"}),
        ("social_affairs", "33", "", {"commune-33", "health-33"}),
        ("social_affairs", "01", "", {"hotline-111"}),
        ("legal_aid", "", "", {"hotline-111"}),
        ("border_guard", "11", "", {"border-11"}),
        ("consular", "20", "20", {"consular-national"}),
        ("no_such_route", "99", "xx", {"hotline-111"}),
    ],
)
def test_the_province_then_the_home_then_the_country_then_111(to, province, home, offices):
    assert {office.id for office in offices_for(book(), to, province, home, TODAY)} == offices


@pytest.mark.parametrize("on", [date(1990, 1, 1), TODAY, date(2090, 1, 1)])
def test_nobody_is_left_without_an_office_on_any_day(on):
    for to in ROUTES:
        for province in ("", *book().provinces):
            assert offices_for(book(), to, province, "", on)


def test_an_office_whose_time_is_over_is_passed_over():
    ended = tuple(
        replace(office, valid_to=date(2026, 11, 21)) if office.id == "police-20" else office
        for office in book().offices
    )
    old = replace(book(), offices=ended)
    assert [office.id for office in offices_for(old, "police", "20", "", TODAY)] == ["police-national"]
    assert [office.id for office in offices_for(old, "police", "20", "", date(2026, 11, 21))] == ["police-20"]


def test_a_notice_climbs_from_the_province_to_the_country_to_111():
    first = offices_for(book(), "police", "20", "", TODAY)[0]
    second = next_offices(book(), first, TODAY)[0]
    third = next_offices(book(), second, TODAY)[0]
    assert (second.id, third.id) == ("police-national", "hotline-111")
    assert next_offices(book(), third, TODAY) == ()


def test_the_four_provinces_have_every_body_and_no_invented_number():
    for province in ("20", "08", "33", "11"):
        here = [office for office in book().offices if province in office.provinces]
        assert {office.route for office in here} == {
            "police",
            "social_affairs",
            "border_guard",
            "legal_aid",
            "womens_union",
            "labour_authority",
        }
        assert all(office.phone == "" for office in here)


def test_old_names_lead_to_the_offices_of_today():
    assert "Hà Giang" in book().areas["08"].old_names
    assert "Thái Bình" in book().areas["33"].old_names
    assert "Sở LĐTBXH tỉnh Hà Giang" in next(o for o in book().offices if o.id == "health-08").old_names
    assert len(book().provinces) == 34


def test_numbers_are_written_with_who_answers_and_what_it_costs():
    lines = hotlines_to_show(book(), ("113", "1900 969 680", "0769 040404"), "vi")
    assert lines == (
        "113: Công an, khẩn cấp, 24/7",
        "1900 969 680: Ngôi nhà Bình yên, 24/7 (có thể tính phí)",
    )
    assert hotlines_to_show(book(), ("111",), "en") == (
        "111: National child protection and counter-trafficking hotline, 24/7",
    )


def test_numbers_that_were_replaced_are_nowhere_in_the_directory():
    for gone in ("1800 1567", "1800 1282", "1800 8077", "+84 4 62 844 844"):
        assert gone not in book().hotlines
