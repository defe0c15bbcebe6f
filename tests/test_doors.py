"""The three black-box doors (docs/doors.md): JSON lines in, JSON lines out, the same every time."""

from __future__ import annotations

import io
import itertools
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.book import ROOT, Book
from bot.doors import lines, route, triage
from bot.doors.talk import CHANNELS, FIELDS, MEDIA, Talk
from referral.codes import ANY_OF, ONE_OF, ROUTES
from storage.open import open_storage
from tests.world import KEY

CASE = {
    "id": "c1", "kind": "other", "reporter": "relative", "danger": "now", "age": "under_16",
    "where": {"kind": "abroad", "country": "KH", "province": None}, "home_province": "20", "stage": "there",
    "act": ["recruited", "transported"], "means": ["deceit", "confined"],
    "purpose": ["forced_criminality", "ransom_or_resale"], "signs": [], "needs": ["medical"],
    "consent": {"share": ["police"]}, "retaliation": False,
}  # fmt: skip
"""The example of docs/doors.md."""

DAY = [
    {"at": "2026-11-23T08:00:00+07:00", "who": "p1", "channel": "zalo_bot", "say": "xin chào"},
    {"who": "p1", "choose": "1"},
    {"who": "p1", "choose": "tip"},
    {"who": "p1", "send": "photo"},
    {"at": "2026-11-23T08:05:00+07:00"},
    {"who": "p1", "choose": "danger"},
    {"at": "2026-11-23T08:06:30+07:00"},
    {"officer": "police-1", "do": "acknowledge", "referral": "R1"},
    {"at": "2026-11-23T09:00:00+07:00"},
]


async def door(answer: Any, *asked: Any) -> tuple[list[dict[str, Any]], int]:
    """What a door answers to these lines (objects, or texts as they are), and its exit status."""
    out = io.StringIO()
    text = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in asked]
    status = await lines.serve(text, out, answer)
    return [json.loads(one) for one in out.getvalue().splitlines()], status


@pytest.fixture
def talk_door(tmp_path: Path, book: Book) -> Any:
    numbers = itertools.count()

    async def talk(*asked: Any) -> tuple[list[dict[str, Any]], int]:
        storage = await open_storage(tmp_path / f"{next(numbers)}.db", KEY)
        try:
            return await door(Talk(storage, book).answer, *asked)
        finally:
            await storage.close()

    return talk


# --------------------------------------------------------------------------------------------------------------- route


async def test_route_answers_the_example(book: Book) -> None:
    (answer,), status = await door(partial(route.answer, book), CASE)
    assert status == 0
    assert list(answer) == ["id", "level", "elements", "routes", "numbers", "suggested_articles", "form"]
    assert (answer["id"], answer["level"]) == ("c1", "L4")
    assert answer["elements"] == {"act": True, "means": True, "purpose": True}
    assert list(answer["routes"][0]) == ["to", "identified", "rule", "because", "source"]
    assert {"police", "consular", "hotline_111"} <= {one["to"] for one in answer["routes"]}
    assert {"111", "113", "+84 981 848 484"} <= set(answer["numbers"])
    assert answer["form"] == "forced_criminality"


async def test_route_reads_what_is_left_out_as_unknown(book: Book) -> None:
    unknown: dict[str, Any] = dict.fromkeys(("reporter", "danger", "age", "stage"), "unknown")
    empty: dict[str, Any] = {name: [] for name in ("act", "means", "purpose", "signs", "needs")}
    nothing: dict[str, Any] = dict.fromkeys(("home_province", "consent", "retaliation"))
    everything = {"id": "c1", "where": {"kind": "unknown"}, **unknown, **empty, **nothing}
    (short, long), status = await door(partial(route.answer, book), {"id": "c1"}, everything)
    assert status == 0
    assert short == long


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"kind": "rescue"}, "kind should be one of tip, self, other, missing, support, info"),
        ({"danger": "very"}, "danger should be one of now, imminent, watched, none, unknown"),
        ({"age": 15}, "age should be one of under_16, 16_17, adult, unknown"),
        ({"where": "here"}, "where should be an object of kind, country and province"),
        ({"where": {"kind": "moon"}}, "where.kind should be one of domestic, border, sea, abroad, unknown"),
        ({"where": {"country": "kh"}}, "where.country should be an ISO 3166-1 code of two capital letters"),
        ({"where": {"province": "99"}}, "where.province should be a two-digit code of one of the 34 provinces"),
        ({"where": {"city": "x"}}, "where.city is not a field; known are country, kind, province"),
        ({"home_province": 20}, "home_province should be a text"),
        ({"act": "recruited"}, "act should be a list of recruited, transported, harboured, transferred, received"),
        ({"needs": ["money"]}, "needs should be a list of shelter, essentials"),
        ({"consent": ["police"]}, "consent should be an object with share"),
        ({"consent": {"share": "some"}}, 'consent.share should be "all", "none" or a list of police'),
        ({"consent": {"who": []}}, "consent.who is not a field; known are share"),
        ({"retaliation": "no"}, "retaliation should be true or false"),
        ({"colour": "red"}, "colour is not a field; known are act, age"),
        ({"id": None}, "id should be a text"),
    ],
)
async def test_route_names_the_field_and_what_it_should_be(book: Book, wrong: dict[str, Any], sentence: str) -> None:
    (bad, good), status = await door(partial(route.answer, book), {"id": "c1"} | wrong, {"id": "c2"})
    assert status == 1
    assert bad["line"] == 1
    assert bad["error"].startswith(sentence)
    assert good["id"] == "c2", "the next line is still answered"


# -------------------------------------------------------------------------------------------------------------- triage


async def test_triage_answers_the_example(book: Book) -> None:
    (answer,), status = await door(
        partial(triage.answer, book), {"id": "m1", "text": "cuu em voi", "channel": "telegram"}
    )
    assert status == 0
    assert list(answer) == ["id", "lang", "intent", "urgent", "trafficking", "child", "place", "heard", "reply"]
    assert (answer["lang"], answer["intent"], answer["urgent"]) == ("vi", "emergency_self", True)
    assert answer["heard"]
    assert "113" in answer["reply"]
    assert "111" in answer["reply"]


async def test_triage_gives_the_reply_that_the_person_would_get(book: Book, talk_door: Any) -> None:
    for said in ("xin chào", "cuu em voi", "hello", "em gái tôi mất liên lạc ở Bavet"):
        (understood,), _ = await door(partial(triage.answer, book), {"id": "m", "text": said})
        (answered,), _ = await talk_door({"who": "p", "say": said})
        assert understood["reply"] == answered["bot"][0]["text"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ({"id": "m1"}, "text should be a text"),
        ({"text": "x"}, "id should be a text"),
        ({"id": "m1", "text": "x", "channel": "fax"}, "channel should be one of telegram, zalo_bot, zalo_oa, web"),
        ({"id": "m1", "text": "x", "lang": "vi"}, "lang is not a field; known are channel, id, text"),
        ({"id": "m1", "text": 5}, "text should be a text"),
    ],
)
async def test_triage_names_the_field(book: Book, line: dict[str, Any], sentence: str) -> None:
    (bad, good), status = await door(partial(triage.answer, book), line, {"id": "m2", "text": ""})
    assert status == 1
    assert bad == {"error": sentence, "line": 1}
    assert good["id"] == "m2"


# ---------------------------------------------------------------------------------------------------------------- talk


async def test_talk_plays_a_day(talk_door: Any) -> None:
    answers, status = await talk_door(*DAY)
    assert status == 0
    assert all(list(one) == ["who", "bot", "did", "step", "flow", "receipt"] for one in answers)
    assert list(answers[0]["bot"][0]) == ["text", "choices", "quiet"]
    assert answers[0]["bot"][0]["choices"][0] == {"id": "safe", "label": "An toàn"}
    assert [one["step"] for one in answers[:4]] == ["hello.safety", "hello.door", "tip.place_kind", "tip.place_kind"]
    assert answers[4] == {"who": None, "bot": [], "did": [], "step": None, "flow": None, "receipt": None}
    alert = answers[5]["did"]
    assert [(one["effect"], one["to"], one["urgent"]) for one in alert] == [
        ("notify_agency", "police", True),
        ("notify_agency", "hotline_111", True),
    ]
    assert "113" in answers[5]["bot"][0]["text"]
    assert len(answers[5]["receipt"]) == 16


async def test_talk_lets_timers_go_off_on_the_way(talk_door: Any) -> None:
    answers, _ = await talk_door(*DAY)
    assert [one["effect"] for one in answers[6]["did"]] == ["alert_officer", "alert_officer"], (
        "nobody took it for a minute"
    )
    assert answers[7]["did"] == [
        {"effect": "referral_moved", "referral": "R1", "to": "police", "state": "acknowledged"}
    ]
    assert {one["referral"] for one in answers[8]["did"]} == {"R2"}, "what was taken no longer climbs"


async def test_talk_forgets_a_draft_after_a_day(talk_door: Any) -> None:
    answers, _ = await talk_door(*DAY[:3], {"at": "2026-11-24T08:00:01+07:00"}, {"who": "p1", "choose": "done"})
    assert answers[3]["did"] == [{"effect": "erase"}]
    assert answers[4]["step"] == "hello.safety"


async def test_talk_clears_the_chat_on_stop(talk_door: Any) -> None:
    answers, _ = await talk_door({"who": "p", "channel": "telegram", "say": "/start"}, {"who": "p", "choose": "stop"})
    assert {one["effect"] for one in answers[1]["did"]} == {"clear_chat", "erase"}
    assert answers[1]["step"] is None
    assert answers[1]["receipt"] is None


async def test_talk_keeps_people_and_channels_apart(talk_door: Any) -> None:
    answers, _ = await talk_door(
        {"who": "a", "channel": "telegram", "say": "/start qr7"},
        {"who": "b", "say": "/start"},
        {"who": "a", "choose": "safe"},
    )
    assert [one["step"] for one in answers] == ["hello.safety", "hello.safety", "hello.door"]


@pytest.mark.parametrize("kind", MEDIA)
async def test_talk_takes_everything_that_can_be_sent(talk_door: Any, kind: str) -> None:
    answers, status = await talk_door({"who": "p", "send": kind})
    assert status == 0
    assert "111" in answers[0]["bot"][0]["text"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ({"at": "2026-11-23T07:00:00+07:00"}, "at should not be earlier than the line before"),
        ({"at": "tomorrow"}, "at should be a time like 2026-11-23T08:00:00+07:00"),
        ({"at": "2026-11-23T08:00:00"}, "at should say its time zone, like +07:00"),
        ({}, "a line should have who, officer or at"),
        ({"at": None}, "a line should have who, officer or at"),
        ({"who": "p1"}, "a line with who should have exactly one of say, choose, send"),
        ({"who": "p1", "say": "a", "choose": "b"}, "a line with who should have exactly one of say, choose, send"),
        ({"who": "", "say": "a"}, "who should not be empty"),
        ({"who": 7, "say": "a"}, "who should be a text"),
        ({"who": "p1", "say": 7}, "say should be a text"),
        ({"who": "p1", "choose": " , "}, "choose should be a choice's id or number"),
        ({"who": "p1", "send": "fax"}, f"send should be one of {', '.join(MEDIA)}"),
        ({"who": "p1", "say": "a", "channel": "fax"}, f"channel should be one of {', '.join(CHANNELS)}"),
        ({"who": "p1", "shout": "a"}, f"shout is not a field; known are {', '.join(sorted(FIELDS))}"),
        ({"officer": "police-1", "referral": "R9"}, "referral should be one of R1, R2, … once there are any"),
        ({"officer": "police-1"}, "referral should be a text"),
    ],
)
async def test_talk_names_the_field_and_what_it_should_be(talk_door: Any, line: dict[str, Any], sentence: str) -> None:
    answers, status = await talk_door(DAY[0], line, {"who": "p1", "choose": "safe"})
    assert status == 1
    assert answers[1] == {"error": sentence, "line": 2}
    assert answers[2]["step"] == "hello.door", "the next line is still answered"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ({"officer": "chief-1", "referral": "R1"}, "officer should be <route id>-<n>, like police-1"),
        ({"officer": "police-1", "do": "dance", "referral": "R1"}, "do should be one of acknowledge, accept, return"),
        ({"officer": "consular-1", "do": "acknowledge", "referral": "R1"}, "do: Hồ sơ này không thuộc cơ quan bạn"),
        ({"officer": "police-1", "do": "return", "referral": "R1"}, "do: "),
    ],
)
async def test_talk_refuses_what_an_officer_may_not(talk_door: Any, line: dict[str, Any], sentence: str) -> None:
    answers, status = await talk_door(*DAY[:6], line)
    assert status == 1
    assert answers[-1]["error"].startswith(sentence)


# ------------------------------------------------------------------------------------------------------------- all three


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("not json", "the line should be one JSON object; Expecting value at character 1"),
        ("[1]", "the line should be one JSON object"),
        ('{"id": "a", "id": "b"}', "id is given twice"),
        ("[" * 5000, "the line is nested too deeply"),
        ('{"id": "\\ud800", "text": ""}', "the line holds half a character (a lone surrogate); write it whole"),
        ('{"id": "a", "where": {"kind": "sea", "kind": "sea"}}', "kind is given twice"),
    ],
)
@pytest.mark.parametrize("name", ["route", "triage"])
async def test_a_line_that_is_no_object_is_named(book: Book, name: str, text: str, sentence: str) -> None:
    answer = partial({"route": route, "triage": triage}[name].answer, book)
    answers, status = await door(answer, "", text, "   ", {"id": "x"} if name == "route" else {"id": "x", "text": ""})
    assert status == 1
    assert answers[0] == {"error": sentence, "line": 2}
    assert answers[1]["id"] == "x"


async def test_the_same_lines_give_the_same_bytes(book: Book, talk_door: Any) -> None:
    assert await talk_door(*DAY) == await talk_door(*DAY)
    for answer, line in ((route.answer, CASE), (triage.answer, {"id": "m1", "text": "em 15 tuổi, ở Lạng Sơn"})):
        once, again = [await door(partial(answer, book), line, line) for _ in range(2)]
        assert once == again


EVERY: dict[str, list[dict[str, Any]]] = {
    "route": [CASE, {"id": "c2", "kind": "tip"}],
    "triage": [{"id": "m1", "text": "cuu em voi"}, {"id": "m2", "text": "hello"}],
    "talk": DAY,
}


@pytest.mark.parametrize("name", EVERY)
def test_the_real_command_twice(name: str) -> None:
    asked = "\n".join(json.dumps(line, ensure_ascii=False) for line in EVERY[name])
    first, second = (_command(name, asked), _command(name, asked)) if name == "talk" else (_command(name, asked),) * 2
    assert first.stdout == second.stdout
    assert first.stdout.count("\n") == len(EVERY[name])
    assert (first.returncode, first.stderr) == (0, "")


@pytest.mark.parametrize("name", EVERY)
def test_the_real_command_with_a_bad_line_ends_with_one(name: str) -> None:
    done = _command(name, '{"colour": "red"}\n')
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"].startswith("colour is not a field")
    assert done.stderr == ""


def test_the_real_command_answers_after_bytes_that_are_no_text() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "route", "--json"], cwd=ROOT, env={"LANG": "C"}, timeout=180, check=False,
        input=b'{"id": "\xff\xfe"}\n{"id": "c2"}\n', capture_output=True,
    )  # fmt: skip
    bad, good = [json.loads(line) for line in done.stdout.splitlines()]
    assert bad == {"error": "the line holds half a character (a lone surrogate); write it whole", "line": 1}
    assert good["id"] == "c2"
    assert done.returncode == 1


def _command(name: str, asked: str) -> subprocess.CompletedProcess[str]:
    given = {"PYTHONHASHSEED": "random", "PATH": os.environ.get("PATH", ""), "LANG": "C"}
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "bot", name, "--json"], cwd=ROOT, env=given, input=asked, capture_output=True, text=True,
        encoding="utf-8", timeout=180, check=False,
    )  # fmt: skip


def test_the_document_names_every_code() -> None:
    told = (ROOT / "docs" / "doors.md").read_text("utf-8")
    codes = {code for codes in (*ONE_OF.values(), *ANY_OF.values(), ROUTES, CHANNELS, MEDIA, FIELDS) for code in codes}
    assert {code for code in codes - {"yes", "no"} if code not in told} == set()
