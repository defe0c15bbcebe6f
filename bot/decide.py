"""Decide what follows from an event. The one place where flow and referral meet. Touches nothing.

`decide(snapshot, event, book)` is pure: same inputs, same answer; time and ids come with the event. What it returns is one
`Commit`: the shell stores it whole or not at all, and only then anything leaves.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from bot import candidates, clues, story
from bot.book import Book
from bot.channels.base import Message
from bot.events import ClockDue, Event, OfficerDid, WindowCloses, fresh
from bot.intake import (
    added_to,
    facts_from,
    is_danger,
    kind_of,
    level_of,
    may_have_come_to_danger,
    new_intake,
    updated,
)
from bot.letters import letters_read, read_here
from bot.names import hotline_lines
from bot.officer import decide_clock, decide_join, decide_officer, is_officer_press, officer_said
from bot.referring import Referred, consent_choices, consents_of, refer
from bot.rights import Done, exercise
from bot.rights import told as told_of_right
from bot.say import TYPED, doubted, grouped, render, summary
from bot.sealing import Words, sealing_of
from bot.status import sent_to, status_lines
from bot.window import decide_window, opens
from flows.engine import Given, turn
from flows.files import FILES, why_not_kept
from flows.model import Choice, Chose, Conversation, Empty, Gone, Line, Media, Sent, StaffWrote, Turned, Woke
from referral.model import Consent, Intake, Referral
from referral.routing import route
from referral.screening import judge
from storage.base import Address, AuditEntry, Commit, OutboxRow, Sealing, Snapshot

DANGER_FIRST, NUMBERS_SOON, REPLY, LATER = 0, 1, 2, 3
"""Priorities of outbox rows to citizens (officers' notices: `bot/referring.py`)."""
LOST_TOLD = timedelta(hours=24)
LOST_WHILE_WATCHED = timedelta(minutes=2)
"""So long after a file was sent its sender is told that it never came."""
KEPT_HERE = frozenset({"web"})
BUTTONLESS = frozenset({"zalo_bot", "zalo_oa"})
"""Channels on which nothing can be pressed, or not every answer (channels.md §0.3, §1.2): nothing is said of buttons there."""
GUESSES_FORGOTTEN_AFTER = timedelta(hours=1)
"""Five wrong codes an hour (flows/engine.py) against 53 bits: nobody finds a stranger's report by trying."""
CAMPAIGN = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}", re.ASCII)
"""What is counted as the code of a campaign. A link can carry anything: what looks like a number is perhaps somebody's."""
SUBMITS = frozenset({"alert", "refer", "human", "append"})


def decide(snapshot: Snapshot, event: Event, book: Book) -> Commit:
    """What to store and what must happen outside because of this event. Raises only on a fault in our own code or data."""
    what = event.what
    if isinstance(what, OfficerDid):
        return decide_officer(snapshot, event, what, book)
    if isinstance(what, ClockDue):
        return decide_clock(snapshot, event, what, book)
    if isinstance(what, Gone):
        return _gone(snapshot, event)
    if isinstance(what, WindowCloses):
        return decide_window(snapshot, event, what, book)
    if snapshot.invite is not None and event.at < snapshot.invite.expires_at:
        return decide_join(snapshot.invite, event)
    if snapshot.officer is not None:
        return _from_officers_phone(snapshot, event, book)
    return decide_citizen(snapshot, event, book)


def _gone(snapshot: Snapshot, event: Event) -> Commit:
    """Somebody known, citizen or officer, has shut us out there: nothing is tried in vain until they write again."""
    talk, officer = snapshot.conversation, snapshot.officer
    if talk is None and officer is None:
        return Commit(at=event.at, channel=event.channel, external_id=event.external_id)
    subject = officer.id if officer else talk.id if talk else ""
    return Commit(
        at=event.at, channel=event.channel, external_id=event.external_id, blocked=True,
        address=Address(event.channel, event.address),
        audit=(AuditEntry("service", "address.gone", subject, event.at, {"channel": event.channel}),),
    )  # fmt: skip


def _from_officers_phone(snapshot: Snapshot, event: Event, book: Book) -> Commit:
    officer, what = snapshot.officer, event.what
    if isinstance(what, StaffWrote):
        return Commit(at=event.at, channel=event.channel, external_id=event.external_id)
    assert officer is not None  # noqa: S101 - the caller looked
    press = is_officer_press(what) if isinstance(what, Chose) else None
    if press is not None:
        return decide_officer(snapshot, event, OfficerDid(officer, *press), book)
    return officer_said(officer, event)


# ---------------------------------------------------------------------------------------------------------- citizens


def decide_citizen(snapshot: Snapshot, event: Event, book: Book) -> Commit:
    """One citizen's turn: the flow moves, an intake may come of it, referrals may come of that, and something is said."""
    before = _rested(snapshot.conversation, event) if snapshot.conversation else _newcomer(event, book)
    given = Given(
        level_of=lambda talk: level_of(book, talk),
        offers=lambda name, talk: _offers(book, event, name, talk),
        translate=book.catalogues.translate,
        receipt_found=snapshot.receipt is not None, codes_closed=event.codes_closed, locales=book.catalogues.locales,
        typed=event.channel in BUTTONLESS, done_at=event.done_at,
        places=lambda slot, talk: candidates.offered(book, slot, talk),
        told=lambda talk: story.told(book, talk, event.at),
    )  # fmt: skip
    assert not isinstance(event.what, OfficerDid | ClockDue | WindowCloses)  # noqa: S101 - decide() sorted them out
    turned = _with_staff(event, turn(book.flows, before, event.what, given))
    draft = turned.draft or turned.conversation
    turned = _with_numbers(book, before, turned, draft)
    sentence = book.flows.everywhere.sentences["translated"]
    turned = replace(turned, prompt=doubted(turned.prompt, before, draft, book.catalogues, sentence))
    words = Words(book, before, draft)
    intake, is_new = _intake(snapshot, event, book, before, turned, draft, words)
    found = snapshot.receipt.intake if snapshot.receipt and "lookup" in turned.do else ""
    talk = _kept(turned.conversation, before, event, intake, found, bool(turned.conversation.flow))
    consents = consents_of(book, event, draft, turned.do) if intake else ()
    refers = intake is not None and (draft.alerted or bool(SUBMITS & set(turned.do)))
    more = intake is not None and words.are_more_for(intake)
    referred = Referred()
    if intake and refers:
        known = snapshot.intake is not None and snapshot.intake.id == intake.id
        referred = refer(book, snapshot, event, intake, turned.do, consents, said_more=more and known)
    sealing = _sealing(book, snapshot, event, words, intake, referred, consents) if intake else None
    told = [one for one in (*snapshot.referrals, *referred.new) if intake is None or one.intake == intake.id]
    right = exercise(book, snapshot, event, draft, turned.do)
    message = _message(book, snapshot, event, turned, draft, intake, told, right)
    audit = _audit(event, before, intake, is_new, turned)
    return Commit(
        at=event.at, channel=event.channel, external_id=event.external_id, message_id=event.message_id,
        address=Address(event.channel, event.address) if event.address else None,
        heard=opens(event.channel, event.what), left=snapshot.way_gone,
        conversation=talk, expects=before.version, intake=intake, new_intake=is_new,
        consents=(*consents, *right.consents), referrals=referred.new, moved=(*referred.changed, *right.moved),
        outbox=(*referred.rows, *right.rows, *_rows(event, before, draft, turned, message), *fetches(book, event, before)),
        cancel=(*_unfetched(draft, intake, turned), *read_here(snapshot, turned)),
        audit=(*audit, *referred.audit, *right.audit, *letters_read(snapshot, event, turned)),
        request=right.request, sealing=sealing,
        erase_report=_erasure(snapshot, right),
        erase="erase" in turned.do or (bool(before.flow) and not turned.conversation.flow),
    )  # fmt: skip


def _unfetched(draft: Conversation, intake: Intake | None, turned: Turned) -> tuple[str, ...]:
    """Files of a draft that is erased and left nothing are not brought in any more."""
    return () if draft.intake or intake or "erase" not in turned.do else tuple(map(_fetch_key, draft.media))


def _with_staff(event: Event, turned: Turned) -> Turned:
    """Where the platform does not say whom to answer, nobody hears of the numbers, so the staff hear of it (channels.md §0.1)."""
    if event.address or isinstance(event.what, Woke) or "human" in turned.do:
        return turned
    return replace(turned, do=(*turned.do, "human"))


def _erasure(snapshot: Snapshot, right: Done) -> tuple[str, str]:
    """(report, certificate) where a person has their whole report erased."""
    if not right.erased or snapshot.intake is None or right.request is None:
        return "", ""
    return snapshot.intake.id, right.request.id


def _sealing(
    book: Book, snapshot: Snapshot, event: Event, words: Words, intake: Intake, referred: Referred,
    consents: Sequence[Consent],
) -> Sealing:  # fmt: skip
    """The draft's words, whole, whenever its intake is written; and to whom: its referrals as they will be after this turn."""
    now = {one.id: one for one in snapshot.referrals if one.intake == intake.id}
    now |= {one.id: one for one in (*referred.new, *(moved for moved, _ in referred.changed))}
    return sealing_of(book, event, words, intake, now.values(), consents)


def _with_numbers(book: Book, before: Conversation, turned: Turned, draft: Conversation) -> Turned:
    """Answers that have just come to mean immediate danger are followed by both numbers, wherever they were given."""
    if turned.prompt is None or draft.alerted or draft.answers == before.answers:
        return turned
    if not may_have_come_to_danger(book, before, draft) or not is_danger(book, draft) or is_danger(book, before):
        return turned
    if any("113" in line.text and "111" in line.text for line in turned.prompt.lines):
        return turned
    name = "numbers_now_quiet" if draft.quiet else "numbers_now"
    line = Line(book.flows.everywhere.sentences[name], f"everywhere.{name}")
    return replace(turned, prompt=replace(turned.prompt, lines=(line, *turned.prompt.lines)))


def _newcomer(event: Event, book: Book) -> Conversation:
    language = event.language.partition("-")[0]
    locale = language if language in book.catalogues.locales else "vi"
    return Conversation(id=fresh(event, "conversation"), channel=event.channel, locale=locale, started_at=event.at)


def _rested(talk: Conversation, event: Event) -> Conversation:
    """After a pause wrong codes are forgotten: somebody who mistyped theirs is not shut out for ever."""
    has_waited = talk.last_at is not None and event.at - talk.last_at >= GUESSES_FORGOTTEN_AFTER
    return replace(talk, guesses=0) if has_waited else talk


def _kept(
    talk: Conversation, before: Conversation, event: Event, intake: Intake | None, found: str, goes_on: bool
) -> Conversation:
    """The conversation as it is stored: one version on; while it goes on it knows the intake it left or `found` by receipt."""
    # Whoever looks up a report goes on about that one; in danger the chat stays with the danger.
    known = (talk.intake or found) if talk.alerted else (found or talk.intake)
    left = (intake.id if intake else known) if goes_on else ""
    code = ((intake.receipt if intake else "") or talk.receipt) if goes_on else ""
    is_said = not isinstance(event.what, Woke)
    return replace(
        talk, version=before.version + 1, intake=left, receipt=code, last_at=event.at if is_said else talk.last_at,
        led_at=talk.led_at if talk.prompt == before.prompt else event.done_at,
    )  # fmt: skip


def _intake(
    snapshot: Snapshot,
    event: Event,
    book: Book,
    before: Conversation,
    turned: Turned,
    draft: Conversation,
    words: Words,
) -> tuple[Intake | None, bool]:
    """The intake that this turn leaves or adds to, and whether it is new. Nothing said after an alert is lost."""
    existing = snapshot.intake if draft.intake else None
    came_back = "code" in draft.answers and not draft.alerted
    # A cry for help from somebody who only looked up an old report is a matter of its own: the old one stays as it was.
    is_other_matter = "alert" in turned.do and "code" in draft.answers and not before.alerted
    if existing is not None and not is_other_matter:
        kind = kind_of(book, draft, existing.kind)
        if kind == existing.kind and _told(draft) == _told(before) and not SUBMITS & set(turned.do):
            return None, False
        again = added_to(existing, draft, event.at) if came_back else updated(book, existing, draft, event.at, kind)
        is_same = replace(again, updated_at=existing.updated_at) == existing and not words.are_more_for(existing)
        return (None if is_same and not SUBMITS & set(turned.do) else again), False
    if SUBMITS & set(turned.do):
        return new_intake(book, event, draft), True
    return None, False


def _told(talk: Conversation) -> tuple[object, ...]:
    """What an intake is made from: where it is as it was, so is the intake."""
    return talk.answers, talk.notes, talk.media, talk.alerted, talk.heard


def _offers(book: Book, event: Event, name: str, talk: Conversation) -> tuple[Choice, ...]:
    """The choices that depend on the case: the agencies one may agree to, in the person's words."""
    if name == "languages":
        # Their own names, not to be translated: who has ended up in a language they cannot read finds theirs.
        return tuple(Choice(one, name) for one, name in book.catalogues.named)
    if name == "clues":
        return clues.choices(book, talk)
    if name != "consent":
        return ()
    kind = kind_of(book, talk, "")
    facts = facts_from(book, replace(talk, answers={**talk.answers, "consent": ("all",)}), kind)
    routing = route(book.referral, facts, judge(book.referral, facts))
    return consent_choices(book, routing, talk.locale)


# ------------------------------------------------------------------------------------------------------------ saying


def _message(
    book: Book,
    snapshot: Snapshot,
    event: Event,
    turned: Turned,
    draft: Conversation,
    intake: Intake | None,
    told: Iterable[Referral],
    right: Done,
) -> Message | None:
    if turned.prompt is None:
        return None
    text = " ".join(line.text for line in turned.prompt.lines)
    values = _values(book, snapshot, draft, intake, told, text, event.at)
    if "right" in turned.do:
        values["rights"] = told_of_right(book, right, draft.locale)
    by_hand = book.flows.everywhere.sentences if event.channel in TYPED else None
    message = render(turned.prompt, draft.locale, book.catalogues, values, by_hand)
    return replace(message, press=event.press, chosen=_chosen_label(event, snapshot))


def _values(
    book: Book,
    snapshot: Snapshot,
    draft: Conversation,
    intake: Intake | None,
    told: Iterable[Referral],
    text: str,
    at: datetime,
) -> dict[str, str]:
    """Only what the lines ask for is worked out."""
    values: dict[str, str] = {}
    if "{receipt}" in text:
        values["receipt"] = grouped((intake.receipt if intake else "") or draft.receipt)
    if "{summary}" in text:
        values["summary"] = summary(book.flows, draft, book.catalogues, {clues.OUT: clues.line(book, draft)})
    if "{heard}" in text:
        values["heard"] = summary(book.flows, story.shown(draft, story.told(book, draft, at)), book.catalogues)
    if "{place}" in text:
        step = book.flows.flows[draft.flow].steps[draft.step]
        values["place"] = candidates.shown(book, step, draft)
    if "{status}" in text:
        values["status"] = status_lines(book, snapshot.receipt, draft.locale)
    if "{sent_to}" in text:
        values["sent_to"] = sent_to(book, told, draft.locale)
    if "{numbers}" in text:
        facts = facts_from(book, draft, kind_of(book, draft, intake.kind if intake else ""))
        routing = route(book.referral, facts, judge(book.referral, facts))
        values["numbers"] = "\n".join(hotline_lines(book, routing.numbers, draft.locale))
    return values


def _chosen_label(event: Event, snapshot: Snapshot) -> str:
    """The id pressed, for channels that mark the old keyboard with what was chosen."""
    return event.what.ids[0] if isinstance(event.what, Chose) and event.press and event.what.ids else ""


def _rows(
    event: Event, before: Conversation, draft: Conversation, turned: Turned, message: Message | None
) -> list[OutboxRow]:
    lane, to = f"c:{before.id}", {"conversation": before.id, "sender": before.channel}
    first = _class_of(event, before, draft)
    rows = []
    if "clear" in turned.do:
        body: dict[str, Any] = {"conversation": before.id}
        rows.append(OutboxRow(fresh(event, "clear"), "clear", lane, first, event.at, body, **to))
    if message is not None:
        body = msgspec.to_builtins(message)
        rows.append(OutboxRow(fresh(event, "say"), "say", lane, first, event.at, body, **to))
    elif event.press:
        body = msgspec.to_builtins(Message(texts=(), press=event.press))
        rows.append(OutboxRow(fresh(event, "say"), "say", lane, REPLY, event.at, body, **to))
    return rows


def _class_of(event: Event, before: Conversation, draft: Conversation) -> int:
    """Whoever is in danger is answered before all others. Who has just come sees 113 and 111 before others' questions, and so
    does whoever may be a child whose words were held back."""
    if draft.alerted:
        return DANGER_FIRST
    return REPLY if before.flow and not isinstance(event.what, Empty) else NUMBERS_SOON


def fetches(book: Book, event: Event, talk: Conversation) -> list[OutboxRow]:
    """A file that lies on the platform's servers is brought in at once; one that came over the web is here already.

    `lost` is what the person is told where it never comes, and until when: whoever is watched is told nothing later on.
    """
    if not isinstance(event.what, Sent) or event.channel in KEPT_HERE or event.what.media.kind not in FILES:
        return []
    media = event.what.media
    if why_not_kept(media, talk.media):
        return []
    sorry = book.catalogues.translate(talk.locale, "everywhere.file_lost", book.flows.everywhere.sentences["file_lost"])
    until = event.at + (LOST_WHILE_WATCHED if talk.quiet else LOST_TOLD)
    body = {
        "channel": event.channel, "ref": media.ref, "kind": media.kind, "sent_at": event.at.isoformat(),
        "lost": msgspec.to_builtins(Message((sorry,), quiet=talk.quiet)), "tell_until": until.isoformat(),
    }  # fmt: skip
    return [OutboxRow(_fetch_key(media), "fetch", f"f:{talk.id}", LATER, event.at, body, conversation=talk.id)]


def _fetch_key(media: Media) -> str:
    return f"fetch/{hashlib.blake2b(media.ref.encode(), digest_size=10).hexdigest()}"


def _audit(event: Event, before: Conversation, intake: Intake | None, is_new: bool, turned: Turned) -> list[AuditEntry]:
    entries = []
    if intake is not None:
        action = "intake.received" if is_new else "intake.added"
        detail = {"kind": intake.kind, "level": intake.level, "channel": intake.channel}
        if is_new and CAMPAIGN.fullmatch(before.campaign):
            detail["campaign"] = before.campaign
        entries.append(AuditEntry("service", action, intake.id, event.at, detail))
    if "erase" in turned.do:
        why = "stopped" if not isinstance(event.what, Woke) else "abandoned"
        entries.append(AuditEntry("service", "draft.erased", before.id, event.at, {"why": why}))
    return entries
