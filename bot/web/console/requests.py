"""Requests of people about their own data: what waits, with the law's deadlines, and how it was answered."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.web import words
from bot.web.console.access import PATH, Desk, answer_request, list_requests
from bot.web.console.frame import page_values
from bot.web.look import look_of
from bot.web.pages import render

WHAT: Final = {
    "see": "Xem",
    "correct": "Sửa",
    "restrict": "Tạm ngừng dùng",
    "withdraw": "Rút lại đồng ý",
    "erase": "Xóa",
}
ANSWERS: Final = {"answered": "Đã trả lời", "done": "Đã làm xong", "kept": "Phải giữ theo quy định"}


async def show(request: Request, desk: Desk) -> Response:
    """GET /requests: the nearest deadline first, with the codes of the cases it is about."""
    now, look = desk.parts.now(), look_of(request)
    rows = [
        {
            "id": one.id,
            "code": one.code,
            "what": look.say(WHAT[one.what]),
            "made": words.when(one.at),
            "answer_by": "" if one.answered_at else words.when(one.answer_by),
            "answer_late": one.answered_at is None and one.answer_by < now,
            "done_by": words.when(one.done_by),
            "done_late": one.done_by < now,
            "cases": cases,
        }
        for one, cases in await list_requests(desk)
    ]
    return render(request, "console/requests.html", **page_values(desk, look), rows=rows, answers=ANSWERS)


async def answer(request: Request, desk: Desk) -> Response:
    """POST /requests: one was answered, done, or must be kept; written down, and back to the list."""
    form = request.state.form
    number, how = str(form.get("request", ""))[:64], str(form.get("how", ""))
    if how not in ANSWERS:
        raise HTTPException(404)
    await answer_request(desk, number, how)
    return RedirectResponse(f"{PATH}/requests", 303)
