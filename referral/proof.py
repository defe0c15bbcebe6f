"""What must be true for every combination of coded answers, each as one sentence, and the proof of all of them.

Each promise names the set of combinations that would break it. World builds these sets exactly (see combinations.py for
the method: decision diagrams, in which a set of more than 2^150 combinations is one small number), so an empty set is a
proof, and from one that is not empty an example is taken and told in words, with what to write into which file.
The promises read the facts, not the words of rules/words.yaml: a word that was changed by mistake is noticed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from referral.book import ReferralBook
from referral.codes import ANY_OF, ROUTES, says
from referral.combinations import NONE, Set
from referral.model import Problem
from referral.world import World

CONSULAR = "+84 981 848 484"


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise: what is promised, the combinations that would break it, and what is missing if there is one."""

    id: str
    sentence: str
    broken: Callable[[World], Set]
    file: str
    missing: str


def prove(book: ReferralBook) -> list[Problem]:
    """Every promise that some combination of answers breaks, with one such combination. Empty: all are proved."""
    world = World(book)
    return [problem for promise in PROMISES for problem in _broken(world, promise)]


def _broken(world: World, promise: Promise) -> Iterator[Problem]:
    broken = promise.broken(world)
    if broken != NONE:
        what = f"{promise.sentence} It does not hold for {in_words(world, broken)}"
        yield Problem(f"rules/{promise.file}.yaml", what, promise.missing)


def in_words(world: World, one: Set) -> str:
    """One combination of this set: the facts that were answered, without those that nobody needed to."""
    found = world.all.example(one)
    told = [
        f"{says(name)}: {', '.join(says(code) for code in codes)}"
        for name, codes in found.items()
        if codes not in (("unknown",), ("0",)) and (name, codes) not in _SILENT
    ]
    return f"[{'; '.join(told)}]"


_SILENT = {("retaliation", ("no",)), ("held_now", ("no",))}

# ----------------------------------------------------------------------------------------------------------- premises


def _in_danger(world: World) -> Set:
    return world.one("danger", "now", "imminent")


def _trafficking_sign(world: World) -> Set:
    facts = [world.some(name) for name in ("act", "means", "purpose")]
    return world.all.either([*facts, world.any_indicator()])


def _child(world: World) -> Set:
    sign = world.all.either([_trafficking_sign(world), world.some("signs"), _missing(world)])
    unsure = world.all.both(world.one("age", "unknown"), sign)
    return world.all.either([world.one("age", "under_16", "16_17"), unsure])


def _missing(world: World) -> Set:
    return world.all.either([world.one("kind", "missing"), world.some("signs", ("missing",))])


def _only_labour_dispute(world: World) -> Set:
    others = tuple(sign for sign in ANY_OF["signs"] if sign != "labour_dispute")
    something_else = [
        _trafficking_sign(world),
        _missing(world),
        _in_danger(world),
        world.some("signs", others),
        world.one("retaliation", "yes"),
        world.one("held_now", "yes"),
    ]
    return world.all.both(world.some("signs", ("labour_dispute",)), world.all.without(world.all.either(something_else)))


def _support_needed(world: World) -> Set:
    return world.all.either([world.some("needs"), world.one("kind", "support")])


def _adult_outside_danger(world: World) -> Set:
    return world.all.both(world.one("age", "adult"), world.all.without(_in_danger(world)))


def _decides_alone(world: World) -> Set:
    """An adult who writes of themselves, with nothing that makes it another's duty to tell the police."""
    reasons = [
        _missing(world),
        world.one("where", "abroad"),
        world.one("retaliation", "yes"),
        world.levels["L4"],
        world.consented("police"),
    ]
    return world.all.both(
        _adult_outside_danger(world),
        world.one("kind", "self", "support"),
        world.all.without(world.all.either(reasons)),
    )


# -------------------------------------------------------------------------------------------------- forms of a promise

Premise = Callable[[World], Set]


def _reaches(id: str, sentence: str, premise: Premise, whom: str, *routes: str) -> Promise:
    def broken(world: World) -> Set:
        reached = world.all.either(world.routes[route] for route in routes)
        return world.all.both(premise(world), world.all.without(reached))

    named = " or ".join(routes)
    return Promise(id, sentence, broken, "routing", f"Write a routing rule `to: [{named}]` that holds for {whom}.")


def _shows(id: str, sentence: str, premise: Premise, whom: str, number: str) -> Promise:
    def broken(world: World) -> Set:
        return world.all.both(premise(world), world.all.without(world.shown.get(number, NONE)))

    return Promise(id, sentence, broken, "numbers", f"Write a number rule `show: ['{number}']` that holds for {whom}.")


def _is_level(id: str, sentence: str, premise: Premise, whom: str, level: str) -> Promise:
    def broken(world: World) -> Set:
        return world.all.both(premise(world), world.all.without(world.at_least(level)))

    return Promise(id, sentence, broken, "levels", f"Write a level rule for {level} that holds for {whom}.")


def _never(id: str, sentence: str, broken: Premise, file: str, remedy: str) -> Promise:
    return Promise(id, sentence, broken, file, remedy)


# ------------------------------------------------------------------------------------------------ what must never happen


def _nowhere(world: World) -> Set:
    return world.all.without(world.all.either(world.routes.values()))


def _labour_as_emergency(world: World) -> Set:
    emergency = [world.routes["emergency_113"], world.shown.get("113", NONE), world.levels["L4"]]
    return world.all.both(_only_labour_dispute(world), world.all.either(emergency))


def _named_without_consent(premise: Premise) -> Premise:
    def broken(world: World) -> Set:
        named = (
            world.all.both(world.routes[to], world.may_know(to), world.all.without(world.consented(to)))
            for to in ROUTES
        )
        return world.all.both(premise(world), world.all.either(named))

    return broken


def _consent_spills(world: World) -> Set:
    """Where the consent to one agency changes whether another may know."""
    return world.all.either(
        _differs(world, world.may_know(to), other) for to in ROUTES for other in ROUTES if other != to
    )


def _differs(world: World, one: Set, other: str) -> Set:
    agreed = world.all.given(one, "share", other, True)
    not_agreed = world.all.given(one, "share", other, False)
    only = world.all.both(agreed, world.all.without(not_agreed))
    return world.all.either([only, world.all.both(not_agreed, world.all.without(agreed))])


def _only_informed(world: World) -> Set:
    acts = world.all.either(world.sent_on[to] for to in ("police", "social_affairs", "hotline_111"))
    return world.all.both(world.at_least("L3"), world.all.without(acts))


def _told_to_police(world: World) -> Set:
    return world.all.both(_decides_alone(world), world.routes["police"])


PROMISES: tuple[Promise, ...] = (
    _never(
        "somewhere",
        "Everybody's intake goes to at least one agency.",
        _nowhere,
        "routing",
        "Write an `otherwise` rule `when: always`, `to: [hotline_111]`.",
    ),
    _reaches(
        "danger_police", "Danger now or within 48 hours always alerts the police.", _in_danger, "danger", "police"
    ),
    _shows("danger_113", "Danger now or within 48 hours always shows 113.", _in_danger, "danger", "113"),
    _shows("danger_111", "Danger now or within 48 hours always shows 111.", _in_danger, "danger", "111"),
    _is_level("danger_level", "Danger now or within 48 hours is always L4.", _in_danger, "danger", "L4"),
    _reaches(
        "child_111",
        "A child, or somebody of unknown age with any sign, always reaches the 111 line.",
        _child,
        "a child or unknown age with any sign",
        "hotline_111",
    ),
    _is_level(
        "child_level",
        "A child, or somebody of unknown age, with an act and a purpose is at least L3, without any means.",
        lambda world: world.all.both(
            world.all.without(world.one("age", "adult")), world.elements["act"], world.elements["purpose"]
        ),
        "a child with act and purpose",
        "L3",
    ),
    _is_level(
        "elements_level",
        "Act, means and purpose together are at least L3.",
        lambda world: world.all.both(*world.elements.values()),
        "all three elements",
        "L3",
    ),
    _is_level(
        "unknown_level",
        "Three or more unknown answers are at least L2: unknown is never no.",
        lambda world: world.one("unknown", *(str(n) for n in range(3, 10))),
        "three unknown answers",
        "L2",
    ),
    _reaches(
        "abroad_police",
        "Somebody abroad always reaches the police.",
        lambda world: world.one("where", "abroad"),
        "`where: abroad`",
        "police",
    ),
    _reaches(
        "abroad_consular",
        "Somebody abroad always reaches consular protection.",
        lambda world: world.one("where", "abroad"),
        "`where: abroad`",
        "consular",
    ),
    _shows(
        "abroad_number",
        "Somebody abroad always sees the consular number.",
        lambda world: world.one("where", "abroad"),
        "`where: abroad`",
        CONSULAR,
    ),
    _reaches(
        "border",
        "The border always reaches the border guard.",
        lambda world: world.one("where", "border"),
        "`where: border`",
        "border_guard",
    ),
    _reaches(
        "sea",
        "The sea always reaches the coast guard or the border guard.",
        lambda world: world.one("where", "sea"),
        "`where: sea`",
        "coast_guard",
        "border_guard",
    ),
    _reaches(
        "support", "Who needs support always reaches social affairs.", _support_needed, "any need", "social_affairs"
    ),
    _reaches(
        "labour",
        "A labour dispute without signs always goes to the labour authority.",
        _only_labour_dispute,
        "a labour dispute",
        "labour_authority",
    ),
    _never(
        "labour_calm",
        "A labour dispute without signs never becomes an emergency (113 or L4).",
        _labour_as_emergency,
        "routing",
        "Narrow the rule that sends it to emergency_113, shows 113 or makes it L4.",
    ),
    _reaches(
        "retaliation",
        "Retaliation always reaches the police.",
        lambda world: world.one("retaliation", "yes"),
        "`retaliation: yes`",
        "police",
    ),
    _shows(
        "retaliation_113",
        "Retaliation always shows 113.",
        lambda world: world.one("retaliation", "yes"),
        "`retaliation: yes`",
        "113",
    ),
    _reaches("missing", "A missing person always reaches the police.", _missing, "a missing person", "police"),
    _reaches(
        "tip",
        "A tip always reaches the police, unless it is only a labour dispute.",
        lambda world: world.all.both(world.one("kind", "tip"), world.all.without(_only_labour_dispute(world))),
        "`kind: tip`",
        "police",
    ),
    _never(
        "not_only_informed",
        "L3 and L4 never end with information only: the police, social affairs or the 111 line act on them.",
        _only_informed,
        "routing",
        "Write a routing rule for `level: [L3, L4]` to hotline_111, police or social_affairs.",
    ),
    _never(
        "adult_consent",
        "An adult outside danger is never named to an agency that they did not agree to.",
        _named_without_consent(_adult_outside_danger),
        "grounds",
        "Narrow the ground that holds for an adult outside danger.",
    ),
    _never(
        "tip_unnamed",
        "Somebody who gives a tip is never named to an agency that they did not agree to.",
        _named_without_consent(lambda world: world.one("kind", "tip")),
        "grounds",
        "Add `{not: {fact: kind, is: tip}}` to the ground.",
    ),
    _never(
        "consent_is_single",
        "Consent to one agency never changes whether another may know who the person is.",
        _consent_spills,
        "grounds",
        "Remove the consent (`fact: share`) from the ground: consent is not a ground.",
    ),
    _never(
        "own_decision",
        "An adult who writes about themselves, outside danger, is not reported to the police unless they agree.",
        _told_to_police,
        "routing",
        "Narrow the rule that sends it to the police, or ask for consent (`fact: share`) in it.",
    ),
)
