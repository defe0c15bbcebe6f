"""Recordings: a sheet for the studio, what comes back taken in and proved, heard on the page only when somebody asks."""

from __future__ import annotations

import csv
import io
import os
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import openpyxl
import pytest

from bot.arguments import parser
from bot.audio.command import run
from bot.audio.model import Recording, Sounds, text_hash
from bot.audio.read import read_manifest, seconds_of, unfit
from bot.audio.script import script
from bot.audio.store import MANIFEST, heard_too, load, make_placeholders, rows_of, take, write
from bot.book import ROOT, BadBook, Book, read_book
from bot.catalogues import Catalogues
from bot.settings import BadSetting
from tests.test_web_chat import Visitor, client_of, site_over
from tests.world import World

TODAY = date(2026, 11, 23)
ASKED = "Bây giờ bạn nhắn tin có an toàn không?"
MP3 = b"ID3\x04" + bytes(64)


def opus(seconds: float = 2.0, skipped: int = 312) -> bytes:
    """Ogg Opus as far as its pages tell: a head, and a last page that says how long it is (RFC 7845)."""

    def page(granule: int, content: bytes) -> bytes:
        return b"OggS\0\0" + granule.to_bytes(8, "little") + bytes(12) + bytes([1, len(content)]) + content

    head = b"OpusHead\x01\x01" + skipped.to_bytes(2, "little") + (48_000).to_bytes(4, "little") + bytes(3)
    return page(0, head) + page(int(seconds * 48_000) + skipped, b"sound")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The data files of an installation, its recordings its own."""
    for name in ("flows", "referral"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "locales").mkdir()
    for one in (ROOT / "locales").iterdir():
        there = tmp_path / "locales" / one.name
        if one.is_dir():
            there.mkdir()
            (there / "LC_MESSAGES").symlink_to(one / "LC_MESSAGES")
        else:
            there.symlink_to(one)
    return tmp_path


def studio(root: Path, *texts: str, ending: str = "ogg", content: bytes | None = None) -> Path:
    """The folder that a studio hands over, its files named as the sheet says."""
    folder = root / "studio"
    folder.mkdir(exist_ok=True)
    for text in texts:
        (folder / f"{text_hash(text)}.{ending}").write_bytes(opus() if content is None else content)
    return folder


def audio(root: Path, *words: str) -> tuple[str, bool]:
    """`python -m bot audio …` over this installation."""
    return run(parser().parse_args(["audio", *words]), TODAY, root, data())


@cache
def data() -> Book:
    """The data files, read once for all of these tests."""
    return read_book()[0]


def taken(root: Path, language: str, *texts: str) -> None:
    audio(root, "take", language, "--from", str(studio(root, *texts)), "--by", "Nguyễn Thị A", "--on", "2026-11-20")


# ---------------------------------------------------------------------------------------------------------- the sheet


def test_the_sheet_has_every_sentence_once_the_urgent_ones_first_and_none_with_a_part_that_changes(
    root: Path, book: Book
):
    rows = list(csv.reader(io.StringIO(audio(root, "sheet", "vi")[0])))[1:]
    texts = [row[5] for row in rows]
    assert ASKED in texts
    assert "Quay lại" in texts  # without the sign that nobody reads aloud
    assert len({row[1] for row in rows}) == len(rows) > 400
    assert not any("{" in text for text in texts)
    assert rows[0][2].startswith("danger.")
    urgent = [row[2].split(".")[0] in {"hello", "danger", "stop", "person", "language", "everywhere"} for row in rows]
    assert urgent.index(False) > 100


def test_the_sheet_of_an_emergency_set_has_what_the_language_says_itself(root: Path, book: Book):
    rows = list(csv.reader(io.StringIO(audio(root, "sheet", "lo")[0])))[1:]
    assert 100 < len(rows) < 160
    assert all(any("\u0e80" <= one <= "\u0eff" for one in row[5]) for row in rows if "Language" not in row[5])


def test_a_studio_gets_it_as_a_workbook_or_as_csv(root: Path):
    for name in ("sheet.xlsx", "sheet.csv"):
        assert "sentences in" in audio(root, "sheet", "zh", "--to", str(root / name))[0]
    page = openpyxl.load_workbook(root / "sheet.xlsx").active
    assert page.cell(1, 6).value == "Đọc câu này / Read this"
    assert page.max_row == len((root / "sheet.csv").read_text("utf-8-sig").splitlines())
    with pytest.raises(BadSetting, match=r"\.csv or \.xlsx"):
        audio(root, "sheet", "zh", "--to", str(root / "sheet.doc"))


# ---------------------------------------------------------------------------------------------- taken in, and proved


def test_what_the_studio_made_is_taken_in_and_can_be_proved(root: Path):
    taken(root, "vi", ASKED, "An toàn")
    (row, _) = rows_of(root / "locales/vi/audio" / MANIFEST)[0]
    assert (row.text, row.recorded_by, row.seconds, row.placeholder) == (ASKED, "Nguyễn Thị A", 2.0, False)
    said, is_whole = audio(root, "check", "vi")
    assert "vi: 2 of" in said
    assert not is_whole
    assert ASKED not in said
    assert "đã thu" in next(line for line in audio(root, "sheet", "vi")[0].splitlines() if ASKED in line)


def test_a_language_is_whole_when_all_of_it_is_recorded_and_heard_by_another(root: Path, book: Book):
    to_read = script(book.flows, book.catalogues, "km")
    folder = studio(root, *(one.spoken for one in to_read))
    sheet = root / "back.csv"
    audio(root, "sheet", "km", "--to", str(sheet))
    rows = list(csv.reader(io.StringIO(sheet.read_text("utf-8-sig"))))
    for row in rows[1:]:
        row[7:] = ["điều nghe được", "Trần Văn B"]
    with sheet.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    audio(root, "take", "km", "--from", str(folder), "--by", "Sok", "--on", "2026-11-20", "--sheet", str(sheet))
    assert audio(root, "check", "km") == (
        f"km: {len(to_read)} of {len(to_read)} sentences recorded, 0 things to do.",
        True,
    )


def test_a_recording_of_a_sentence_that_was_changed_is_told_and_not_heard(root: Path, book: Book):
    taken(root, "vi", ASKED)
    row = replace(rows_of(root / "locales/vi/audio" / MANIFEST)[0][0], text="Bạn có an toàn không?")
    row = replace(row, text_hash=text_hash(row.text))
    write(root / "locales/vi/audio" / MANIFEST, [row])
    said, _ = audio(root, "check", "vi")
    assert "was recorded with words that are said no more" in said
    assert "text changed" in next(line for line in audio(root, "sheet", "vi")[0].splitlines() if ASKED in line)
    assert heard_too(book, root / "locales").sounds.find("vi", ASKED) is None


def test_nothing_starts_on_a_recording_that_was_exchanged_or_is_gone(root: Path, book: Book):
    taken(root, "vi", ASKED)
    file = root / "locales/vi/audio" / f"{text_hash(ASKED)}.ogg"
    file.write_bytes(opus(3.0))
    with pytest.raises(BadBook, match="SHA-256"):
        heard_too(book, root / "locales")
    file.unlink()
    with pytest.raises(BadBook, match="is missing"):
        heard_too(book, root / "locales")
    assert "is missing" in audio(root, "check", "vi")[0]


@pytest.mark.parametrize(
    ("content", "ending", "what"),
    [
        (b"RIFF....WAVE", "ogg", "no Opus"),
        (b"OggS" + bytes(40) + b"\x01vorbis", "ogg", "no Opus"),
        (b"%PDF-1.7", "mp3", "no MP3"),
        (b"ID3" + bytes(1024 * 1024), "mp3", "at most"),
        (opus(), "opus", ""),
        (MP3, "mp3", ""),
        (b"\xff\xfb\x90\x00", "mp3", ""),
    ],
)
def test_only_what_a_browser_plays_is_taken(root: Path, content: bytes, ending: str, what: str):
    found = unfit(content, ending)
    assert what in found
    assert bool(found) == bool(what)
    if what and ending != "opus":
        folder = studio(root, ASKED, ending=ending, content=content)
        with pytest.raises(BadSetting, match="record it as Opus in Ogg"):
            audio(root, "take", "vi", "--from", str(folder), "--by", "A", "--on", "2026-11-20")


def test_the_length_is_read_from_the_last_page():
    assert seconds_of(opus(3.5), "ogg") == 3.5
    assert seconds_of(MP3, "mp3") is None


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"text": "khác"}, "the hash is of another text"),
        ({"file": "../../keys/service.key"}, "is no file of a recording"),
        ({"file": "a.exe"}, "is no file of a recording"),
        ({"seconds": "long"}, "is no length"),
        ({"recorded_by": " "}, "does not say who spoke"),
        ({"recorded_on": "hôm qua"}, "does not say who spoke"),
        ({"placeholder": "maybe"}, "neither yes nor no"),
    ],
)
def test_a_row_that_cannot_be_right_is_refused(root: Path, change: dict[str, str], what: str):
    taken(root, "vi", ASKED)
    rows = list(csv.DictReader(io.StringIO((root / "locales/vi/audio" / MANIFEST).read_text("utf-8"))))
    made = io.StringIO()
    writer = csv.DictWriter(made, rows[0])
    writer.writeheader()
    writer.writerow({**rows[0], **change})
    found, problems = read_manifest("manifest.csv", made.getvalue())
    assert found == []
    assert [what in one.what for one in problems] == [True]
    assert read_manifest("manifest.csv", made.getvalue().replace("sha256", "sha1"))[1][0].what == "has other columns"
    assert (
        "twice"
        in read_manifest("m", (root / "locales/vi/audio" / MANIFEST).read_text("utf-8") * 1 + _last(root))[1][0].what
    )


def _last(root: Path) -> str:
    return (root / "locales/vi/audio" / MANIFEST).read_text("utf-8").splitlines()[1] + "\n"


def test_a_sheet_or_folder_that_is_none_is_told(root: Path):
    with pytest.raises(BadSetting, match="is no folder"):
        audio(root, "take", "vi", "--from", str(root / "nowhere"), "--by", "A", "--on", "2026-11-20")
    with pytest.raises(BadSetting, match="no recording sheet"):
        audio(
            root,
            "take",
            "vi",
            "--from",
            str(root),
            "--by",
            "A",
            "--on",
            "2026-11-20",
            "--sheet",
            str(root / "none.csv"),
        )
    with pytest.raises(BadSetting, match="who spoke"):
        take(root, root, [], " ", "2026-11-20", {})
    with pytest.raises(BadSetting, match="no language"):
        audio(root, "sheet", "fr")


# ----------------------------------------------------------------------------------------------------- a machine's voice


def _machine(folder: Path) -> None:
    """espeak-ng and ffmpeg as far as they are used: one writes what was said, the other a recording."""
    (folder / "made.ogg").write_bytes(opus())
    for name, does in (
        ("espeak-ng", '[ $2 = lo ] && exit 1; echo wave > "$6"'),
        ("ffmpeg", f'for last; do :; done; cp {folder}/made.ogg "$last"'),
    ):
        file = folder / name
        file.write_text(f"#!/bin/sh\n{does}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)


def test_a_machine_speaks_for_a_trial_and_is_never_heard_in_production(
    root: Path, book: Book, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    tools = tmp_path_factory.mktemp("tools")
    _machine(tools)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    folder = root / "locales/vi/audio"
    to_read = [one for one in script(book.flows, book.catalogues, "vi") if one.spoken in (ASKED, "An toàn")]
    assert make_placeholders(folder, "vi", to_read, "2026-11-23") == 2
    assert make_placeholders(folder, "vi", to_read, "2026-11-23") == 0  # what is there stays
    sounds, problems = load(root / "locales")
    assert problems == []
    assert sounds.allowed(trial=True).find("vi", ASKED) is not None
    assert sounds.allowed(trial=False) == Sounds({})
    assert "machine's voice" in audio(root, "check", "vi")[0]
    taken(root, "vi", ASKED)  # a person's voice takes its place
    assert load(root / "locales")[0].allowed(trial=False).find("vi", ASKED) is not None
    with pytest.raises(BadSetting, match="does not speak lo"):
        make_placeholders(root / "locales/lo/audio", "lo", to_read, "2026-11-23")


def test_without_the_machine_it_is_said_what_to_install(root: Path, book: Book):
    with pytest.raises(BadSetting, match="apt-get install"):
        make_placeholders(root / "locales/vi/audio", "vi", [], "2026-11-23", speaker="no-such-speaker")


def test_another_language_is_heard_in_production_only_when_somebody_said_what_they_heard():
    one = Recording("c", "t", text_hash("t"), "t.ogg", "0", 1.0, "A", "2026-11-20")
    assert one.is_checked("vi")
    assert not one.is_checked("km")
    assert not replace(one, back_translation="nghe được").is_checked("km")
    assert replace(one, back_translation="nghe được", back_translated_by="B").is_checked("km")
    assert not replace(one, placeholder=True).is_checked("vi")


# --------------------------------------------------------------------------------------------------------- on the page


@pytest.fixture
async def listener(world: World, root: Path):
    watched = "Từ đây chúng tôi nói thật ngắn. Bạn nhắn tiếp bây giờ, hay để lúc khác?"
    taken(root, "vi", ASKED, "An toàn", "Tôi đang nguy hiểm", watched)
    heard = replace(world, book=heard_too(world.book, root / "locales"))
    async with client_of(site_over(heard, root)) as client:
        one = Visitor(client)
        await one.look()
        yield one


async def test_the_page_offers_what_was_recorded_of_it_and_plays_nothing_by_itself(listener: Visitor):
    keys = [text_hash(text) for text in (ASKED, "An toàn", "Tôi đang nguy hiểm")]
    assert f'data-listen="{" ".join(f"./nghe/vi/{key}" for key in keys)}"' in listener.page.text
    assert ">Nghe</button>" in listener.page.text
    assert "autoplay" not in listener.page.text
    assert 'preload="none"' in listener.page.text
    got = await listener.client.get(f"/nghe/vi/{keys[0]}")
    assert (got.status_code, got.headers["content-type"], got.content) == (200, "audio/ogg", opus())
    part = await listener.client.get(f"/nghe/vi/{keys[0]}", headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"OggS")


async def test_who_is_watched_is_offered_no_sound(listener: Visitor):
    await listener.press("Có người để ý tôi")
    assert "Từ đây chúng tôi nói thật ngắn" in listener.said or "Nhắn tiếp" in listener.said
    assert "data-listen" not in listener.page.text
    assert "<audio" not in listener.page.text


async def test_what_was_not_recorded_is_not_offered(listener: Visitor):
    await listener.press("An toàn")
    assert "data-listen" not in listener.page.text
    for path in ("/nghe/vi/0000000000000000", f"/nghe/km/{text_hash(ASKED)}", "/nghe/vi/..%2f..%2fkeys"):
        assert (await listener.client.get(path)).status_code == 404


def test_sound_is_made_only_by_a_press():
    script_of_page = (ROOT / "bot/web/static/chat.js").read_text("utf-8")
    assert script_of_page.count("new Audio()") == 1
    assert script_of_page.count("hear(") == 2  # its definition, and the press
    assert "autoplay" not in script_of_page


def test_the_command_answers_from_outside():
    done = subprocess.run(
        [sys.executable, "-m", "bot", "audio", "check", "lo"], cwd=ROOT, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert b"lo: 0 of" in done.stdout


def test_a_catalogue_without_the_sentence_has_nothing_to_record(book: Book):
    assert script(book.flows, Catalogues({}), "km") == []
