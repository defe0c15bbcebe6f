"""The closed list of what an export may show: for each name, how it is read from an intake, and what it means.

Nothing else can be exported. No source here reads a person's own words, an answer as it was typed, a pseudonym that leads
back to a chat, a receipt or an officer; and a stored code that is on no list is shown as "mã lạ" instead of itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from referral.book import ReferralBook
from referral.clocks import VIET_NAM
from referral.model import Intake, Referral
from referral.words import (
    CHANNELS,
    CLUES,
    FACTS,
    HELPERS,
    LANGUAGES,
    NO,
    PLACE_FROM,
    STATES,
    STRANGE,
    UNKNOWN,
    YES,
)

BETWEEN: Final = "; "
NOT_YET: Final = "–"
"""Stands in a list, so that the third state still belongs to the third agency."""

Cell = str | int
Shape = Literal["id", "word", "words", "time", "count"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One intake with its referrals, oldest first: what a row is read from."""

    intake: Intake
    referrals: tuple[Referral, ...]
    book: ReferralBook


@dataclass(frozen=True, slots=True)
class Coded:
    """One thing that may be exported: what it looks like, how it is read, what it means, which words it may hold."""

    shape: Shape
    read: Callable[[Entry], Cell]
    meaning: str
    words: Mapping[str, str] = field(default_factory=dict)


def local(at: datetime | None) -> str:
    """A moment as offices in Viet Nam write it, `23/11/2026 14:05`; empty where there is none."""
    return "" if at is None else at.astimezone(VIET_NAM).strftime("%d/%m/%Y %H:%M")


def standing(entry: Entry) -> list[Referral]:
    """The referrals that somebody must act on or has acted on: all but the withdrawn."""
    return [one for one in entry.referrals if one.state != "withdrawn"]


# -------------------------------------------------------------------------------------------------------------- cells


def _word(code: str, words: Mapping[str, str]) -> str:
    return words.get(code, STRANGE) if code else ""


def _words(codes: Iterable[str], words: Mapping[str, str]) -> str:
    """The known ones in the order of the list, so that the same set is always the same cell; strangers once, last."""
    given = set(codes)
    named = [word for code, word in words.items() if code in given]
    return BETWEEN.join([*named, *([STRANGE] if given - set(words) else [])])


def _listed(cells: Sequence[str]) -> str:
    """One item a referral, in the order of the agencies; empty where no referral has any."""
    return BETWEEN.join(cell or NOT_YET for cell in cells) if any(cells) else ""


def _country(code: str) -> str:
    return code if not code or re.fullmatch("[A-Z]{2}", code) else STRANGE


def _code(code: str) -> str:
    return code if re.fullmatch(r"[0-9A-Z][0-9A-Z-]{2,15}", code) else STRANGE


def _vi(names: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    return {code: name[0] for code, name in names.items()}


def _minutes(start: datetime, ends: Sequence[datetime | None]) -> Cell:
    """Whole minutes until the last of these moments; empty while one of them is still to come."""
    known = [end for end in ends if end is not None]
    if not known or len(known) < len(ends):
        return ""
    return int((max(known) - start).total_seconds()) // 60


def _first_minutes(start: datetime, ends: Sequence[datetime | None]) -> Cell:
    known = [end for end in ends if end is not None]
    return int((min(known) - start).total_seconds()) // 60 if known else ""


# ------------------------------------------------------------------------------------------------------ kinds of source


def _one_fact(name: str, meaning: str) -> Coded:
    words = FACTS[name]
    return Coded("word", lambda entry: _word(getattr(entry.intake.facts, name), words), meaning, words)


def _many_facts(name: str, meaning: str) -> Coded:
    words = FACTS[name]
    return Coded("words", lambda entry: _words(getattr(entry.intake.facts, name), words), meaning, words)


def _flag(read: Callable[[Intake], bool], meaning: str, otherwise: str = NO) -> Coded:
    words = {"true": YES, "false": otherwise}
    return Coded("word", lambda entry: words["true" if read(entry.intake) else "false"], meaning, words)


def _place(read: Callable[[Intake], str], meaning: str) -> Coded:
    return Coded("word", lambda entry: _word(read(entry.intake), entry.book.provinces), meaning)


def _time(read: Callable[[Intake], datetime | None], meaning: str) -> Coded:
    return Coded("time", lambda entry: local(read(entry.intake)), meaning)


def _referral_times(name: str, meaning: str) -> Coded:
    return Coded("words", lambda entry: _listed([local(getattr(one, name)) for one in entry.referrals]), meaning)


def _each(read: Callable[[Entry, Referral], str], meaning: str, words: Mapping[str, str] | None = None) -> Coded:
    return Coded("words", lambda entry: _listed([read(entry, one) for one in entry.referrals]), meaning, words or {})


def _times_of(entry: Entry, name: str) -> list[datetime | None]:
    return [getattr(one, name) for one in standing(entry)]


def _until_all(name: str, meaning: str) -> Coded:
    return Coded("count", lambda entry: _minutes(entry.intake.created_at, _times_of(entry, name)), meaning)


def _agreed(entry: Entry) -> str:
    share = entry.intake.facts.share
    if share is None:
        return "không hỏi"
    if not share:
        return "không đồng ý nơi nào"
    return _words(share, {"all": "mọi nơi", **_vi(entry.book.route_names)})


def _answers(entry: Entry, name: str) -> tuple[str, ...]:
    answer = entry.intake.answers.get(name, ())
    return (answer,) if isinstance(answer, str) else answer


def _answer(entry: Entry, name: str) -> str:
    return next(iter(_answers(entry, name)), "")


# --------------------------------------------------------------------------------------------------------- the list

_LEVELS = {level: level for level in ("L0", "L1", "L2", "L3", "L4")}
_EACH = "theo thứ tự nơi nhận"

ALLOWED: Mapping[str, Coded] = {
    "intake.id": Coded("id", lambda entry: entry.intake.id, "Mã ngẫu nhiên của tin, không dẫn tới người nhắn."),
    "intake.kind": Coded(
        "word", lambda entry: _word(entry.intake.kind, FACTS["kind"]), "Loại tin theo câu trả lời.", FACTS["kind"]
    ),
    "intake.level": Coded(
        "word", lambda entry: _word(entry.intake.level, _LEVELS), "Mức dấu hiệu do hệ thống tính, L0 đến L4."
    ),
    "intake.urgent": _flag(lambda intake: intake.urgent, "Tin khẩn: báo ngay cho trực ban."),
    "intake.channel": Coded("word", lambda entry: _word(entry.intake.channel, CHANNELS), "Kênh mà tin đến.", CHANNELS),
    "intake.locale": Coded(
        "word", lambda entry: _word(entry.intake.locale, LANGUAGES), "Ngôn ngữ trò chuyện.", LANGUAGES
    ),
    "intake.province": _place(lambda intake: intake.province, "Tỉnh, thành phố nơi sự việc xảy ra."),
    "intake.created_at": _time(lambda intake: intake.created_at, "Lúc tin được lưu."),
    "intake.updated_at": _time(lambda intake: intake.updated_at, "Lúc tin được bổ sung lần cuối."),
    "intake.classified_at": _time(lambda intake: intake.classified_at, "Lúc cán bộ phân loại."),
    "intake.form": Coded(
        "word",
        lambda entry: _word(entry.intake.form, _of_rules(entry, FACTS["purpose"])),
        "Hình thức bóc lột gợi ý để cán bộ xem xét.",
        FACTS["purpose"],
    ),
    "intake.articles": Coded(
        "words",
        lambda entry: _words(entry.intake.articles, {rule.suggest: rule.suggest for rule in entry.book.articles}),
        "Điều của Bộ luật Hình sự gợi ý để cán bộ xem xét.",
    ),
    "intake.place_from": Coded(
        "word", lambda entry: _word(_answer(entry, "place_from"), PLACE_FROM), "Nơi được biết từ đâu.", PLACE_FROM
    ),
    "intake.clue_kinds": Coded(
        "words",
        lambda entry: _words(_answers(entry, "clue_kinds"), CLUES),
        "Trong lời kể có những gì tra được; không có chính các số đó.",
        CLUES,
    ),
    "screening.act": _flag(lambda intake: intake.screening.act, "Có dấu hiệu về hành vi.", UNKNOWN),
    "screening.means": _flag(lambda intake: intake.screening.means, "Có dấu hiệu về thủ đoạn.", UNKNOWN),
    "screening.purpose": _flag(lambda intake: intake.screening.purpose, "Có dấu hiệu về mục đích.", UNKNOWN),
    "facts.kind": _one_fact("kind", "Loại tin theo câu trả lời."),
    "facts.reporter": _one_fact("reporter", "Người nhắn là ai so với sự việc."),
    "facts.danger": _one_fact("danger", "Mức nguy hiểm theo câu trả lời."),
    "facts.age": _one_fact("age", "Nhóm tuổi của người trong cuộc."),
    "facts.where": _one_fact("where", "Nơi của người trong cuộc."),
    "facts.stage": _one_fact("stage", "Người trong cuộc đang ở giai đoạn nào."),
    "facts.act": _many_facts("act", "Hành vi theo câu trả lời."),
    "facts.means": _many_facts("means", "Thủ đoạn theo câu trả lời."),
    "facts.purpose": _many_facts("purpose", "Mục đích theo câu trả lời."),
    "facts.signs": _many_facts("signs", "Dấu hiệu của việc khác."),
    "facts.needs": _many_facts("needs", "Hỗ trợ mà người đó cần."),
    "facts.share": Coded("words", _agreed, "Nơi mà người đó đồng ý cho biết mình là ai."),
    "facts.country": Coded("word", lambda entry: _country(entry.intake.facts.country), "Mã nước (ISO 3166-1)."),
    "facts.home_province": _place(lambda intake: intake.facts.home_province, "Tỉnh, thành phố quê nhà."),
    "facts.retaliation": _flag(lambda intake: intake.facts.retaliation, "Lo bị trả thù.", UNKNOWN),
    "facts.held_now": _flag(lambda intake: intake.facts.held_now, "Người nhắn đang bị giữ.", UNKNOWN),
    "facts.helper": Coded(
        "word", lambda entry: _word(entry.intake.facts.helper, HELPERS), "Ai điền cùng người trong cuộc.", HELPERS
    ),
    "facts.unknown": Coded(
        "count", lambda entry: entry.intake.facts.unknown, "Số câu sàng lọc mà người đó không rõ hoặc bỏ qua."
    ),
    "facts.indicators": Coded(
        "words",
        lambda entry: _words(entry.intake.facts.indicators, {code: code for code in entry.book.indicators}),
        "Mã chỉ báo ILO đã thấy.",
    ),
    "referrals.code": _each(lambda _, one: _code(one.code), f"Mã chuyển tin, dùng khi gọi điện; {_EACH}."),
    "referrals.to": _each(
        lambda entry, one: _word(one.to, _vi(entry.book.route_names)),
        "Nơi nhận; nhiều nơi cách nhau bằng dấu chấm phẩy.",
    ),
    "referrals.office": _each(
        lambda entry, one: _word(one.office, {each.id: each.name for each in entry.book.offices}), "Cơ quan nhận."
    ),
    "referrals.state": _each(lambda _, one: _word(one.state, STATES), f"Trạng thái, {_EACH}.", STATES),
    "referrals.level": _each(lambda _, one: _word(one.level, _LEVELS), f"Mức khi chuyển, {_EACH}."),
    "referrals.urgent": _each(lambda _, one: YES if one.urgent else NO, f"Chuyển khẩn, {_EACH}."),
    "referrals.identified": _each(
        lambda _, one: YES if one.identified else NO, f"Nơi nhận được biết người đó là ai, {_EACH}."
    ),
    "referrals.outcome": _each(
        lambda entry, one: _word(one.outcome, _vi(entry.book.outcomes)), f"Kết quả cán bộ chọn, {_EACH}."
    ),
    "referrals.reason": _each(
        lambda entry, one: _word(one.reason, _vi(entry.book.return_reasons)), f"Lý do trả lại hoặc chuyển, {_EACH}."
    ),
    "referrals.created_at": _referral_times("created_at", f"Lúc lập, {_EACH}."),
    "referrals.due_at": _referral_times("due_at", f"Hạn xác nhận, {_EACH}."),
    "referrals.sent_at": _referral_times("sent_at", f"Lúc giao cho nơi nhận, {_EACH}."),
    "referrals.delivered_at": _referral_times(
        "delivered_at", f"Lúc máy của cán bộ nhận thông báo, hoặc cán bộ của nơi nhận mở xem hay nhận lần đầu, {_EACH}."
    ),
    "referrals.acknowledged_at": _referral_times("acknowledged_at", f"Lúc cán bộ nhận, {_EACH}."),
    "referrals.accepted_at": _referral_times("accepted_at", f"Lúc cán bộ thụ lý, {_EACH}."),
    "referrals.closed_at": _referral_times("closed_at", f"Lúc kết thúc, {_EACH}."),
    "clock.delivered_minutes": _until_all(
        "delivered_at", "Số phút từ lúc tiếp nhận đến khi tin đã đến mọi nơi; trống khi còn nơi chưa đến."
    ),
    "clock.acknowledged_minutes": _until_all(
        "acknowledged_at", "Số phút từ lúc tiếp nhận đến khi mọi nơi đã nhận; trống khi còn nơi chưa nhận."
    ),
    "clock.first_acknowledged_minutes": Coded(
        "count",
        lambda entry: _first_minutes(entry.intake.created_at, _times_of(entry, "acknowledged_at")),
        "Số phút từ lúc tiếp nhận đến khi nơi đầu tiên nhận.",
    ),
    "clock.classified_minutes": Coded(
        "count",
        lambda entry: _minutes(entry.intake.created_at, [entry.intake.classified_at]),
        "Số phút từ lúc tiếp nhận đến khi phân loại.",
    ),
    "count.referrals": Coded("count", lambda entry: len(standing(entry)), "Số nơi nhận, không kể nơi đã rút."),
    "count.waiting": Coded(
        "count", lambda entry: _times_of(entry, "acknowledged_at").count(None), "Số nơi nhận chưa xác nhận."
    ),
}
"""`value` of a column → what it shows. A column whose value is not here does not load."""


def _of_rules(entry: Entry, words: Mapping[str, str]) -> dict[str, str]:
    """The forms that a rule can suggest, in words."""
    return {rule.suggest: words.get(rule.suggest, STRANGE) for rule in entry.book.forms}
