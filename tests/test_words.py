"""What citizens read: kind, short, without labels or blame, with known numbers only, complete in every offered language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from flows.extract import BrokenFlow, extract
from flows.model import Everywhere, FlowDef
from flows.read import read_everywhere, read_flow

ROOT = Path(__file__).parent.parent
DEFINITIONS = ROOT / "flows" / "definitions"
LOCALES = ROOT / "locales"

LABEL_MAX = 40
TEXT_MAX = 600
SENTENCE_MAX = 20
CARD_SENTENCES_MAX = 4

SHOWN = {"111", "113", "114", "115", "84981848484", "84965411118", "1900969680"}
"""The rows of procedure-vn.md §2.4 marked SHOW, digits only (114 is nobody's here)."""

NEVER = {
    "a label": r"đối tượng|nạn nhân|victim|prostitut|mại dâm|gái\b|bị bán",
    "blame": r"tại sao|vì sao|sao bạn (lại|không)|lẽ ra|why did|why didn|should have|your own fault",
    "an exclamation mark": r"!",
    "praise": r"giỏi|dũng cảm|tuyệt vời|làm tốt|well done|brave|great job|good job",
    "a legal article": r"\bĐ\.\s?\d|Điều \d|khoản \d|nghị định|\barticle \d|\bdecree\b",
    "a promise": r"chắc chắn sẽ|cam đoan|bảo đảm|giải cứu|we will rescue|guarantee|we promise",
    "advice to run, pay or confront": r"bỏ trốn|chạy trốn|hãy chạy|trả tiền cho họ|chuyển tiền cho|run away|escape\b|pay them",
    "crimes of the person": r"phạm tội|bất hợp pháp|nhập cảnh trái phép|illegal",
    "an emoji": "[\U0001f000-\U0001faff☀-➿️]",
    "markup": r"<\w|\*\*|</|https?:",
}
FRIGHTENING = (
    r"nguy hiểm|công an|mua bán|bị đánh|bị ép|đe dọa|trả thù|trẻ em|tự thương lượng|danger|police|threat|revenge"
)
"""Words that somebody who reads over the shoulder must not see (screening.md §6, quiet mode)."""


def flows() -> Iterator[FlowDef]:
    for path in sorted(DEFINITIONS.glob("*.yaml")):
        if path.name != "everywhere.yaml":
            flow, problems = read_flow(path.name, path.read_text("utf-8"))
            assert flow is not None, problems
            yield flow


def everywhere() -> Everywhere:
    found, problems = read_everywhere("everywhere.yaml", (DEFINITIONS / "everywhere.yaml").read_text("utf-8"))
    assert found is not None, problems
    return found


def sentences() -> list[tuple[str, str]]:
    """(context, Vietnamese) of everything a citizen can be shown."""
    found = []
    for path in sorted(DEFINITIONS.glob("*.yaml")):
        with path.open("rb") as file:
            found += [message for _, _, message, _ in extract(file, (), (), {})]
    return found


def catalogue(locale: str) -> dict[tuple[str, str], str]:
    with (LOCALES / locale / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return {(entry.context or "", str(entry.id)): str(entry.string) for entry in read_po(file) if entry.id}


def spoken() -> list[tuple[str, str]]:
    """(where, text) in Vietnamese and in English."""
    english = catalogue("en")
    return [(f"vi {context}", text) for context, text in sentences()] + [
        (f"en {context}", english.get((context, text), "")) for context, text in sentences()
    ]


def is_label(where: str) -> bool:
    context = where.split(" ", 1)[1]
    ways = {way.id for way in everywhere().ways}
    return context.count(".") > 1 or (context.startswith("everywhere.") and context.split(".")[1] in ways)


def numbers_in(text: str) -> set[str]:
    """Runs of digits that a thumb could dial: three digits and more, read together over spaces."""
    runs = re.findall(r"\+?\d[\d ]*\d", text)
    return {digits for run in runs if len(digits := re.sub(r"\D", "", run)) >= 3}


@pytest.mark.parametrize("what", NEVER)
def test_nobody_is_ever_shown(what: str) -> None:
    assert [(where, text) for where, text in spoken() if re.search(NEVER[what], text, re.IGNORECASE)] == []


def test_every_forbidden_thing_would_be_noticed() -> None:
    samples = {
        "a label": "Bạn là nạn nhân",
        "blame": "Tại sao bạn đi",
        "an exclamation mark": "Gọi ngay!",
        "praise": "Bạn thật dũng cảm",
        "a legal article": "Theo Điều 27",
        "a promise": "Chúng tôi cam đoan",
        "advice to run, pay or confront": "Bạn hãy chạy",
        "crimes of the person": "Bạn đã phạm tội",
        "an emoji": "Chào bạn \U0001f642",
        "markup": "<b>Chào</b>",
    }
    assert {what for what, text in samples.items() if re.search(NEVER[what], text, re.IGNORECASE)} == set(NEVER)


def test_only_numbers_that_may_be_shown_are_shown() -> None:
    assert [(where, numbers_in(text) - SHOWN) for where, text in spoken() if numbers_in(text) - SHOWN] == []


def test_a_translation_shows_the_same_numbers() -> None:
    english = catalogue("en")
    assert [c for c, text in sentences() if numbers_in(text) != numbers_in(english.get((c, text), ""))] == []


def test_the_first_words_of_danger_are_the_numbers_to_call() -> None:
    (now,) = [flow.steps["now"] for flow in flows() if flow.id == "danger"]
    assert now.do == ("alert",)
    assert numbers_in(now.say[0]) == {"113", "111"}
    assert "84981848484" in numbers_in(now.say[1])
    assert {"113", "111"} <= numbers_in(now.quiet_say[0])


def test_the_first_words_of_all_say_who_speaks_and_show_the_numbers() -> None:
    (welcome,) = [flow.steps[flow.start.split(".")[1]] for flow in flows() if flow.id == "hello"]
    first = " ".join(welcome.say)
    assert all(
        said in first for said in ("tự động", "không phải công an", "chưa phải là trình báo", "không cần nói tên")
    )
    assert {"111", "113"} <= numbers_in(first)
    assert len(re.findall(r"[.?](?:\s|$)", welcome.say[0])) == 2


def test_buttons_and_messages_are_short() -> None:
    long = [(where, len(text)) for where, text in spoken() if len(text) > (LABEL_MAX if is_label(where) else TEXT_MAX)]
    assert long == []


def test_no_sentence_is_too_long_to_be_read_in_fear() -> None:
    vietnamese = [(context, part) for context, text in sentences() for part in re.split(r"(?<=[.?;:])\s+", text)]
    assert [(context, part) for context, part in vietnamese if len(part.split()) > SENTENCE_MAX] == []


def test_a_message_is_at_most_four_sentences_and_one_question() -> None:
    for context, text in sentences():
        assert len(re.findall(r"[.?](?:\s|$)", text)) <= CARD_SENTENCES_MAX, context
        assert text.count("?") <= (2 if context == "language.choose" else 1), context  # one in each language


def test_quiet_words_say_nothing_to_somebody_who_reads_along() -> None:
    english = catalogue("en")
    quiet = [
        (f"{flow.id}.{step.id}", text) for flow in flows() for step in flow.steps.values() for text in step.quiet_say
    ]
    quiet += [(f"everywhere.quiet.{name}", text) for name, text in everywhere().quiet_labels.items()]
    assert len(quiet) > 40
    for context, text in quiet:
        assert not re.search(FRIGHTENING, text, re.IGNORECASE), context
        assert not re.search(FRIGHTENING, english[context, text], re.IGNORECASE), context


def test_every_way_out_of_a_step_has_a_neutral_label_for_danger() -> None:
    assert {"danger", "stop", "person"} <= set(everywhere().quiet_labels)


def test_english_is_complete_with_the_same_placeholders() -> None:
    english = catalogue("en")
    assert [context for context, text in sentences() if not english.get((context, text))] == []
    for context, text in sentences():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", english[context, text])), context


@pytest.mark.parametrize("locale", ["vi", "en", "zh", "lo", "km"])
def test_no_entry_is_left_over_or_unsure(locale: str) -> None:
    with (LOCALES / locale / "LC_MESSAGES" / "messages.po").open("rb") as file:
        entries = read_po(file)
    assert [entry.context for entry in entries if entry.id and entry.fuzzy] == []
    flow_entries = {(e.context, str(e.id)) for e in entries if e.id and e.context and "." in e.context}
    assert flow_entries == set(sentences())


def test_the_template_holds_every_sentence_once() -> None:
    with (LOCALES / "messages.pot").open("rb") as file:
        template = {(entry.context, str(entry.id)) for entry in read_po(file) if entry.id}
    assert set(sentences()) <= template


def test_a_sentence_reaches_translators_with_its_step_and_use(tmp_path: Path) -> None:
    path = tmp_path / "tea.yaml"
    path.write_text(
        'flow: tea\nversion: "1"\nstart: ask\nsteps:\n  ask:\n    say: Bạn uống trà không?\n    quiet_say: Trà nhé?\n'
        "    choices: {yes: Có}\n    remember: tea\n    review: Trà\n    next: over\n  over: {say: Xong., end: yes}\n",
        "utf-8",
    )
    with path.open("rb") as file:
        found = list(extract(file, (), (), {}))
    assert found == [
        (5, "pgettext", ("tea.ask", "Bạn uống trà không?"), ["tea.ask: asks for one choice"]),
        (
            5,
            "pgettext",
            ("tea.ask", "Trà nhé?"),
            ["tea.ask: asks for one choice; neutral words, someone may be watching"],
        ),
        (5, "pgettext", ("tea.ask.yes", "Có"), ["tea.ask: button `yes`, at most 40 characters"]),
        (5, "pgettext", ("tea.ask.review", "Trà"), ["tea.ask: short name of the answer in the review list"]),
        (12, "pgettext", ("tea.over", "Xong."), ["tea.over: only says"]),
    ]


def test_a_broken_flow_file_stops_the_extraction(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("flow: broken\nflow: twice\n", "utf-8")
    with path.open("rb") as file, pytest.raises(BrokenFlow, match="given twice"):
        list(extract(file, (), (), {}))
