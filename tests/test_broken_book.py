"""On a broken data file nothing starts: file, step and remedy are named, and all errors at once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.book import ROOT, BadBook, read_book
from flows.model import Problem

DATA = ("flows", "referral", "locales")
CODE = ("bot", "storage")
NO_BYTECODE = shutil.ignore_patterns("__pycache__")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the data folders, to be broken."""
    for name in DATA:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=NO_BYTECODE)
    return tmp_path


def change(root: Path, name: str, old: str, new: str) -> None:
    path = root / name
    text = path.read_text("utf-8")
    assert old in text, f"{name} does not hold {old!r}"
    path.write_text(text.replace(old, new, 1), "utf-8")


def problems_of(root: Path) -> list[Problem]:
    with pytest.raises(BadBook) as refused:
        read_book(root)
    return refused.value.problems


def test_the_book_as_it_stands_is_good(root: Path) -> None:
    read_book(root)


BREAKS: dict[str, tuple[str, str, str, str, str]] = {
    "no yaml": ("flows/definitions/tip.yaml", "flow: tip", "flow: [tip", "flows/definitions/tip.yaml", ""),
    "unknown key": ("flows/definitions/tip.yaml", "    remember: tip_ongoing", "    recall: tip_ongoing", "tip.yaml", "ongoing"),
    "key twice": ("flows/definitions/tip.yaml", "    remember: tip_ongoing", "    remember: a\n    remember: b", "tip.yaml", ""),
    "leads nowhere": ("flows/definitions/hello.yaml", "go: tip.heard", "go: tip.nowhere", "hello.yaml", "door"),
    "no exit": ("flows/definitions/everywhere.yaml", "  danger: danger.now\n", "", "everywhere", ""),
    "a number that is not ours": ("flows/definitions/danger.yaml", "113 (công an)", "119 (công an)", "danger.yaml", "now"),
    "no translation": ("flows/definitions/tip.yaml", "Bạn thấy việc đó lúc nào?", "Việc đó lúc nào vậy bạn?", "tip", "when"),
    "asks a child": (
        "flows/definitions/screening.yaml",
        "any: [{level: [L4]}, *child_alone, {answer: safety, is: watched}, {answer: place_stage, is: not_left}]",
        "any: [{level: [L4]}, {answer: safety, is: watched}, {answer: place_stage, is: not_left}]",
        "screening.yaml", "hurt",
    ),
    "unknown agency": ("referral/rules/routing.yaml", "to: [police, consular]", "to: [polise, consular]", "rout", "polise"),
    "unknown source": ("referral/rules/routing.yaml", "source: law53_art29", "source: law53_art99", "", "law53_art99"),
    "a rule gone": (
        "referral/rules/routing.yaml",
        "  - id: child_to_111\n    when: {word: child}", "  - id: child_to_111\n    when: {fact: kind, is: missing}",
        "", "111",
    ),
    "a deadline that is no number": ("referral/clocks/clocks.yaml", 'seconds: "600"', "seconds: soon", "clocks", ""),
}  # fmt: skip
"""What → file, what stands there, what stands there instead, and what the problem's sentence must name."""


@pytest.mark.parametrize("name", BREAKS)
def test_one_broken_file_is_named_with_its_place_and_the_remedy(root: Path, name: str) -> None:
    file, old, new, named, place = BREAKS[name]
    change(root, file, old, new)
    found = problems_of(root)
    told = [str(problem) for problem in found]
    assert any(named in one and place in one for one in told), told
    assert all(problem.remedy for problem in found), "each says what to do"


def test_all_errors_are_told_at_once(root: Path) -> None:
    change(root, "flows/definitions/support.yaml", "flow: support", "flow: [support")
    change(root, *BREAKS["unknown key"][:3])
    change(root, *BREAKS["unknown source"][:3])
    told = "\n".join(str(problem) for problem in problems_of(root))
    for file in ("support.yaml", "tip.yaml", "law53_art99"):
        assert file in told, f"{file} is missing in:\n{told}"


@pytest.mark.parametrize("command", ["check", "serve"])
def test_neither_check_nor_serve_goes_on_with_a_broken_file(root: Path, command: str) -> None:
    for name in CODE:
        shutil.copytree(ROOT / name, root / name, ignore=NO_BYTECODE)
    change(root, *BREAKS["unknown key"][:3])
    ended = run(root, command)
    assert ended.returncode == 1
    assert "flows/definitions/tip.yaml" in ended.stderr
    assert "ongoing" in ended.stderr
    assert "nothing starts before they are mended" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Nhịp Cầu: http" not in ended.stdout
    assert not (root / "home").exists(), "nothing was made"


def run(root: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "bot", command], cwd=root, capture_output=True, text=True, encoding="utf-8", timeout=180,
        env={"NHIPCAU_HOME": str(root / "home"), "NHIPCAU_PORT": "0", "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"}, check=False,
    )  # fmt: skip
