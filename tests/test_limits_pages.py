"""Floods at the pages: a network is held back, neighbours and whoever needs help are not; secrets are not tried without end."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.limits import RATES, Rate, RateLimits
from bot.settings import Settings
from bot.web.site import Site, build_site
from tests.test_limits import FAST, NUMBERS, Hand
from tests.test_limits import hand as hand
from tests.test_limits import limits as limits
from tests.world import World


def site_over(world: World, folder: Path, **settings: Any) -> Any:
    parts = Site(
        receiver=world.receiver, storage=world.storage, book=world.book, now=lambda: world.now,
        settings=Settings(home=folder, exports=folder / "exports", **settings),
    )  # fmt: skip
    return build_site(parts)


@pytest.fixture
def site(world: World, limits: RateLimits, tmp_path: Path) -> Any:
    return site_over(world, tmp_path)


def browser(site: Any, peer: str = "203.0.114.7", **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(site, raise_app_exceptions=False, client=(peer, 4000))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers)


@pytest.fixture
def few(world: World, hand: Hand) -> RateLimits:
    """Limits so small that a test reaches them."""
    small = {name: Rate(5, 0.1) for name in ("network", "newcomers", "doors", "wrong")}
    world.receiver.limits = RateLimits(hand, {**RATES, **small, "requests": Rate(30, 1), "files": Rate(500, 1)})
    return world.receiver.limits


async def post(client: httpx.AsyncClient, fields: dict[str, str], files: Any = None) -> httpx.Response:
    """One form of somebody new: a look gives the token, then the form."""
    client.cookies.clear()
    page = await client.get("/", headers={"X-Forwarded-For": ""})
    token = page.cookies.get("nc") or ""
    nonce = re.findall(r'name="nonce" value="([^"]+)"', page.text)
    client.cookies.set("nc", token)
    return await client.post("/", data={"nonce": nonce[0] if nonce else "n", **fields}, files=files)


async def test_new_conversations_of_one_network_do_not_fill_the_disk(world: World, few: RateLimits, tmp_path: Path):
    async with browser(site_over(world, tmp_path)) as client:
        answers = [await post(client, {"text": "xin chào bạn nhé", "send": "1"}) for _ in range(12)]
    assert [one.status_code for one in answers] == [303] * 5 + [429] * 7
    assert FAST in answers[-1].text
    assert "xin chào bạn nhé" in answers[-1].text, "what was typed must be given back"
    assert 'class="danger"' in answers[-1].text
    assert len({commit.conversation.id for commit in world.commits if commit.conversation}) == 5


@pytest.mark.parametrize("form", [{"choose": "p0:danger"}, {"text": "cứu em với", "send": "1"}])
async def test_behind_a_network_that_floods_help_is_reached(
    world: World, few: RateLimits, tmp_path: Path, form: dict[str, str]
):
    async with browser(site_over(world, tmp_path)) as client:
        for _ in range(12):
            await post(client, {"text": "xin chào bạn nhé", "send": "1"})
        answer = await post(client, form)
        page = await client.get("/")
    assert answer.status_code == 303
    assert 'href="tel:113"' in page.text
    assert [one.level for one in world.intakes.values()] == ["L4"]


async def test_another_network_is_not_held_back(world: World, few: RateLimits, tmp_path: Path):
    site = site_over(world, tmp_path)
    async with browser(site) as one, browser(site, "198.51.101.1") as other:
        for _ in range(12):
            await post(one, {"text": "xin chào", "send": "1"})
        assert (await post(other, {"text": "xin chào", "send": "1"})).status_code == 303


async def test_a_network_that_asks_without_end_gets_a_short_answer_with_the_numbers(
    world: World, few: RateLimits, tmp_path: Path
):
    async with browser(site_over(world, tmp_path)) as client:
        answers = [await client.get("/static/chat.css") for _ in range(40)]
    assert [one.status_code for one in answers] == [200] * 30 + [429] * 10
    assert answers[-1].headers["retry-after"] == "60"
    assert all(number in answers[-1].text for number in NUMBERS)
    assert answers[-1].headers["cache-control"] == "no-store"


async def test_a_name_in_a_forwarded_header_is_not_believed_from_anybody(world: World, few: RateLimits, tmp_path: Path):
    async with browser(site_over(world, tmp_path)) as client:
        answers = [
            (await client.get("/static/chat.css", headers={"X-Forwarded-For": f"198.51.{n}.1"})).status_code
            for n in range(40)
        ]
    assert answers.count(429) == 10


async def test_files_without_end_are_left_out_and_the_words_kept(world: World, few: RateLimits, tmp_path: Path):
    photo = {"files": ("a.jpg", b"\xff\xd8\xff\xe0" + b"\0" * 300, "image/jpeg")}
    async with browser(site_over(world, tmp_path)) as client:
        first = await post(client, {"text": "một", "send": "1"}, photo)
        second = await post(client, {"text": "hai ba bốn", "send": "1"}, photo)
        page = await client.get(second.headers["location"])
    assert first.headers["location"] == "./"
    assert second.headers["location"] == "./?note=later"
    assert "Lúc này chưa nhận thêm được tệp" in page.text


# ----------------------------------------------------------------------------------------- wrong, forged and replayed


async def test_passwords_are_not_tried_without_end(world: World, few: RateLimits, tmp_path: Path, leak_guard: Any):
    async with browser(site_over(world, tmp_path)) as client:
        answers = [await client.post("/officers/sign-in", data={"login": "a", "password": "b"}) for _ in range(12)]
    assert [one.status_code for one in answers][:5] == [403] * 5
    assert {one.status_code for one in answers[5:]} == {429}
    assert '"event": "refused", "kind": "sign_in", "count": 1' in leak_guard.getvalue()


@pytest.mark.parametrize("path", ["/officers/join", "/officers/r/abcdef", "/officers/exports/x.csv"])
async def test_what_is_refused_often_is_answered_alike_whatever_was_wrong(
    world: World, few: RateLimits, tmp_path: Path, path: str
):
    async with browser(site_over(world, tmp_path)) as client:
        for _ in range(8):
            await client.post(path, data={"csrf": "forged", "code": "ABCD"})
            await client.get("/officers/nowhere")
        answer = await client.post(path, data={"csrf": "forged"})
    assert answer.status_code == 429
    assert "csrf" not in answer.text.lower()


async def test_a_forged_session_is_counted_and_keeps_no_colleague_out(
    world: World, few: RateLimits, tmp_path: Path, leak_guard: Any
):
    async with browser(site_over(world, tmp_path)) as client:
        for number in range(10):
            client.cookies.set("canbo", f"forged{number}")
            assert (await client.get("/officers/")).status_code == 303
    assert '"kind": "session"' in leak_guard.getvalue()
    assert "forged" not in leak_guard.getvalue()
