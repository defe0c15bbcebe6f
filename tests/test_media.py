"""What people sent is shown without what it gives away, and what would do harm is not shown at all.

exiftool, which knows more formats than we do, is asked what is left; the files are made here, with everything planted.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import av
import psutil
import pytest
from PIL import Image

from bot.channels.web import sent
from bot.media.alone import intruder
from bot.media.clean import COMMAND, ENVIRONMENT, ROOT, cleaned
from bot.media.kinds import kind_of
from bot.media.result import WHY, Clean, Quarantined
from bot.media.views import KEPT, Views
from bot.web import words
from referral.model import Referral
from storage.pieces import KeptWhole
from tests import sent_files as files
from tests.sent_files import BLUE, MARKER, RED
from tests.test_console import Desk, add_officer, audit, browser
from tests.test_console import site as site
from tests.world import START, World

EXIFTOOL = shutil.which("exiftool")
needs_exiftool = pytest.mark.skipif(EXIFTOOL is None, reason="exiftool is missing (Debian: libimage-exiftool-perl)")

MADE: dict[str, Callable[[], bytes]] = {
    "jpg": files.jpeg,
    "png": files.png,
    "webp": files.webp,
    "gif": files.gif,
    "heic": files.heic,
    "avif": files.avif,
    "mp4": lambda: files.recording("mp4", "aac", film=True),
    "mov": lambda: files.recording("mov", "aac", film=True),
    "ogg": lambda: files.recording("ogg", "libopus"),
    "mp3": lambda: files.recording("mp3", "libmp3lame", rate=44_100),
    "m4a": lambda: files.recording("ipod", "aac", rate=44_100),
    "aac": lambda: files.recording("adts", "aac", rate=44_100),
    "amr": lambda: files.recording("amr", "libopencore_amrnb", rate=8_000),
    "wav": lambda: files.recording("wav", "pcm_s16le", rate=16_000),
    "webm": lambda: files.recording("webm", "libopus"),
}
SHOWN = {"heic": "jpg", "avif": "jpg", "mov": "mp4", "aac": "m4a", "amr": "ogg", "wav": "ogg", "webm": "ogg"}
SOUNDS = ("mp4", "ogg", "mp3", "m4a", "aac", "amr", "wav", "webm")
HARMLESS = {"ExifTool", "System", "File", "Composite", "JFIF", "PNG", "RIFF", "GIF", "QuickTime", "Track1", "Track2", "Opus",
            "MPEG", "Vorbis", "Matroska", "Info"}  # fmt: skip
TELLING = re.compile(
    r"gps|location|author|artist|comment|title|creator|thumbnail|software|make|model|description|warning", re.IGNORECASE
)
HARMLESS_NAMES = {"HandlerDescription", "SampleGroupDescription"}


@cache
def made(ending: str) -> bytes:
    return MADE[ending]()


async def copy_of(content: bytes, **wishes: Any) -> Clean:
    found = await cleaned(content, **wishes)
    assert isinstance(found, Clean), found
    return found


async def why_not(content: bytes, **wishes: Any) -> str:
    found = await cleaned(content, **wishes)
    assert isinstance(found, Quarantined), found
    assert found.why in WHY
    return found.why


def told_by_exiftool(content: bytes, folder: Path) -> dict[str, Any]:
    """Every tag that exiftool finds, by group and name."""
    path = folder / "asked"
    path.write_bytes(content)
    run = subprocess.run(  # noqa: S603 - the distribution's own program
        [EXIFTOOL or "", "-json", "-G1", "-a", "-u", "-ee", "-api", "LargeFileSupport=1", str(path)], capture_output=True,
        check=False, timeout=20,
    )  # fmt: skip
    [tags] = json.loads(run.stdout)
    return {name: value for name, value in tags.items() if not name.startswith(("System:", "SourceFile"))}


# --------------------------------------------------------------------------------------------- what is left behind


@needs_exiftool
@pytest.mark.parametrize("ending", MADE)
async def test_nothing_that_gives_somebody_away_is_in_the_copy(ending: str, tmp_path: Path):
    content = made(ending)
    kind = kind_of(content)
    assert kind is not None
    assert kind.ending == ending
    if ending not in {"aac", "amr"}:  # which have no room for tags
        assert MARKER in repr(told_by_exiftool(content, tmp_path)), "nothing was planted"
    if ending in {"jpg", "webp", "heic", "avif", "mp4", "mov"}:
        assert any("GPS" in name for name in told_by_exiftool(content, tmp_path)), "no place was planted"
    copy = await copy_of(content)
    assert copy.ending == SHOWN.get(ending, ending)
    assert MARKER.encode() not in copy.content
    tags = told_by_exiftool(copy.content, tmp_path)
    telling = {name: tag for name, tag in tags.items() if TELLING.search(name.partition(":")[2])}
    assert {name for name in telling if name.partition(":")[2] not in HARMLESS_NAMES} == set()
    assert {name.partition(":")[0] for name in tags} <= HARMLESS


async def test_what_an_encoder_wrote_between_the_pictures_of_a_film_is_gone():
    assert b"x264 - core" in made("mp4")
    copy = await copy_of(made("mp4"))
    assert b"x264" not in copy.content
    with av.open(io.BytesIO(copy.content), "r") as film:
        assert len(list(film.decode(video=0))) == 20


async def test_a_cover_and_a_track_of_anything_else_stay_behind():
    out = io.BytesIO()
    with av.open(io.BytesIO(made("mp4")), "r") as source, av.open(out, "w", format="matroska") as film:
        film.add_attachment("noi-o.txt", "text/plain", MARKER.encode())
        sound = film.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = sound
                film.mux(packet)
    assert MARKER.encode() in out.getvalue()
    copy = await copy_of(out.getvalue())
    assert MARKER.encode() not in copy.content
    with av.open(io.BytesIO(copy.content)) as heard:
        assert [one.type for one in heard.streams] == ["audio"]


@pytest.mark.parametrize(("orientation", "top"), [(1, RED), (3, BLUE)])
async def test_a_picture_stands_upright_without_the_tag_that_said_so(orientation: int, top: tuple[int, int, int]):
    copy = await copy_of(files.jpeg(orientation))
    with Image.open(io.BytesIO(copy.content)) as shown:
        assert shown.size == (96, 64)
        assert not shown.getexif()
        colour = shown.convert("RGB").getpixel((48, 5))
    assert isinstance(colour, tuple)
    assert all(abs(one - other) < 40 for one, other in zip(colour, top, strict=True))


async def test_a_picture_taken_sideways_is_turned():
    copy = await copy_of(files.jpeg(orientation=6))
    with Image.open(io.BytesIO(copy.content)) as shown:
        assert shown.size == (64, 96)


async def test_a_film_keeps_which_way_up_it_was_taken():
    """The matrix of a track (ISO/IEC 14496-12, 8.3.2): a quarter turn instead of none."""
    one, none, last = b"\0\1\0\0", bytes(4), b"\x40\0\0\0"
    upright = one + none + none + none + one + none + none + none + last
    sideways = none + one + none + b"\xff\xff\0\0" + none + none + none + none + last
    at = made("mp4").index(upright, made("mp4").index(b"tkhd"))
    copy = await copy_of(made("mp4")[:at] + sideways + made("mp4")[at + len(upright) :])
    assert sideways in copy.content


@pytest.mark.parametrize(
    "content", [files.gif(3), files.moving("PNG"), files.moving("WEBP")], ids=["gif", "png", "webp"]
)
async def test_a_moving_picture_goes_on_moving(content: bytes):
    copy = await copy_of(content)
    with Image.open(io.BytesIO(copy.content)) as shown:
        assert getattr(shown, "n_frames", 1) == 3


# ------------------------------------------------------------------------------------------------------------ voices


@pytest.mark.parametrize("ending", SOUNDS)
async def test_a_changed_voice_is_lower_and_takes_as_long(ending: str):
    copy = await copy_of(made(ending), changed=True)
    seconds, hertz = files.heard(copy.content)
    assert copy.changed
    assert seconds == pytest.approx(2, abs=0.15)
    assert hertz == pytest.approx(440 * 0.78, rel=0.03)


@pytest.mark.parametrize("ending", SOUNDS)
async def test_a_voice_that_is_not_changed_sounds_as_it_did(ending: str):
    copy = await copy_of(made(ending))
    seconds, hertz = files.heard(copy.content)
    assert not copy.changed
    assert seconds == pytest.approx(2, abs=0.15)
    assert hertz == pytest.approx(440, rel=0.03)


async def test_a_recording_in_which_somebody_falls_silent_is_heard_to_its_end():
    seconds, _ = files.heard((await copy_of(files.amr(4, pauses=True))).content)
    assert seconds == pytest.approx(4, abs=0.15)


# ------------------------------------------------------------------------------------------------- what is not shown


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.html", "x")
    return out.getvalue()


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "gif", "heic", "mp4", "ogg"])
@pytest.mark.parametrize(
    "hidden",
    [zipped(), b"<script>alert(1)</script>", b"<!DOCTYPE html><p>", b"MZ\x90\0" + bytes(100) + b"This program"],
    ids=["archive", "script", "page", "program"],
)
def test_a_file_that_is_two_things_is_found_out(ending: str, hidden: bytes):
    assert intruder(made(ending), ending) == ""
    assert intruder(made(ending) + hidden, ending) != ""


def test_a_sound_that_says_nowhere_where_it_ends_is_looked_through():
    assert intruder(made("mp3"), "mp3") == ""
    assert intruder(made("mp3") + zipped(), "mp3") == "archive"
    assert intruder(made("mp3") + b"<script>alert(1)</script>", "mp3") == "page"


async def test_a_picture_with_an_archive_or_a_page_in_it_is_not_shown():
    assert await why_not(made("jpg") + zipped()) == "intruder"
    spoken = made("png")[:33] + b"\0\0\0\x19tEXtComment\0<script>alert(1)" + bytes(4) + made("png")[33:]
    assert await why_not(spoken) == "intruder"
    assert await why_not(b"GIF89a/*%PDF-1.4" + made("gif")[16:]) == "intruder"


def test_what_telephones_put_behind_a_picture_is_no_intruder():
    first = made("jpg")
    assert intruder(first + made("jpg"), "jpg") == ""  # a picture with depth, or of high contrast
    assert intruder(first + made("mp4"), "jpg") == ""  # a picture that moves
    assert intruder(first + bytes(64), "jpg") == ""
    assert intruder(first + b"anything else", "jpg") == "trailing"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "document"),
        (b"PK\x03\x04" + b"\0" * 26 + b"word/document.xml", "document"),
        (b"PK\x03\x04" + b"\0" * 26 + b"xl/workbook.xml", "document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "document"),
        (b"{\\rtf1", "document"),
        (b"MZ\x90\0", "unknown"),
        (b"<svg onload=alert(1)>", "unknown"),
        (b"", "unknown"),
        (b"\xff\xd8\xff\xe0<script>", "intruder"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"OggS", "damaged"),
        (b"\0\0\0\x18ftypisom", "damaged"),
        (b"ID3\x04", "damaged"),
        (b"\0\0\0\x18ftypheic", "damaged"),
    ],
)
async def test_what_cannot_be_cleaned_is_kept_from_view(content: bytes, why: str):
    assert await why_not(content) == why


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "heic", "mp4"])
async def test_a_file_that_breaks_off_is_said_to_be_damaged(ending: str):
    content = made(ending) if ending != "jpg" else files.jpeg(picture=Image.effect_noise((300, 300), 60).convert("RGB"))
    assert await why_not(content[: len(content) * 2 // 3]) == "damaged"


async def test_a_small_file_that_unpacks_to_gigabytes_is_refused_before_it_does():
    bomb = files.vast_png()
    assert len(bomb) < 5_000
    assert await why_not(bomb) == "too_large"
    assert await why_not(files.gif(1_000)) == "too_many_frames"
    assert await why_not(files.wordy_png()) == "damaged"


async def test_a_recording_that_is_small_and_lasts_for_hours_is_given_up_early():
    hours = files.amr(5 * 3_600)
    assert len(hours) < 12_000_000  # which the page of citizens takes
    short = worker("import bot.media.recording as r; r.MOST_SECONDS = 20")
    assert await why_not(hours, command=short) == "too_long"


# --------------------------------------------------------------------------------------------------- the worker


def worker(code: str) -> tuple[str, ...]:
    """A worker in which something goes wrong in the middle of its work."""
    return sys.executable, "-c", f"import bot.media.worker as w, bot.media.picture as p, os, time\n{code}\nw.main()"


async def test_a_decoder_that_dies_hangs_or_talks_nonsense_is_a_file_that_is_not_shown(
    capfd: pytest.CaptureFixture[str],
):
    photo = made("jpg")
    dies = worker("p.repainted = lambda *_: os.abort()")
    hangs = worker("p.repainted = lambda *_: time.sleep(600)")
    nonsense = (sys.executable, "-c", "print('{\"why\": 7}')")
    assert await why_not(photo, command=dies) == "gave_up"
    assert await why_not(photo, command=hangs, within_s=1.0) == "time"
    assert await why_not(photo, command=nonsense) == "gave_up"
    assert not psutil.Process().children(recursive=True), "a child was left behind"
    assert MARKER not in capfd.readouterr().out


async def test_a_decoder_that_takes_too_much_memory_is_stopped():
    greedy = worker("p.repainted = lambda *_: bytearray(3_000_000_000)")
    assert await why_not(made("jpg"), command=greedy) == "gave_up"


async def test_whoever_takes_a_decoder_over_finds_an_empty_room(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NHIPCAU_TELEGRAM_TOKEN", "1234:secret")
    tries = """
def tries(*_):
    import socket
    from bot.media.result import Clean
    done = []
    for name, attempt in {
        "file": lambda: open("/etc/passwd"), "written": lambda: open("/tmp/x", "w"), "net": socket.socket,
        "told": lambda: os.environ["NHIPCAU_TELEGRAM_TOKEN"], "core": lambda: 1 / __import__("resource").getrlimit(4)[1],
        "program": lambda: os.posix_spawn("/bin/true", ["true"], {}) if DENIED else 1 / 0,
    }.items():
        try:
            attempt()
            done.append(name)
        except (OSError, KeyError, ZeroDivisionError):
            pass
    return Clean(repr(done).encode(), "image/jpeg", "jpg")
p.repainted = tries
""".replace("DENIED", repr(os.uname().machine in {"x86_64", "aarch64"}))
    assert (await copy_of(made("jpg"), command=worker(tries))).content == b"[]"
    assert "TOKEN" not in repr((COMMAND, ENVIRONMENT))


def test_the_service_itself_never_loads_a_decoder():
    code = "import bot.serve, bot.web.site, sys; print([n for n in ('PIL', 'av', 'pillow_heif') if n in sys.modules])"
    run = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True, timeout=120
    )
    assert run.stdout.strip() == "[]"


async def test_a_copy_is_kept_for_minutes_and_then_let_go():
    views = Views()
    now = START
    made_now = await views.make(("a", "r", "0"), made("jpg"), now, changed=False)
    assert views.get(("a", "r", "0"), now + KEPT - timedelta(seconds=1)) is made_now
    assert views.get(("b", "r", "0"), now) is None
    assert views.get(("a", "r", "0"), now + KEPT) is None


@pytest.mark.parametrize(("ends", "tries"), [("gave_up", 2), ("time", 1), ("damaged", 1)])
async def test_what_the_machine_had_no_room_for_is_tried_again(ends: str, tries: int):
    tried: list[bool] = []

    async def clean(content: bytes, *, changed: bool) -> Clean | Quarantined:
        tried.append(changed)
        return Quarantined(ends) if len(tried) <= tries else Clean(content, "image/jpeg", "jpg")

    views, key = Views(_clean=clean), ("a", "r", "0")
    assert await views.make(key, b"photo", START, changed=False) == Quarantined(ends)
    assert len(tried) == tries
    kept = views.get(key, START)
    assert (kept is None) == (ends != "damaged"), "what cannot be read is known; the rest is tried at the next opening"
    if kept is None:
        assert isinstance(await views.make(key, b"photo", START, changed=False), Clean)


# ------------------------------------------------------------------------------------------------------ on the page


async def handed_in(world: World, content: bytes, kind: str = "photo") -> Referral:
    """Somebody in danger sends a file; the referral of the national hotline."""
    await world.open("an")
    await world.choose("an", "danger")
    talk = await world.conversation("an")
    assert talk is not None
    await world.storage.keep_file("web/w1", talk.id, kind, content, world.now)
    await world.receiver.citizen(sent("chat-of-an", "file-1", kind, "web/w1", "vi"))
    await world.choose("an", "here")
    return next(one for one in world.referrals.values() if one.office == "hotline-111")


@pytest.fixture
async def chief(world: World, site: Any) -> AsyncIterator[Desk]:
    await add_officer(world, "lan", "hotline-111", "chief")
    async with browser(site) as client:
        desk = Desk(client, world)
        await desk.sign_in("lan")
        yield desk


async def test_an_officer_sees_the_clean_copy_and_the_hash_of_the_original(world: World, chief: Desk):
    referral = await handed_in(world, made("jpg"))
    case = (await chief.get(f"/officers/r/{referral.id}?mo=1")).text
    [path] = re.findall(r'href="(/officers/r/\w+/file/0)"', case)
    page = (await chief.get(path)).text
    assert hashlib.sha256(made("jpg")).hexdigest() in page
    [view] = re.findall(r'<img src="([^"]+)"', page)
    answer = await chief.get(view)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"].startswith("inline")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert MARKER.encode() not in answer.content
    assert MARKER.encode() in made("jpg")
    entries = [one for one in await audit(world, chief, referral) if one.action == "file.opened"]
    assert len(entries) == 1
    assert hashlib.sha256(made("jpg")).hexdigest() not in repr(entries), "who has the picture could look it up"


async def test_what_is_not_shown_is_said_and_has_no_view(world: World, chief: Desk):
    referral = await handed_in(world, b"%PDF-1.7 /JavaScript", "document")
    page = await chief.get(f"/officers/r/{referral.id}/file/0")
    assert words.NOT_SHOWN["document"] in page.text
    assert "/view" not in page.text
    assert (await chief.get(f"/officers/r/{referral.id}/file/0/view")).status_code == 404


def test_every_reason_not_to_show_a_file_has_words():
    assert set(words.NOT_SHOWN) == WHY


async def test_a_voice_is_another_until_the_office_has_taken_the_case(world: World, chief: Desk):
    referral = await handed_in(world, made("ogg"), "voice")
    path = f"/officers/r/{referral.id}/file/0"
    before = await chief.get(path)
    assert "Giọng nói đã được đổi" in before.text
    assert files.heard((await chief.get(f"{path}/view")).content)[1] == pytest.approx(440 * 0.78, rel=0.03)
    await chief.post(f"/officers/r/{referral.id}", do="acknowledge")
    after = await chief.get(path)
    assert "Giọng nói đã được đổi" not in after.text
    assert files.heard((await chief.get(f"{path}/view")).content)[1] == pytest.approx(440, rel=0.03)


async def test_who_gives_a_case_back_has_its_files_no_more(world: World, chief: Desk):
    referral = await handed_in(world, made("ogg"), "voice")
    path = f"/officers/r/{referral.id}/file/0"
    await chief.post(f"/officers/r/{referral.id}", do="acknowledge")
    await chief.get(path)
    assert files.heard((await chief.get(f"{path}/view")).content)[1] == pytest.approx(440, rel=0.03)
    back = await chief.post(f"/officers/r/{referral.id}", do="return", sure="1", reason="not_our_area")
    assert back.status_code == 303
    for gone in (path, f"{path}/view"):
        assert (await chief.get(gone)).status_code == 404
    assert (await chief.post(f"{path}/original", reason="original_evidence")).status_code == 404


async def test_a_copy_is_made_once_while_nothing_changes(world: World, chief: Desk, site: Any):
    referral = await handed_in(world, made("jpg"))
    path = f"/officers/r/{referral.id}/file/0"
    await chief.get(path)
    for _ in range(3):
        assert (await chief.get(f"{path}/view")).status_code == 200
    assert len([one for one in await audit(world, chief, referral) if one.action == "file.opened"]) == 1


async def test_a_file_that_never_arrived_is_said_to_be_missing(world: World, chief: Desk):
    await world.open("an")
    await world.choose("an", "danger")
    await world.receiver.citizen(sent("chat-of-an", "file-1", "video", "web/never", "vi"))
    await world.choose("an", "here")
    referral = next(one for one in world.referrals.values() if one.office == "hotline-111")
    page = await chief.get(f"/officers/r/{referral.id}/file/0")
    assert page.status_code == 410
    assert "quá lớn" in page.text


async def test_a_player_gets_the_piece_it_asks_for(world: World, chief: Desk):
    referral = await handed_in(world, made("ogg"), "voice")
    path = f"/officers/r/{referral.id}/file/0/view"
    whole = (await chief.get(path)).content
    for asked, part in (("bytes=0-9", whole[:10]), ("bytes=10-", whole[10:]), ("bytes=-5", whole[-5:])):
        answer = await chief.client.get(path, headers={"range": asked})
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["content-range"].endswith(f"/{len(whole)}")
    assert (await chief.client.get(path, headers={"range": "bytes=99999999-"})).status_code == 416
    assert (await chief.client.get(path, headers={"range": "lines=1-2"})).status_code == 200


async def test_the_original_is_for_a_chief_of_the_office_that_took_the_case_with_a_reason(world: World, chief: Desk):
    referral = await handed_in(world, made("jpg"))
    path = f"/officers/r/{referral.id}/file/0/original"
    assert (await chief.post(path, reason="original_evidence")).status_code == 409
    await chief.post(f"/officers/r/{referral.id}", do="acknowledge")
    refused = await chief.post(path, reason="vì tôi muốn")
    assert refused.status_code == 422
    assert words.NO_REASON in refused.text
    assert not [one for one in await audit(world, chief, referral) if one.action == "file.original"]
    answer = await chief.post(path, reason="original_evidence")
    assert answer.content == made("jpg")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="tep-1-goc.bin"'
    assert base64.b64encode(hashlib.sha256(made("jpg")).digest()).decode() in answer.headers["repr-digest"]
    [entry] = [one for one in await audit(world, chief, referral) if one.action == "file.original"]
    assert entry.detail["reason"] == "original_evidence"
    case = (await chief.get(f"/officers/r/{referral.id}")).text
    assert words.ORIGINAL_REASONS["original_evidence"] in case


async def test_an_officer_on_duty_gets_no_original(world: World, site: Any):
    referral = await handed_in(world, made("jpg"))
    await add_officer(world, "hoa", "hotline-111")
    async with browser(site) as client:
        desk = Desk(client, world)
        await desk.sign_in("hoa")
        await desk.post(f"/officers/r/{referral.id}", do="acknowledge")
        assert "/original" not in (await desk.get(f"/officers/r/{referral.id}/file/0")).text
        answer = await desk.post(f"/officers/r/{referral.id}/file/0/original", reason="original_evidence")
        assert answer.status_code == 403


async def test_a_file_that_is_another_than_at_the_opening_before_is_said_to_be(
    world: World, chief: Desk, monkeypatch: pytest.MonkeyPatch
):
    referral = await handed_in(world, made("jpg"))
    path = f"/officers/r/{referral.id}/file/0"
    assert "khác với lần mở trước" not in (await chief.get(path)).text

    async def another(*_: object, **__: object) -> KeptWhole:
        return KeptWhole(made("png"))

    monkeypatch.setattr(world.storage, "open_file", another)
    assert "khác với lần mở trước" in (await chief.get(path)).text
