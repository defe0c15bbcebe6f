"""Drawings beside choices: data that is proved, never alone, silent for who listens, and none for who is watched."""

from __future__ import annotations

import re

import pytest

from bot.book import ROOT, Book
from bot.pictures.model import Pictures
from bot.pictures.read import CHOICES, DRAWINGS, picture_problems, read_pictures
from tests.test_web_chat import Visitor, visitor
from tests.world import World

__all__ = ["visitor"]  # a fixture

DRAWN = '<g id="eye"><path d="M1 1L2 2"/></g>'
PICTURE = re.compile(r'<svg viewBox="0 0 24 24" aria-hidden="true">(.*?)</svg>([^<]*)(<span>[^<]+)?')


def wrong(book: Book, drawings: str, choices: str) -> str:
    """Everything that `check` would say of these two files."""
    pictures, problems = read_pictures(drawings, choices)
    return "\n".join(str(one) for one in (*problems, *picture_problems(pictures, book.flows)))


def test_the_files_of_the_service_are_right(book: Book) -> None:
    texts = [(ROOT / name).read_text("utf-8") for name in (DRAWINGS, CHOICES)]
    assert wrong(book, *texts) == ""
    assert len(book.pictures.chosen) > 50
    assert "licence" in texts[0]


@pytest.mark.parametrize(
    ("drawings", "choices", "said"),
    [
        (DRAWN, "hello.safety.watched\tear", "does not exist"),
        (DRAWN, "hello.safety.nobody\teye", "is no choice of any question"),
        (DRAWN, "*.nobody\teye", "is no choice of any question"),
        (DRAWN, "hello.safety.watched eye", "cannot be read"),
        (DRAWN, "*.yes\teye\n*.yes\teye", "repeats a choice"),
        (DRAWN, "", "stands beside no choice"),
        (DRAWN + "\n" + DRAWN, "*.yes\teye", "no drawing that can be shown"),
        ('<g id="eye"><script>alert(1)</script></g>', "*.yes\teye", "no drawing that can be shown"),
        ('<g id="eye"><path d="M1 1" onload="alert(1)"/></g>', "*.yes\teye", "no drawing that can be shown"),
        (
            '<g id="eye"><image href="https://elsewhere.example/a.png"/></g>',
            "*.yes\teye",
            "no drawing that can be shown",
        ),
        (f'<g id="eye"><path d="{"M1 1 " * 100}"/></g>', "*.yes\teye", "no drawing that can be shown"),
    ],
)
def test_what_is_wrong_is_said_before_anything_starts(book: Book, drawings: str, choices: str, said: str) -> None:
    assert said in wrong(book, drawings, choices)


def test_a_choice_has_its_own_drawing_before_the_general_one() -> None:
    pictures = Pictures({"a": "A", "b": "B"}, {"*.yes": "a", "tip.child.yes": "b"})
    assert [pictures.of("tip.child", "yes"), pictures.of("tip.fear", "yes"), pictures.of("tip.fear", "no")] == [
        "B",
        "A",
        "",
    ]


async def test_no_drawing_stands_alone_and_none_is_read_aloud(world: World, visitor: Visitor) -> None:
    page = await visitor.look()
    drawn = PICTURE.findall(page.text)
    assert len(drawn) >= 5
    assert page.text.count('<svg viewBox="0 0 24 24" aria-hidden="true">') == len(drawn)
    assert all(words.strip() or span for _, words, span in drawn)


async def test_somebody_who_is_watched_sees_no_drawing(world: World, visitor: Visitor) -> None:
    await visitor.look()
    await visitor.press("Có người để ý tôi")
    assert "Nhắn tiếp" in visitor.page.text
    assert '<svg viewBox="0 0 24 24"' not in visitor.page.text
