"""Everything the service knows from data files, read and cross-checked once at start. Nothing starts on a bad book."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import flows.check
import referral.check
from bot.audio.model import Sounds
from bot.catalogues import BESIDE, SOURCE_LOCALE, Catalogues, read_catalogue
from bot.languages.model import Language, PhraseSet, partly, unchecked, unsigned
from bot.languages.read import NAME as LANGUAGES
from bot.languages.read import read_languages, read_phrases
from bot.pictures.model import Pictures
from bot.pictures.read import CHOICES, DRAWINGS, picture_problems, read_pictures
from flows.book import FlowBook, build, free_text_slots
from flows.hear.read import read_lexicon, read_told
from flows.model import Everywhere, FlowDef, Problem
from flows.read import read_everywhere, read_flow
from referral.book import Profile, ReferralBook
from referral.places.table import BadTable, Table, read_table
from referral.read import read_book as read_referral

FIRST_QUESTION = "safety"
"""Asked of everybody in `hello`, before any profile is known."""
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Book:
    """Flows, referral rules and sentences together: what `decide` looks things up in. Equal to no other."""

    flows: FlowBook
    referral: ReferralBook
    catalogues: Catalogues
    free_text: frozenset[str]
    places: Table
    sounds: Sounds = field(default_factory=Sounds)
    pictures: Pictures = field(default_factory=Pictures)


class BadBook(Exception):
    """The data files contradict themselves; holds every problem found."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def read_book(root: Path = ROOT, on: date | None = None) -> tuple[Book, list[Problem]]:
    """The book and its warnings; with the day `on` also about what was checked too long ago.

    Raises BadBook with all errors at once: nothing may start on it.
    """
    flow_book, flow_problems = read_flow_book(root / "flows")
    referral_book, referral_problems = read_referral(_texts(root / "referral"))
    languages, language_problems = read_languages((root / LANGUAGES).read_text("utf-8"))
    problems = flow_problems + [_as_problem(problem) for problem in referral_problems] + language_problems
    if flow_book is None or referral_book is None:
        raise BadBook([problem for problem in problems + _referral_problems(referral_book) if not problem.warning])
    places, wrong = read_places(root / "referral" / "places")
    if places is None:
        raise BadBook(wrong)
    phrases, wrong = read_phrase_sets(root / "locales" / "phrases")
    problems += wrong
    catalogues = read_catalogues(root / "locales", languages, phrases)
    pictures, wrong = read_pictures(*((ROOT / name).read_text("utf-8") for name in (DRAWINGS, CHOICES)))
    problems += wrong
    book = Book(flow_book, referral_book, catalogues, free_text_slots(flow_book), places, pictures=pictures)
    problems += cross_check(book, on)
    errors = [problem for problem in problems if not problem.warning]
    if errors:
        raise BadBook(errors)
    return book, [problem for problem in problems if problem.warning]


def read_places(folder: Path) -> tuple[Table | None, list[Problem]]:
    """The table of the country's units, or what is wrong with it."""
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("units.tsv", "spoken.tsv")]
    try:
        return read_table(*texts), []
    except BadTable as wrong:
        remedy = "make the table anew with referral/places/make.py"
        return None, [Problem("referral/places", str(wrong), remedy)]


def cross_check(book: Book, on: date | None = None) -> list[Problem]:
    """What no single file can answer: flows against languages, numbers and screening profiles; referral against itself."""
    numbers = {re.sub(r"\D", "", number) for number in book.referral.hotlines}
    languages = book.catalogues.languages
    found = flows.check.problems(book.flows, book.catalogues.texts, numbers, partly(languages.values()))
    found += _language_problems(book)
    found += unchecked(languages.values())
    found += unsigned(book.catalogues.phrases, set(flows.check.sentences(book.flows)))
    found += _referral_problems(book.referral)
    found += _profile_problems(book)
    found += picture_problems(book.pictures, book.flows)
    return found


def _referral_problems(book: ReferralBook | None) -> list[Problem]:
    return [_as_problem(problem) for problem in referral.check.problems(book)] if book else []


def read_flow_book(folder: Path) -> tuple[FlowBook | None, list[Problem]]:
    """All flows, the ways of everywhere and the word lists, or every problem in them."""
    definitions: dict[str, FlowDef] = {}
    everywhere: Everywhere | None = None
    problems: list[Problem] = []
    for name, text in sorted(_texts(folder / "definitions").items()):
        where = f"flows/definitions/{name}"
        if name == "everywhere.yaml":
            everywhere, wrong = read_everywhere(where, text)
        else:
            flow, wrong = read_flow(where, text)
            if flow is not None:
                definitions[flow.id] = flow
        problems += wrong
    if everywhere is None and not problems:
        remedy = "write the ways and sentences that work everywhere"
        problems.append(Problem("flows/definitions/everywhere.yaml", "is missing", remedy))
    lexicon, wrong = read_lexicon(_texts(folder / "hear" / "lexicon", "*.yaml", "*.tsv"))
    problems += wrong
    told, wrong = read_told(_texts(folder / "hear" / "told"), lexicon.spellings if lexicon else {})
    problems += wrong
    if everywhere is None or lexicon is None or told is None or any(not problem.warning for problem in problems):
        return None, problems
    return build(definitions, everywhere, lexicon, told), problems


def _language_problems(book: Book) -> Iterator[Problem]:
    """A language has its file and stands in the list; a complete one names every agency and telephone line."""
    catalogues = book.catalogues
    for locale in sorted(catalogues.texts.keys() ^ catalogues.languages.keys() - {SOURCE_LOCALE}):
        remedy = f"a language needs an entry there and locales/{locale}/LC_MESSAGES/messages.po"
        yield Problem(f"{LANGUAGES} {locale}", "stands in only one of the list and the folders", remedy)
    for one in catalogues.languages.values():
        if one.extent == "complete" and one.id != BESIDE:
            yield from _names_missing(book.referral, one)


def _names_missing(book: ReferralBook, language: Language) -> Iterator[Problem]:
    needed = [
        ("agencies", set(book.route_names), set(language.agencies)),
        ("hotlines", set(book.hotlines), set(language.hotlines)),
    ]
    for kind, wanted, given in needed:
        for name in sorted(wanted ^ given):
            what = "has no name" if name in wanted else "is not known"
            yield Problem(f"{LANGUAGES} {language.id} {kind}", f"`{name}` {what}", "name those of referral/directory")


def read_phrase_sets(folder: Path) -> tuple[list[PhraseSet], list[Problem]]:
    """The phrases of small peoples' languages, and every problem in their files."""
    read = [read_phrases(f"locales/phrases/{name}", text) for name, text in _texts(folder).items()]
    return [found for found, _ in read if found], [problem for _, wrong in read for problem in wrong]


def read_catalogues(folder: Path, languages: Mapping[str, Language], phrases: Sequence[PhraseSet] = ()) -> Catalogues:
    """Every language that has a catalogue, but the source language; of the phrases only what is signed."""
    found = sorted(folder.glob("*/LC_MESSAGES/messages.po"))
    texts = {path.parts[-3]: read_catalogue(path.read_bytes()) for path in found}
    texts = {locale: catalogue for locale, catalogue in texts.items() if locale != SOURCE_LOCALE}
    texts |= {one.id: one.signed for one in phrases}
    return Catalogues(texts, {**languages, **{one.id: one.as_language() for one in phrases}}, phrases=tuple(phrases))


def _texts(folder: Path, *kinds: str) -> Mapping[str, str]:
    """Of every file of these kinds (YAML) its name within the folder and its text."""
    paths = sorted(path for kind in kinds or ("*.yaml",) for path in folder.rglob(kind))
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in paths}


def _as_problem(problem: object) -> Problem:
    """A problem of referral in the words of flows: the two packages do not know each other."""
    if isinstance(problem, Problem):
        return problem
    where, what = getattr(problem, "where", "referral"), getattr(problem, "what", str(problem))
    return Problem(where, what, getattr(problem, "remedy", ""), getattr(problem, "warning", False))


def _profile_problems(book: Book) -> list[Problem]:
    """Whoever fits a screening profile is asked what it names and never what it forbids, whatever else they answer."""
    profiles = [profile for instrument in book.referral.instruments for profile in instrument.profiles]
    return [problem for profile in profiles for fits in profile.fits for problem in _misfits(book, profile, fits)]


def _misfits(book: Book, profile: Profile, fits: Mapping[str, str]) -> Iterator[Problem]:
    where = "flows/definitions/screening.yaml"
    asked = flows.check.asked(book.flows, book.flows.flows["screening"].start, fits)
    for slot in sorted(asked & set(profile.never)):
        yield Problem(f"{where} {slot}", f"is asked of {profile.id}", "pass it over for them")
    for slot in sorted(set(profile.asks) - asked - {FIRST_QUESTION}):
        yield Problem(f"{where} {slot}", f"is not asked of {profile.id}", "ask it of them")
