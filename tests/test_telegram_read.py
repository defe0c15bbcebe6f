"""A Telegram update as it arrives → what the person did. The updates are files in tests/channels/telegram/in."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.channels.base import Ignored, Inbound
from bot.channels.telegram.read import LONGEST, read
from bot.channels.wire.tidy import tidy
from flows.model import Chose, CitizenEvent, Empty, Gone, Media, Moved, Opened, Said, Sent

FILES = Path(__file__).parent / "channels" / "telegram" / "in"
PLACE = Sent(Media("location", "21.85373,106.76130"))

EXPECTED: dict[str, CitizenEvent | Ignored] = {
    "text": Said("Em bị giữ hộ chiếu, không cho về"),
    "text_with_direction_override": Said("angnourt toàn!\ndòng hai"),
    "text_of_control_characters": Empty(),
    "text_longer_than_kept": Said("cứu " * 1023 + "cứu"),
    "start": Opened(""),
    "start_with_payload": Opened("truong-hoc_01"),
    "start_with_a_story": Said("/start em bị lừa sang đây"),
    "stop": Chose(("stop",)),
    "stop_in_vietnamese": Chose(("stop",)),
    "help": Opened(""),
    "unknown_command": Said("/settings"),
    "reply": Said("đúng vậy"),
    "button": Chose(("yes",), 3),
    "button_of_an_old_message": Chose(("no",), 2),
    "button_without_its_message": Chose(("yes",), 3),
    "button_unknown": Chose(("unknown",), 0),
    "button_officer": Chose(("o:ack:r_01J9ZK",), None),
    "photo": Sent(Media("photo", "photo-large", "Xe đón ở bến", size=2048)),
    "album_first": Sent(Media("photo", "album-1", "Hai người này", 2048, "14000000000000001")),
    "album_second": Sent(Media("photo", "album-2", "", 2048, "14000000000000001")),
    "voice": Sent(Media("voice", "voice-1", size=2048)),
    "video": Sent(Media("video", "video-1", size=2048)),
    "video_note": Sent(Media("video", "round-1", size=2048)),
    "animation": Sent(Media("video", "gif-1", size=2048)),
    "document": Sent(Media("document", "doc-1", "Hợp đồng", size=2048)),
    "audio": Sent(Media("voice", "audio-1", size=2048)),
    "sticker": Sent(Media("sticker", "sticker-1", size=2048)),
    "location": PLACE,
    "venue": Sent(Media("location", "21.85373,106.76130", "Karaoke Sao Mai, 12 Lê Lợi")),
    "location_live": PLACE,
    "location_live_moved": Moved(Media("location", "21.90000,106.80000")),
    "contact": Sent(Media("contact", "", "+84900000000 Người quen")),
    "edited": Said("Em đang ở nhà trọ, sửa lại", edited=True),
    "dice": Empty(),
    "without_content": Empty(),
    "auto_delete_timer": Ignored("a note of the platform about the chat"),
    "blocked_by_the_person": Gone(),
    "unblocked_by_the_person": Ignored("a kind of update that is not used"),
    "group": Ignored("not a private chat"),
    "group_button": Ignored("not a private chat"),
    "channel_post": Ignored("a kind of update that is not used"),
    "written_by_a_bot": Ignored("written by a bot"),
    "wrong_types": Ignored("unreadable"),
}


def body(name: str) -> bytes:
    return (FILES / f"{name}.json").read_bytes()


def test_every_update_on_file_has_its_meaning_here():
    assert {file.stem for file in FILES.glob("*.json")} == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_an_update_is_read_as_what_the_person_did(name):
    found = read(body(name))
    assert (found.event if isinstance(found, Inbound) else found) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_bytes_and_a_decoded_update_are_read_alike(name):
    assert read(json.loads(body(name))) == read(body(name))


def test_a_message_carries_where_to_answer_and_what_to_delete():
    found = read(body("text"))
    assert isinstance(found, Inbound)
    assert (found.channel, found.external_id, found.address) == ("telegram", "900000001", "700100200")
    assert (found.message_id, found.language, found.press) == ("41", "vi", {})


def test_a_pressed_button_carries_what_closes_it():
    found = read(body("button"))
    assert isinstance(found, Inbound)
    assert found.press == {
        "id": "3006900000000000001",
        "chat": "700100200",
        "message_id": "40",
        "data": "p3:yes",
        "label": "Có",
    }
    assert found.message_id == ""


def test_an_unknown_button_can_still_be_closed():
    found = read(body("button_unknown"))
    assert isinstance(found, Inbound)
    assert found.press["id"] == "3006900000000000001"


def test_an_edit_is_an_update_of_its_own():
    found = read(body("edited"))
    assert isinstance(found, Inbound)
    assert found.external_id == str(json.loads(body("edited"))["update_id"])


def test_nothing_that_is_written_names_the_person():
    for name in EXPECTED:
        assert "nguoidung" not in repr(read(body(name)))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"update_id": 1, "message": {"message_id": 1, "chat": {"id": 1}, "pinned_message": ' + b"[" * 100_000,
        b'{"update_id": ' + b"9" * 6000 + b"}",
        b'{"update_id": 1, "message": {"message_id": 1, "chat": {"id": "x", "type": "private"}, "text": "a"}}',
        b'{"update_id": 1, "message": {"message_id": 1, "chat": null}}',
    ],
)
def test_what_is_not_an_update_is_ignored_with_a_reason(raw):
    assert read(raw) == Ignored("unreadable")


def test_a_damaged_character_does_not_lose_the_message():
    raw = (
        b'{"update_id": 1, "message": {"message_id": 1, "chat": {"id": 7, "type": "private"}, "text": "c\xff\\ud800u"}}'
    )
    found = read(raw)
    assert isinstance(found, Inbound)
    assert found.event == Said("c\ufffdu")


def test_a_place_that_does_not_exist_is_no_place():
    update = json.loads(body("location"))
    update["message"]["location"] = {"latitude": 921.0, "longitude": 6.0}
    found = read(update)
    assert isinstance(found, Inbound)
    assert found.event == Empty()


def test_start_takes_64_signs_and_no_more():
    update = json.loads(body("start"))
    for length, event in ((64, Opened("a" * 64)), (65, Said("/start " + "a" * 65))):
        update["message"]["text"] = "/start " + "a" * length
        found = read(update)
        assert isinstance(found, Inbound)
        assert found.event == event


# ------------------------------------------------------------------------------------------------------ properties

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += _places(inner, (*path, key))
    return found


def _changed(update: Any, path: tuple[Any, ...], value: Any) -> Any:
    inner = update
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return update


@st.composite
def broken_updates(draw: st.DrawFn) -> bytes:
    """A real update in which one thing is something else, or whose bytes are cut or changed."""
    update = json.loads(body(draw(st.sampled_from(sorted(EXPECTED)))))
    raw = json.dumps(_changed(update, draw(st.sampled_from(_places(update))), draw(anything))).encode()
    how = draw(st.sampled_from(["whole", "cut", "flipped"]))
    at = draw(st.integers(0, len(raw) - 1))
    if how == "cut":
        return raw[:at]
    return raw if how == "whole" else raw[:at] + bytes([draw(st.integers(0, 255))]) + raw[at + 1 :]


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(raw=broken_updates() | st.binary(max_size=200))
def test_no_body_ever_raises(raw):
    found = read(raw)
    if isinstance(found, Ignored):
        assert found.why
        return
    assert found.channel == "telegram"
    assert found.external_id
    assert found.address.lstrip("-").isdecimal()
    repr(found).encode()  # nothing in it that cannot be stored


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_a_tidied_text_shows_as_it_is_written(text):
    words = tidy(text, LONGEST)
    assert len(words) <= LONGEST
    assert not set(words) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200f\x00\x1b")
    assert tidy(words, LONGEST) == words
    words.encode()
