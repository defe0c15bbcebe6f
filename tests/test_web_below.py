"""The citizens' pages below a folder of somebody's host, as a proxy that cuts the folder off hands them on; and as an onion."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.test_web_chat import Visitor, site_over
from tests.world import World

FOLDER = "/tro-giup"


def below(site: ASGIApp) -> ASGIApp:
    """What stands in front: knows one folder, cuts it off, and has nothing else of ours."""

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["path"].startswith(f"{FOLDER}/"), f"{scope['path']} leads out of the folder"
        cut = {**scope, "path": scope["path"].removeprefix(FOLDER), "raw_path": b""}
        await site(cut, receive, send)

    return front


@pytest.fixture
async def visitor(world: World, tmp_path: Path) -> AsyncIterator[Visitor]:
    transport = httpx.ASGITransport(below(site_over(world, tmp_path)))
    async with httpx.AsyncClient(transport=transport, base_url="http://chungtoi.example") as client:
        one = Visitor(client, FOLDER + "/")
        await one.look(FOLDER + "/")
        yield one


def addresses(page: httpx.Response) -> list[httpx.URL]:
    """Everything that the page asks for or leads to, as a browser resolves it; telephone numbers aside."""
    found = re.findall(r'(?:href|src|action)="([^"]*)"', page.text)
    return [page.url.join(one) for one in found if not one.startswith("tel:")]


async def test_a_tip_is_told_and_left_below_a_folder(world: World, visitor: Visitor):
    for label in ("An toàn", "Tôi thấy việc đáng ngờ", "Bỏ qua", "Bỏ qua", "Vùng biên giới", "Gửi luôn"):
        await visitor.press(label)
    assert re.search(r"\d{4} \d{4} \d{4} \d{4}", visitor.said)
    assert [one.kind for one in world.intakes.values()] == ["tip"]
    await visitor.look(f"{FOLDER}/lich")
    assert visitor.token == ""


async def test_stop_leads_to_its_page_below_the_folder(visitor: Visitor):
    await visitor.press("An toàn")
    await visitor.write("dừng")
    assert visitor.page.url.path == f"{FOLDER}/left"
    assert "Đã dừng" in visitor.said


@pytest.mark.parametrize("path", ["/", "/left", "/lich", "/that", "/khong-co", "/khong/co/gi"])
async def test_no_page_leads_out_of_its_folder(visitor: Visitor, path: str):
    page = await visitor.client.get(FOLDER + path)
    found = addresses(page)
    assert found
    assert [str(one) for one in found if not one.path.startswith(f"{FOLDER}/")] == []
    assert {one.host for one in found} == {"chungtoi.example"}
    for one in found:
        assert (await visitor.client.get(one)).status_code == 200


async def test_the_token_is_shown_to_no_other_page_of_the_host(visitor: Visitor):
    await visitor.press("An toàn")
    cookies: Any = visitor.client.cookies.jar
    assert [(one.name, one.path) for one in cookies] == [("nc", FOLDER)]


async def test_no_page_names_its_host(world: World, tmp_path: Path):
    host = "http://abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuvwx.onion"
    transport = httpx.ASGITransport(site_over(world, tmp_path))
    async with httpx.AsyncClient(transport=transport, base_url=host) as client:
        one = Visitor(client)
        await one.look()
        posted = await one.press("An toàn")
        assert "//" not in posted.headers["location"]
        assert "Bạn cần gì lúc này?" in one.said
        assert ".onion" not in one.page.text
