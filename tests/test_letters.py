"""An officer sees what became of each message: sent is not seen, least of all by somebody who left in a hurry."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from html import unescape
from pathlib import Path

import pytest

from bot.web.console.cases import OPENED
from bot.web.words import LETTERS
from tests.test_console import Desk, add_officer
from tests.test_console import desk as desk
from tests.test_console import site as site
from tests.test_leaving import comes
from tests.test_web_chat import Visitor
from tests.test_web_chat import visitor as visitor
from tests.world import World

ASKED = "Ban dang o gan cho nao?"
AGAIN = "Con o do khong?"


@pytest.fixture
async def case(world: World, visitor: Visitor, desk: Desk) -> str:
    """They left word on the page for the person on duty, who took it; the path of the case."""
    for label in ("An toàn", "Gặp người thật", "Nhắn lại cho tôi ở đây", "Bỏ qua"):
        await visitor.press(label)
    await world.deliverer.drain()
    await add_officer(world, "lan", "hotline-111")
    await desk.sign_in("lan")
    path = f"/officers/r/{next(iter(world.referrals.values())).id}"
    assert (await desk.post(path, do="acknowledge")).status_code == 303
    return path


async def asks(world: World, desk: Desk, case: str, text: str = ASKED) -> None:
    assert (await desk.post(case, do="ask", text=text)).status_code == 303
    await world.deliverer.drain()


async def became(desk: Desk, case: str) -> list[str]:
    """What the case says of each message, by its code."""
    page = unescape((await desk.get(f"{case}?{OPENED}=1")).text)
    items = page.split('<li class="ours">')[1:]
    codes = {label: code for code, label in LETTERS.items()}
    return [codes[item.split("</p>")[0].rpartition(" · ")[2]] for item in items]


def receipt(world: World) -> str:
    return next(one.intake.receipt for one in world.commits if one.new_intake and one.intake)


async def comes_back(world: World, visitor: Visitor) -> None:
    """In another browser, with the receipt and nothing else."""
    await visitor.look()
    await visitor.write(receipt(world))


async def test_what_stands_on_the_page_counts_as_seen_only_when_they_go_on_from_there(
    world: World, visitor: Visitor, desk: Desk, case: str
) -> None:
    await asks(world, desk, case)
    assert await became(desk, case) == ["unsure"]
    await visitor.look()
    assert await became(desk, case) == ["unsure"], "looking stores nothing"
    await visitor.press("Tôi muốn hỏi thông tin")
    assert await became(desk, case) == ["seen"]


async def test_who_left_at_once_has_not_seen_it_and_sees_it_when_they_come_back_by_receipt(
    world: World, visitor: Visitor, desk: Desk, case: str
) -> None:
    await asks(world, desk, case)
    await visitor.look("/lich")
    assert await became(desk, case) == ["left"]
    await comes_back(world, visitor)
    assert ASKED in visitor.said
    assert await became(desk, case) == ["seen"]
    assert "quay lại bằng mã và xem lời cán bộ" in unescape((await desk.get(case)).text)


async def test_what_is_written_after_they_left_is_kept_and_never_sent(
    world: World, visitor: Visitor, desk: Desk, case: str
) -> None:
    await visitor.look("/lich")
    await asks(world, desk, case)
    assert await became(desk, case) == ["kept"]
    assert not [row for one in world.commits for row in one.outbox if row.kind == "say" and ASKED in str(row.body)]
    await comes_back(world, visitor)
    assert ASKED in visitor.said
    await asks(world, desk, case, AGAIN)
    assert await became(desk, case) == ["seen", "kept"]


async def test_an_answer_that_comes_after_they_left_says_nothing_of_what_they_saw(
    world: World, visitor: Visitor, desk: Desk, case: str
) -> None:
    """It was on its way when the message came, and when they left."""
    token, nonce = visitor.token, visitor.nonce
    await asks(world, desk, case)
    await visitor.look("/lich")
    turns = len(world.commits)
    await comes(visitor, token, nonce=nonce, text="khong biet nua")
    assert len(world.commits) == turns + 1
    assert await became(desk, case) == ["left"]


async def test_a_receipt_that_comes_after_they_left_again_shows_them_nothing(
    world: World, visitor: Visitor, desk: Desk, case: str
) -> None:
    await visitor.look("/lich")
    await asks(world, desk, case)
    await visitor.look()
    await visitor.press("An toàn")
    token, nonce = visitor.token, visitor.nonce
    await visitor.look("/lich")
    await comes(visitor, token, nonce=nonce, text=receipt(world))
    assert await became(desk, case) == ["kept"]


async def test_the_cookie_that_somebody_kept_shows_nothing_of_it(
    world: World, visitor: Visitor, desk: Desk, case: str
) -> None:
    """Whoever took the browser begins anew there: that is not the person coming back."""
    kept = visitor.token
    await asks(world, desk, case)
    await visitor.look("/lich")
    visitor.client.cookies.set("nc", kept)
    await visitor.look()
    await visitor.press("An toàn")
    assert ASKED not in visitor.said
    assert await became(desk, case) == ["left"]


async def test_who_stopped_on_an_older_page_has_perhaps_not_seen_it(
    world: World, visitor: Visitor, desk: Desk, case: str
) -> None:
    await asks(world, desk, case)
    await visitor.press("Dừng và xóa")
    assert await became(desk, case) == ["left"]


async def test_on_a_platform_it_has_reached_their_channel_or_it_waits_or_it_never_will(
    world: World, desk: Desk, tmp_path: Path
) -> None:
    world.uses("chi", "telegram")
    await world.open("chi")
    for choice in ("safe", "person", "leave_word", "skip"):
        await world.choose("chi", choice)
    await world.deliverer.drain()
    await add_officer(world, "lan", "hotline-111")
    await desk.sign_in("lan")
    case = f"/officers/r/{next(iter(world.referrals.values())).id}"
    await desk.post(case, do="acknowledge")
    await asks(world, desk, case)
    assert await became(desk, case) == ["sent"]
    await desk.post(case, do="ask", text=AGAIN)
    assert await became(desk, case) == ["sent", "waiting"]
    with closing(sqlite3.connect(tmp_path / "world.db")) as database, database:
        database.execute("UPDATE outbox SET state = 'dead', finished = 1 WHERE kind = 'say' AND state = 'waiting'")
    assert await became(desk, case) == ["sent", "kept"]
