"""The officers' pages in two languages and two lights: every sentence has its English, the switches stay and lead nowhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.web import english, words
from bot.web.countries import COUNTRIES
from bot.web.english import ENGLISH
from referral.words import LANGUAGES
from tests.test_console import Desk, a_cry, add_officer, desk, site  # noqa: F401 - fixtures
from tests.world import World

WEB = Path(words.__file__).parent
TEMPLATES = sorted((WEB / "templates" / "console").glob("*.html"))
PLACES = re.compile(r"\{(\w+)\}")


def said() -> set[str]:
    """Every sentence that a template or a page's code says in the officer's language."""
    found: set[str] = set()
    for path in TEMPLATES:
        text = path.read_text()
        found |= set(re.findall(r't\("([^"]+)"', text)) | set(re.findall(r"t\('([^']+)'", text))
    for path in WEB.rglob("*.py"):
        found |= set(re.findall(r'say\(\s*"([^"]+)"', path.read_text()))
    tables: tuple[Mapping[str, str], ...] = (
        words.LEVELS,
        words.KINDS,
        words.STATES,
        words.ROLES,
        LANGUAGES,
        words.DIMENSIONS,
        words.MEDIA,
    )
    tables += (words.ACTIONS, COUNTRIES, words.PLACES, {word: word for _, word in words.URGENCY.values()})
    about_files = {*words.ORIGINAL_REASONS.values(), *words.NOT_SHOWN.values(), words.NO_REASON}
    return (
        about_files
        | found
        | {word for table in tables for word in table.values()}
        | {words.NO_PROVINCE, words.NO_PHONE}
    )


def test_every_sentence_of_the_officers_has_its_english():
    assert sorted(said() - set(ENGLISH)) == []
    assert len(said()) > 150


def test_the_places_in_a_sentence_are_the_same_in_both():
    assert [one for one, other in ENGLISH.items() if sorted(PLACES.findall(one)) != sorted(PLACES.findall(other))] == []


def test_no_sentence_has_two_englishes():
    parts = [value for name, value in vars(english).items() if name.isupper() and name != "ENGLISH"]
    for sentence, told in ENGLISH.items():
        assert {part[sentence] for part in parts if sentence in part} == {told}


async def test_the_language_and_the_light_stay(world: World, desk: Desk):  # noqa: F811
    referral = (await a_cry(world))["hotline-111"]
    await add_officer(world, "lan", "hotline-111")
    await desk.sign_in("lan")
    path = f"/officers/r/{referral.id}"
    answer = await desk.get(f"/officers/look?tieng=en&ve={path}")
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    await desk.get("/officers/look?nen=dark")
    page = (await desk.get(path)).text
    assert '<html lang="en" data-theme="dark">' in page
    assert "I take it" in page
    assert "Danger now or within 48 hours" in page
    assert "urgent not taken by anybody" in (await desk.get("/officers/")).text
    await desk.get("/officers/look?tieng=vi&nen=auto")
    assert '<html lang="vi">' in (await desk.get(path)).text


@pytest.mark.parametrize(
    "query", ["tieng=fr", "nen=pink", "tieng=en%0d%0aX", "ve=//evil.example", "ve=https://evil.example/"]
)
async def test_a_switch_leads_nowhere_else_and_takes_nothing_unknown(desk: Desk, query: str):  # noqa: F811
    answer = await desk.get(f"/officers/look?{query}")
    assert answer.headers["location"] == "/officers/"
    assert "set-cookie" not in answer.headers
