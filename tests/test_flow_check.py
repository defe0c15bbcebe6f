"""A broken flow, sentence, translation, way or number never starts: every kind of fault has its file or its removal here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import flows.check
from bot.book import ROOT, BadBook, Book, cross_check, read_book, read_flow_book
from bot.catalogues import Catalogues
from bot.languages.model import partly
from flows.book import FlowBook, build
from flows.model import FlowDef, Problem, Step
from flows.read import read_everywhere, read_flow

BROKEN = sorted((Path(__file__).parent / "broken" / "flows").glob("*.yaml"))
NUMBERS = frozenset({"111", "113"})


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_flow_is_refused_with_its_sentence(path: Path, book: Book) -> None:
    text = path.read_text("utf-8")
    expected = text.partition("\n")[0].removeprefix("# ")
    flow, found = read_flow("flows/definitions/broken.yaml", text)
    if flow is not None:
        found = flows.check.problems(_with(book.flows, flow), {}, NUMBERS | _numbers(book))
    said = [str(problem) for problem in found]
    assert any(expected in sentence for sentence in said), said
    assert all(problem.where and problem.remedy for problem in found)


def test_every_fault_that_the_check_knows_has_its_broken_file() -> None:
    """A sentence that no file provokes is a sentence that nobody has seen work."""
    provoked = " ".join(path.read_text("utf-8").partition("\n")[0] for path in BROKEN)
    for words in ("which is no step", "no last way on", "is final and", "without a question", "offers none", "forgets", "choices",
                  "smallest channel", "no choice of this step", "which no step remembers", "nobody can choose",
                  "cannot be reached", "without asking anything", "never comes to an end", "before `talk_consent`",
                  "a label of", "a text of", "filled by nobody", "shows the number"):  # fmt: skip
        assert words in provoked


def test_the_real_flows_have_nothing_wrong(book: Book) -> None:
    assert _found(book, book.flows) == []


# ------------------------------------------------------------------------------------------------- something removed


@pytest.mark.parametrize("place", ["tip.over", "danger.over", "stop.left", "screening.nothing_sent", "hello.safety"])
def test_a_removed_step_is_missed(book: Book, place: str) -> None:
    flow, _, step = place.partition(".")
    steps = {name: one for name, one in book.flows.flows[flow].steps.items() if name != step}
    said = _found(book, _with(book.flows, replace(book.flows.flows[flow], steps=steps)))
    assert any(f"`{place}`, which is no step" in sentence for sentence in said), said


@pytest.mark.parametrize("place", ["tip.clues", "danger.call", "screening.hurt", "person.asked", "hello.welcome"])
def test_a_removed_way_on_is_missed(book: Book, place: str) -> None:
    said = _found(book, _changed(book.flows, place, next=()))
    flow, _, step = place.partition(".")
    assert f"flows/definitions/{flow}.yaml {step}: has no last way on → end `next` with an item without `if`" in said


def test_a_removed_flow_is_missed(book: Book) -> None:
    for gone in book.flows.flows:
        kept = {name: flow for name, flow in book.flows.flows.items() if name != gone}
        assert _found(book, build(kept, book.flows.everywhere, book.flows.lexicon)), gone


@pytest.mark.parametrize("way", flows.check.WAYS)
def test_a_removed_way_is_missed(book: Book, way: str) -> None:
    everywhere = book.flows.everywhere
    kept = replace(everywhere, ways=tuple(one for one in everywhere.ways if one.id != way))
    assert any(
        f"the way `{way}` is missing: nobody could take it" in one for one in _found(book, _everywhere(book, kept))
    )


@pytest.mark.parametrize("go", flows.check.GOES)
def test_a_removed_go_is_missed(book: Book, go: str) -> None:
    everywhere = book.flows.everywhere
    kept = replace(everywhere, goes={name: to for name, to in everywhere.goes.items() if name != go})
    assert any(f"`{go}` leads nowhere from anywhere" in one for one in _found(book, _everywhere(book, kept)))
    astray = replace(everywhere, goes={**everywhere.goes, go: "tip.nowhere"})
    assert any(
        f"`{go}` goes to `tip.nowhere`, which is no step" in one for one in _found(book, _everywhere(book, astray))
    )


@pytest.mark.parametrize("name", sorted(flows.check.SENTENCES))
def test_a_removed_sentence_is_missed(book: Book, name: str) -> None:
    everywhere = book.flows.everywhere
    kept = replace(everywhere, sentences={one: text for one, text in everywhere.sentences.items() if one != name})
    assert any(f"the sentence `{name}` is missing" in one for one in _found(book, _everywhere(book, kept)))


def test_a_sentence_that_is_never_said_is_told(book: Book) -> None:
    everywhere = replace(book.flows.everywhere, sentences={**book.flows.everywhere.sentences, "bravo": "Rất tốt."})
    assert any("the sentence `bravo` is never said" in one for one in _found(book, _everywhere(book, everywhere)))


def test_a_language_without_a_sentence_is_told_of_each(book: Book) -> None:
    missing = {str(one).partition(" →")[0] for one in flows.check.problems(book.flows, {"lo": {}}, _numbers(book))}
    expected = {
        f"locales/lo {place}: no translation of “{text[:60]}”" for place, text in flows.check.sentences(book.flows)
    }
    assert missing == expected


@pytest.mark.parametrize(
    "place", ["danger.now", "tip.sent", "everywhere.danger", "screening.hurt.yes", "tip.when.review"]
)
def test_one_removed_translation_is_missed(book: Book, place: str) -> None:
    text = next(text for context, text in flows.check.sentences(book.flows) if context == place)
    english = {key: said for key, said in book.catalogues.texts["en"].items() if key != (place, text)}
    found = flows.check.problems(book.flows, {"en": english}, _numbers(book))
    assert [str(one) for one in found] == [f"locales/en {place}: no translation of “{text[:60]}” → translate it"]


def test_a_translation_that_loses_the_code_is_refused(book: Book) -> None:
    english = {key: said.replace("{receipt}", "") for key, said in book.catalogues.texts["en"].items()}
    found = flows.check.problems(book.flows, {"en": english}, _numbers(book))
    assert any("the placeholders differ" in one.what and one.where == "locales/en tip.sent" for one in found)


@pytest.mark.parametrize("number", ["111", "113", "115", "+84 981 848 484", "+84 965 411 118", "1900 969 680"])
def test_a_number_that_leaves_the_directory_is_missed(book: Book, number: str) -> None:
    hotlines = {name: line for name, line in book.referral.hotlines.items() if name != number}
    said = [str(one) for one in cross_check(replace(book, referral=replace(book.referral, hotlines=hotlines)))]
    digits = "".join(sign for sign in number if sign.isdigit())
    assert any(f"shows the number {digits}, which is not in" in sentence for sentence in said)


@pytest.mark.parametrize(
    ("slot", "who"),
    [
        ("papers", "child_self"),
        ("hurt", "child_self"),
        ("made_to", "child_self"),
        ("promise", "child_other"),
        ("freedom", "not_departed"),
    ],
)
def test_a_question_that_may_never_be_asked_is_found(book: Book, slot: str, who: str) -> None:
    said = _profiles(book, _changed(book.flows, f"screening.{slot}", pass_if=None))
    assert any(f"screening.yaml {slot}: is asked of {who}" in sentence for sentence in said), said


@pytest.mark.parametrize(("slot", "who"), [("hurt", "adult_self"), ("freedom", "adult_other"), ("needs", "child_self")])
def test_a_question_that_must_be_asked_is_missed(book: Book, slot: str, who: str) -> None:
    steps = book.flows.flows["screening"].steps
    step = next(one for one in steps.values() if one.remember == slot and one.id == slot)
    said = _profiles(book, _changed(book.flows, f"screening.{step.id}", remember=f"{slot}_else"))
    assert any(f"screening.yaml {slot}: is not asked of {who}" in sentence for sentence in said), said


# ------------------------------------------------------------------------------------------------------ whole folders


def test_a_bad_folder_starts_nothing_and_names_everything_at_once(tmp_path: Path) -> None:
    root = _copied(tmp_path)
    (root / "flows" / "definitions" / "tip.yaml").write_text("flow: tip\nflow: tip\n", "utf-8")
    (root / "flows" / "definitions" / "person.yaml").write_text("- a list", "utf-8")
    with pytest.raises(BadBook) as caught:
        read_book(root)
    said = str(caught.value)
    assert "flows/definitions/tip.yaml:2: key `flow` is given twice → correct the line" in said
    assert "flows/definitions/person.yaml: " in said


def test_flows_without_the_first_are_refused(tmp_path: Path) -> None:
    root = _copied(tmp_path)
    (root / "flows" / "definitions" / "hello.yaml").unlink()
    with pytest.raises(BadBook, match="the flow `hello` is missing"):
        read_book(root)


def test_flows_without_everywhere_are_refused(tmp_path: Path) -> None:
    root = _copied(tmp_path)
    (root / "flows" / "definitions" / "everywhere.yaml").unlink()
    flow_book, found = read_flow_book(root / "flows")
    assert flow_book is None
    assert "flows/definitions/everywhere.yaml: is missing" in [str(one).partition(" →")[0] for one in found]


def test_an_everywhere_with_an_unknown_key_is_refused() -> None:
    everywhere, found = read_everywhere("everywhere.yaml", "ways: {}\ngoes: {}\nsentences: {}\ncolour: red\n")
    assert everywhere is None
    assert "unknown field `colour`" in found[0].what


# -------------------------------------------------------------------------------------------------------------- parts


def _found(book: Book, flow_book: FlowBook) -> list[str]:
    allowed = partly(book.catalogues.languages.values())
    found = flows.check.problems(flow_book, book.catalogues.texts, _numbers(book), allowed)
    return [str(one) for one in found if not one.warning]


@pytest.mark.parametrize(
    ("text", "long"),
    [
        ("Gấp thì gọi 113 (công an) hoặc 111 (miễn phí, ngày đêm).", 0),
        ("Bạn viết cho chúng tôi biết lúc này bạn đang ở đâu và có ai ở cạnh bạn không?", 1),
        ("Bạn viết cho chúng tôi biết lúc này bạn ở đâu. Và có ai ở cạnh bạn không?", 0),
        ("Ở nước ngoài thì gọi số +84 981 848 484 hoặc số +84 965 411 118, có người nghe.", 0),
        ("Mã của bạn: {receipt}.", 0),
    ],
)
def test_a_sentence_of_more_than_twelve_words_is_a_warning(book: Book, text: str, long: int) -> None:
    everywhere = replace(book.flows.everywhere, sentences={**book.flows.everywhere.sentences, "expired": text})
    found = flows.check.problems(_everywhere(book, everywhere), {}, _numbers(book))
    assert sum("syllables" in one.what and one.where.endswith("expired") for one in found if one.warning) == long


def _profiles(book: Book, flow_book: FlowBook) -> list[str]:
    silent = Catalogues({})
    return [str(one) for one in cross_check(replace(book, flows=flow_book, catalogues=silent))]


def _numbers(book: Book) -> frozenset[str]:
    return frozenset("".join(sign for sign in number if sign.isdigit()) for number in book.referral.hotlines)


def _with(flow_book: FlowBook, flow: FlowDef) -> FlowBook:
    """The real flows and this one, which is reached from everywhere if it is new."""
    everywhere = flow_book.everywhere
    if flow.id not in flow_book.flows:
        everywhere = replace(everywhere, goes={**everywhere.goes, flow.id: flow.start})
    return build({**flow_book.flows, flow.id: flow}, everywhere, flow_book.lexicon)


def _changed(flow_book: FlowBook, place: str, **changes: Any) -> FlowBook:
    flow, step = flow_book.flows[place.partition(".")[0]], flow_book.step(place)
    steps: Mapping[str, Step] = {**flow.steps, step.id: replace(step, **changes)}
    return _with(flow_book, replace(flow, steps=steps))


def _everywhere(book: Book, everywhere: Any) -> FlowBook:
    return build(book.flows.flows, everywhere, book.flows.lexicon)


def _copied(folder: Path) -> Path:
    for name in _data_files():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    return folder


def _data_files() -> Iterator[Path]:
    for folder in ("flows", "referral", "locales"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".yaml", ".po", ".tsv"}:
                yield path.relative_to(ROOT)


def test_a_problem_reads_as_one_sentence() -> None:
    assert str(Problem("flows/definitions/tip.yaml place", "asks and forgets", "give `remember`")) == (
        "flows/definitions/tip.yaml place: asks and forgets → give `remember`"
    )
