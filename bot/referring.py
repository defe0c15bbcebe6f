"""An intake → the referrals it needs, the notices that announce them, the clocks that watch them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.book import Book
from bot.events import Event, fresh
from bot.names import agency_name
from flows.conditions import answered, values_of
from flows.model import Choice, Conversation, Empty
from referral.book import Clock
from referral.clocks import clock_for
from referral.directory import home_offices, offices_for
from referral.lifecycle import open_referral
from referral.model import Consent, Facts, Intake, Office, Referral, Route, RouteId, Routing, State, is_left
from referral.routing import route
from storage.base import AuditEntry, OutboxRow, Snapshot

URGENT_NOTICE, NOTICE = 0, 1
"""Priorities of officers' notices in the outbox."""
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Letters and digits that are not mistaken for each other over the telephone."""
CODE_LENGTH = 6
OF_ONESELF = frozenset({"self", "support"})
"""Kinds of intake in which people tell of themselves."""
HOTLINE = "hotline_111"
CONSENT_WORDING = "screening.consent"
A_PERSON: RouteId = "hotline_111"
"""Who answers when somebody wants a person: the line with people day and night."""
A_PERSON_ROUTE = Route(A_PERSON, False, "asked_for_a_person", "Người này muốn người trực trả lời.", "decree162_art4")
WITHHELD_ROUTE = Route(
    A_PERSON, False, "content_withheld",
    "Zalo giữ lại nội dung: có thể là trẻ em, người khuyết tật, hoặc chỉ là đường dẫn, tệp.", "zalo_bot_withheld",
)  # fmt: skip
NOBODY_NAMED_ROUTE = Route(
    A_PERSON, False, "content_withheld",
    "Có người nhắn, có thể là trẻ em; Zalo giữ lại cả nội dung lẫn địa chỉ nên không trả lời được.", "zalo_bot_withheld",
)  # fmt: skip
WITHHOLDING = frozenset({"zalo_bot"})
"""Channels that hold back what some people write (channels.md §0.1)."""
ANSWERED_BY_A_PERSON = frozenset({A_PERSON_ROUTE.rule, WITHHELD_ROUTE.rule})
"""Rules by which somebody waits for a person: their notices leave at once."""
ADDED_AFTER_CLOSING = "Người báo thêm tin sau khi hồ sơ này đã kết thúc."
OPEN: frozenset[State] = frozenset({"proposed", "sent", "delivered", "acknowledged", "accepted"})


class Referred(Struct, frozen=True):
    """What referring an intake changes: new referrals, changed ones with the state they were decided on, rows, audit."""

    new: tuple[Referral, ...] = ()
    changed: tuple[tuple[Referral, State], ...] = ()
    rows: tuple[OutboxRow, ...] = ()
    audit: tuple[AuditEntry, ...] = ()


def refer(
    book: Book, snapshot: Snapshot, event: Event, intake: Intake, do: Sequence[str], consents: Sequence[Consent] = (),
    *, said_more: bool = False,
) -> Referred:  # fmt: skip
    """The referrals that the intake needs and does not have yet; those it has learn of what changed.

    One referral an office and intake, whatever is pressed how often: an office that has one is not sent another.
    """
    have = {one.office: one for one in snapshot.referrals if one.intake == intake.id}
    if only_adds(do) and not any(_lacks_place(one, intake) for one in have.values()):
        return _tell_of_addition(book, snapshot.referrals, event)
    new, raised = _needed(book, event, intake, have, do, consents)
    touched = {one.id for one, _ in raised}
    located = [_placed(one, intake) for one in have.values() if one.id not in touched and _lacks_place(one, intake)]
    told = _to_tell(have.values(), do, said_more)
    urgent = [one for one, _ in raised if one.urgent]
    rows = [row for one in new for row in announce(book, event, one)]
    rows += [row for one in urgent for row in _again(event, one, "raised")]
    rows += [row for one in urgent if not have[one.office].urgent for row in _climb(book, event, one)]
    # Where it is, is what an urgent notice lacked most; whoever is told of more words anyway hears of both at once.
    unaware = [one for one in located if one.urgent and have[one.office] not in told]
    rows += [row for one in unaware for row in _again(event, one, "located")]
    rows += [row for one in told for row in _again(event, one, "added")]
    audit = [_entry(event, "referral.proposed", one) for one in new]
    audit += [_entry(event, "referral.raised", one) for one, _ in raised]
    audit += [_entry(event, "referral.located", one) for one in located]
    changed = (*raised, *((one, one.state) for one in located))
    return Referred(tuple(new), changed, tuple(rows), tuple(audit))


def _needed(
    book: Book,
    event: Event,
    intake: Intake,
    have: Mapping[str, Referral],
    do: Sequence[str],
    consents: Sequence[Consent],
) -> tuple[list[Referral], list[tuple[Referral, State]]]:
    """The referrals that the rules ask for: those that are new, and those that are there (`have`, by office) and change."""
    facts = intake.facts
    routing = route(book.referral, facts, intake.screening)
    agreed = {one.to for one in consents if one.given}
    ways = [_to_a_person(event)] if asks_for_a_person(intake, do) else sendable(routing, intake)
    ways = [replace(way, identified=way.identified or way.to in agreed) for way in ways]
    new: dict[str, Referral] = {}
    changed: list[tuple[Referral, State]] = []
    for way in ways:
        for office in _offices(book, event, way, facts):
            if office.id in have:
                changed += _raised(have[office.id], way, intake)
            elif office.id not in new:
                new[office.id] = _open(book, event, intake, way, office)
    return [*new.values()], changed


def _offices(book: Book, event: Event, way: Route, facts: Facts) -> tuple[Office, ...]:
    """Those of the place; beside them those of the home province where the rule names both."""
    where = (way.to, facts.province, facts.home_province, event.at.date())
    here = offices_for(book.referral, *where)
    at_home = home_offices(book.referral, *where) if way.home_too else ()
    return (*here, *(office for office in at_home if office not in here))


def _to_a_person(event: Event) -> Route:
    """Why a person is wanted: the officer must know where it may be a child, and where nobody can be answered."""
    if event.channel not in WITHHOLDING or not isinstance(event.what, Empty):
        return A_PERSON_ROUTE
    return WITHHELD_ROUTE if event.address else NOBODY_NAMED_ROUTE


def _to_tell(have: Iterable[Referral], do: Sequence[str], said_more: bool) -> list[Referral]:
    """Whose officers hear that there is more: of a person wanted, the line that answers; of more words in danger, everyone.

    A place, a telephone number or a photo that comes a minute after the alert is what they need most.
    """
    open_ones = [one for one in have if one.state in OPEN]
    if ("alert" in do or only_adds(do)) and said_more:
        return open_ones
    return [one for one in open_ones if "human" in do and one.to == A_PERSON]


def announce(book: Book, event: Event, referral: Referral) -> list[OutboxRow]:
    """The rows of a new referral: hand it to its office now, and look again when its first clock runs out."""
    ladder = clock_of(book, referral).ladder
    rows = [_notice(event, referral, f"referral/{referral.id}/notice/1", {"to": "duty"})]
    if ladder:
        rows.append(rung_row(referral, 0, ladder[0].after_s))
    return rows


def _climb(book: Book, event: Event, referral: Referral) -> list[OutboxRow]:
    """The first rung of the urgent ladder, from now, for a referral that was not urgent when it was made."""
    ladder = clock_of(book, referral).ladder
    return [rung_row(replace(referral, created_at=event.at), 0, rung.after_s) for rung in ladder[:1]]


def rung_key(referral: Referral, rung: int) -> str:
    """What a rung's timer is for: a referral that was raised climbs the urgent ladder beside the slow one it began on."""
    return f"referral/{referral.id}/{'urgent' if referral.urgent else 'ordinary'}/{rung}"


def rung_row(referral: Referral, rung: int, after_s: int) -> OutboxRow:
    """The timer of one rung of the referral's ladder, counted from when the referral was made."""
    return OutboxRow(
        key=rung_key(referral, rung), kind="wake", lane=f"w:{referral.id}",
        priority=URGENT_NOTICE if referral.urgent else NOTICE, due_at=referral.created_at + timedelta(seconds=after_s),
        body={"referral": referral.id, "rung": rung}, referral=referral.id,
    )  # fmt: skip


def clock_of(book: Book, referral: Referral) -> Clock:
    """Our own clock for this referral: the urgent or the ordinary one."""
    return clock_for(book.referral, urgent=referral.urgent)


def notice_again(event: Event, referral: Referral, to: str, key: str) -> OutboxRow:
    """Another notice of a referral already handed over, to the role named."""
    return _notice(event, referral, key, {"to": to, "again": "yes"})


# ------------------------------------------------------------------------------------------------------------ consent


def sendable(routing: Routing, intake: Intake) -> Sequence[Route]:
    """The routes that may really be taken (docs/decisions/0006-refused-consent.md).

    A report about somebody else goes wherever the rules say, without the writer's identity where they did not agree. What
    people tell of themselves goes only to agencies they agreed to or that have a legal ground; to 111 also for whoever may
    be a child. When nobody is left, 111 hears that somebody has such signs, in codes only, so that nobody is dropped in
    silence; the person is told so.
    """
    facts = intake.facts
    if intake.kind not in OF_ONESELF:
        return routing.routes
    may_be_child = facts.age != "adult"
    allowed = [one for one in routing.routes if one.identified or (may_be_child and one.to == HOTLINE)]
    return allowed or [one for one in routing.routes if one.to == HOTLINE] or routing.routes[:1]


def consent_choices(book: Book, routing: Routing, locale: str) -> tuple[Choice, ...]:
    """The agencies that a person may agree to, one choice each, by the names they know."""
    return tuple(Choice(one.to, agency_name(book, one.to, locale)) for one in unique(routing.routes))


def asks_for_a_person(intake: Intake, do: Sequence[str]) -> bool:
    """Somebody wants an answer from a person and has sent nothing yet: no agency but the line that answers may hear of it."""
    return "human" in do and not {"alert", "refer"} & set(do) and intake.facts.danger != "now"


def consents_of(book: Book, event: Event, talk: Conversation, do: Sequence[str]) -> tuple[Consent, ...]:
    """What was agreed to and what was refused in this turn, an agency each, as a record. Nothing when it was not asked.

    Who asks a person to write back, or sends a question, means it to be read by the line that answers.
    """
    if "human" in do and answered(talk.answers, "person_way"):
        return (_agreed(book, event, talk, A_PERSON, "person.offer"),)
    if "refer" not in do:
        return ()
    if talk.flow == "information":
        return (_agreed(book, event, talk, A_PERSON, "information.question"),)
    if "consent" not in talk.answers or not answered(talk.answers, "consent"):
        return ()
    agreed = set(values_of(talk.answers, "consent"))
    known = [name for name in book.referral.route_names if name in agreed]
    refused = replace(_agreed(book, event, talk, "none", CONSENT_WORDING), given=False)
    return tuple(_agreed(book, event, talk, to, CONSENT_WORDING) for to in known) or (refused,)


def _agreed(book: Book, event: Event, talk: Conversation, to: str, wording: str) -> Consent:
    """A consent under the words that the person read: the step, the flow's version, the language."""
    version = book.flows.flows[wording.partition(".")[0]].version
    return Consent(to, True, f"{wording}/{version}/{talk.locale}", event.at, talk.channel)


def unique(routes: Sequence[Route]) -> list[Route]:
    """Routes without repeats, the first of each agency kept."""
    return list({one.to: one for one in reversed(routes)}.values())[::-1]


# -------------------------------------------------------------------------------------------------------------- parts


def only_adds(do: Sequence[str]) -> bool:
    """True when this turn adds to a report and asks for nothing else: whoever has it is told, nobody new."""
    return "append" in do and not {"alert", "refer", "human"} & set(do)


def _tell_of_addition(book: Book, referrals: Sequence[Referral], event: Event) -> Referred:
    """Whoever holds the matter is told that there is more; where all have ended it, those who closed it get it anew.

    What everybody gave back comes anew to who gave it back last.
    """
    open_ones = [one for one in referrals if one.state in OPEN]
    if not open_ones:
        ended = [one for one in referrals if one.state == "closed"]
        return _reopened(book, ended or [one for one in referrals if is_left(one)], event)
    rows = [row for one in open_ones for row in _again(event, one, "added")]
    return Referred(rows=tuple(rows), audit=tuple(_entry(event, "referral.added_to", one) for one in open_ones))


def _reopened(book: Book, closed: Iterable[Referral], event: Event) -> Referred:
    latest = {one.office: one for one in closed}
    new = tuple(_anew(book, event, one) for one in latest.values())
    rows = tuple(row for one in new for row in announce(book, event, one))
    return Referred(new=new, rows=rows, audit=tuple(_entry(event, "referral.proposed", one) for one in new))


def _anew(book: Book, event: Event, closed: Referral) -> Referral:
    """Another referral of the same matter to the office that ended it: the first one stays as it was ended."""
    number = fresh(event, f"referral/{closed.office}/anew")
    due = event.at + timedelta(seconds=clock_of(book, closed).seconds)
    return replace(
        closed, id=number, code=short_code(number), rule="added_after_closing", because=ADDED_AFTER_CLOSING, state="proposed",
        created_at=event.at, due_at=due, sent_at=None, delivered_at=None, acknowledged_at=None, accepted_at=None,
        closed_at=None, officer="", reason="", outcome="",
    )  # fmt: skip


def _open(book: Book, event: Event, intake: Intake, way: Route, office: Office) -> Referral:
    number = fresh(event, f"referral/{office.id}")
    return open_referral(
        way, office, book.referral, id=number, intake=intake.id, code=short_code(number), level=intake.level,
        urgent=intake.level == "L4", province=intake.province, at=event.at,
    )  # fmt: skip


def short_code(number: str) -> str:
    """What an id is called over the telephone: six letters and digits that are not mistaken for each other."""
    value, letters = int(number, 16), ""
    for _ in range(CODE_LENGTH):
        value, at = divmod(value, len(CODE_LETTERS))
        letters += CODE_LETTERS[at]
    return letters


def _raised(referral: Referral, way: Route, intake: Intake) -> list[tuple[Referral, State]]:
    """The referral when the intake has become more urgent or the agency may now know who it is about; never the other way."""
    urgent = referral.urgent or intake.level == "L4"
    identified = referral.identified or way.identified
    if (urgent, identified) == (referral.urgent, referral.identified) or referral.state not in OPEN:
        return []
    level, ground = max(referral.level, intake.level), way.ground or referral.ground
    raised = replace(referral, urgent=urgent, identified=identified, level=level, ground=ground)
    return [(_placed(raised, intake), referral.state)]


def _lacks_place(referral: Referral, intake: Intake) -> bool:
    """Whether it became known, or was corrected, where it is, since this open referral was made. Never forgotten again."""
    return referral.state in OPEN and intake.province not in ("", referral.province)


def _placed(referral: Referral, intake: Intake) -> Referral:
    return replace(referral, province=intake.province or referral.province)


def _again(event: Event, referral: Referral, why: str) -> list[OutboxRow]:
    key = f"referral/{referral.id}/{why}/{fresh(event, why)}"
    return [notice_again(event, referral, "duty", key)]


def _notice(event: Event, referral: Referral, key: str, body: dict[str, Any]) -> OutboxRow:
    return OutboxRow(
        key=key, kind="notify_agency", lane=f"r:{referral.id}", priority=URGENT_NOTICE if referral.urgent else NOTICE,
        due_at=event.at, body={"referral": referral.id, **body}, referral=referral.id,
    )  # fmt: skip


def _entry(event: Event, action: str, referral: Referral) -> AuditEntry:
    detail = {"intake": referral.intake, "to": referral.to, "rule": referral.rule, "ground": referral.ground}
    return AuditEntry("service", action, referral.id, event.at, {key: value for key, value in detail.items() if value})
