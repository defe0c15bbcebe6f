"""The officers of an office: who they are, inviting, inviting anew, another role, revoking. A chief's office; all for an admin.

An admin sees the directory as well: each office, its number, and whether anybody there would be reached.

A one-time code is shown once, in the answer to the form that made it, and stands in no address and no log.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.accounts.joining import CODE_LASTS, may_manage, new_code, new_officer, roles_given_by
from bot.doors_table import every_door
from bot.reach import NOTIFIED, by_officer, doors_on, unreached
from bot.web import words
from bot.web.console.access import Desk, note
from bot.web.console.doors import NO_DOOR, NONE_REACHES, door_words
from bot.web.console.frame import page_values
from bot.web.look import Look, look_of
from bot.web.pages import render
from referral.directory import is_open
from storage.accounts import OfficerUnknown
from storage.audit import Audit
from storage.base import Door, Officer
from storage.doors import Doors
from storage.keyring import Keyring
from storage.staff import Entry

LONGEST_NAME: Final = 80
NO_NAME: Final = f"Cần họ tên để đồng nghiệp nhận ra, không quá {LONGEST_NAME} ký tự."
NO_OFFICE: Final = "Chọn cơ quan và vai trò trong danh sách."
MADE_BEFORE: Final = "Cán bộ này đã được thêm. Mã chỉ hiện một lần; nếu chưa ghi lại thì cấp mã mới."
NOT_YOURS: Final = "Không có cán bộ đang hoạt động nào như vậy mà bạn được quản lý. Không có gì thay đổi."
_NUMBER = re.compile(r"[0-9a-f]{6}")


async def show(request: Request, desk: Desk) -> Response:
    """GET /staff. 404 for whoever manages nobody."""
    return await _page(request, desk)


async def act(request: Request, desk: Desk) -> Response:
    """POST /staff: invite, again, role or revoke; the page with what came of it, or 409 with why nothing did."""
    form = request.state.form
    do = _ACTS.get(str(form.get("do", "")))
    if do is None or not roles_given_by(desk.officer):
        raise HTTPException(404)
    try:
        done = await do(desk, look_of(request), {name: str(value).strip() for name, value in form.items()})
    except OfficerUnknown:  # revoked, or given another role, in this moment
        done = {"wrong": NOT_YOURS}
    if done.get("wrong") == NOT_YOURS:
        await Audit(desk.parts.storage).refused(desk.officer.id, "", "staff.act", desk.parts.now())
    return await _page(request, desk, 409 if "wrong" in done else 200, **done)


async def _invite(desk: Desk, look: Look, given: dict[str, str]) -> dict[str, str]:
    name, number = given.get("name", ""), given.get("number", "")
    if not 0 < len(name) <= LONGEST_NAME:
        return {"wrong": NO_NAME}
    office = next((one for one in _offices(desk) if one.id == given.get("office", "")), None)
    role = given.get("role", "")
    if office is None or role not in roles_given_by(desk.officer) or not _NUMBER.fullmatch(number):
        return {"wrong": NO_OFFICE}
    officer, code, at = new_officer(office.id, office.route, name, role, number), new_code(), desk.parts.now()
    if not await desk.parts.accounts.add(officer, code, at + CODE_LASTS, by=desk.officer.id, at=at):
        return {"wrong": MADE_BEFORE}
    return {"code": code, "whom": name, "until": words.when(at + CODE_LASTS)}


async def _again(desk: Desk, look: Look, given: dict[str, str]) -> dict[str, str]:
    code, at = new_code(), desk.parts.now()
    officer = await _of(desk, given)
    if officer is None:
        return {"wrong": NOT_YOURS}
    await desk.parts.accounts.invite(
        officer.id, code, at + CODE_LASTS, by=desk.officer.id, at=at, allowed=partial(may_manage, desk.officer)
    )
    return {"code": code, "whom": officer.name, "until": words.when(at + CODE_LASTS)}


async def _role(desk: Desk, look: Look, given: dict[str, str]) -> dict[str, str]:
    officer, role = await _of(desk, given), given.get("role", "")
    if officer is None or role not in roles_given_by(desk.officer):
        return {"wrong": NOT_YOURS}
    await desk.parts.accounts.set_role(
        officer.id, role, by=desk.officer.id, at=desk.parts.now(), allowed=partial(may_manage, desk.officer)
    )
    return {
        "done": look.say(
            "{name}: vai trò {role}. Cán bộ này phải đăng nhập lại.",
            name=officer.name,
            role=look.say(words.ROLES[role]),
        )
    }


async def _revoke(desk: Desk, look: Look, given: dict[str, str]) -> dict[str, str]:
    officer = await _of(desk, given)
    if officer is None:
        return {"wrong": NOT_YOURS}
    await desk.parts.accounts.revoke(
        officer.id, by=desk.officer.id, at=desk.parts.now(), allowed=partial(may_manage, desk.officer)
    )
    return {
        "done": look.say(
            "{name}: đã thu quyền. Đã đăng xuất mọi nơi, không còn mã hay máy nào dùng được.", name=officer.name
        )
    }


_ACTS: Final = {"invite": _invite, "again": _again, "role": _role, "revoke": _revoke}


async def _of(desk: Desk, given: dict[str, str]) -> Officer | None:
    """The active officer that a form names, if this officer may manage them."""
    named = given.get("officer", "")
    found = [one for one in await desk.parts.accounts.officers() if one.id == named and one.active]
    return found[0] if found and may_manage(desk.officer, found[0]) else None


def _offices(desk: Desk) -> list[Any]:
    """Offices to which this officer may invite."""
    offices = desk.parts.book.referral.offices
    return [one for one in offices if desk.officer.role == "admin" or one.id == desk.officer.office]


async def _page(request: Request, desk: Desk, status: int = 200, **said: str) -> Response:
    if not roles_given_by(desk.officer):
        raise HTTPException(404)
    look, is_admin = look_of(request), desk.officer.role == "admin"
    roster = [
        one for one in await desk.parts.accounts.roster() if is_admin or one.officer.office == desk.officer.office
    ]
    doors = by_officer(await Doors(desk.parts.storage).all())
    waiting = {one.id for one in await Keyring(desk.parts.storage).waiting(desk.officer.office)}
    await note(desk, "staff.opened", "all" if is_admin else desk.officer.office)
    given = {"wrong": "", "done": "", "code": "", "whom": "", "until": "", **said}
    return render(
        request, "console/staff.html", status, **page_values(desk, look), **given,
        rows=[_row(desk, one, one.officer.id in waiting, doors, look) for one in roster], offices=_offices(desk),
        roles=[(role, look.say(words.ROLES[role])) for role in roles_given_by(desk.officer)], number=secrets.token_hex(3),
        all_offices=is_admin, directory=_directory(desk, roster, doors, look) if is_admin else [], at="staff",
        ways_in=await _ways_in(desk, look) if is_admin else [],
    )  # fmt: skip


async def _ways_in(desk: Desk, look: Look) -> list[dict[str, Any]]:
    """The doors that citizens use, in words; counts and times only."""
    rows = []
    for door in await every_door(desk.parts.storage, desk.parts.settings, desk.parts.now()):
        state = "đang tắt" if not door.is_on else "hỏng" if door.down_since else "đang lỗi" if door.failing else "chạy"
        since = door.down_since or door.failing_since
        rows.append(
            {
                "title": door.title, "state": look.say(state), "is_bad": bool(door.failing), "since": since and words.when(since),
                "received": door.standing.received_at and words.when(door.standing.received_at),
                "sent": door.standing.sent_at and words.when(door.standing.sent_at),
                "waiting": door.waiting, "parked": door.parked,
            }
        )  # fmt: skip
    return rows


def _row(
    desk: Desk, entry: Entry, waits_for_key: bool, doors: Mapping[str, Sequence[Door]], look: Look
) -> dict[str, Any]:
    """An officer in words, and what is still missing before they can work or be reached."""
    one, book = entry.officer, desk.parts.book.referral
    office = next(
        ((each.name, each.name_en) for each in book.offices if each.id == one.office), (one.office, one.office)
    )
    own, on, now = doors.get(one.id, ()), doors_on(desk.parts.settings), desk.parts.now()
    lacks = []
    if one.active and not entry.joined:
        lacks = ["chưa nhập mã một lần"]
    elif one.active:
        lacks += [] if entry.has_totp else ["chưa có mã 6 số"]
        lacks += ["chờ xác nhận khóa"] if waits_for_key else []
    return {
        "officer": one, "office": look.of_two(office), "role": look.say(words.ROLES.get(one.role, one.role)),
        "lacks": [look.say(lack) for lack in lacks], "doors": [door_words(door, on, now, look.say) for door in own],
        "unreached": look.say(NO_DOOR if not own else NONE_REACHES) if unreached((entry,), own, on, now) else "",
        "managed": one.active and may_manage(desk.officer, one),
    }  # fmt: skip


def _directory(
    desk: Desk, roster: Sequence[Entry], doors: Mapping[str, Sequence[Door]], look: Look
) -> list[dict[str, Any]]:
    """Each office as it stands today: its agency, area and number, who is there, and whether a notice reaches anybody."""
    book, today = desk.parts.book.referral, desk.parts.now().date()
    there = [one for one in roster if one.officer.active and one.joined and one.officer.role in NOTIFIED]
    counts = Counter(one.officer.office for one in there)
    every = [door for own in doors.values() for door in own]
    without = unreached(there, every, doors_on(desk.parts.settings), desk.parts.now())
    reached = {one.officer.office for one in there if one.officer.id not in without}
    return [
        {
            "name": look.of_two((one.name, one.name_en)), "agency": look.of_two(book.route_names[one.route]),
            "area": ", ".join(book.provinces.get(code, code) for code in one.provinces) or look.say("cả nước"),
            "phone": one.phone, "officers": counts[one.id], "reached": one.id in reached, "open": is_open(one, today),
        }
        for one in book.offices
    ]  # fmt: skip
