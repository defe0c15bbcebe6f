"""Somebody impatient, hurried or badly connected on the citizens' page: nothing is lost, doubled or answered by chance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chromium import SCREENS, chromium, heard, press, said, service, sync_api
from tests.line import Asked, Line, is_post, never
from tests.test_browser_web import entries, visitor
from tests.test_web_chat import JPEG

__all__ = ["chromium", "service"]  # fixtures

pytestmark = pytest.mark.browser

DOORS = "Bạn cần gì lúc này?"
KIND = "Bạn thấy việc này ở chỗ như thế nào?"
GREETING = "Bây giờ bạn nhắn tin có an toàn không?"


@pytest.fixture
def line(service: str) -> Iterator[Line]:
    with Line(service).open() as made:
        yield made


def click(page: Any, label: str) -> None:
    page.get_by_role("button", name=label, exact=True).click()


def leave(page: Any) -> None:
    page.get_by_role("link", name="Thoát nhanh").click()
    page.wait_for_url("**/lich")


def choose_a_file(page: Any, size: int = 1) -> None:
    page.get_by_text("Kèm ảnh, ghi âm, video", exact=True).click()
    page.locator("#files").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": JPEG * size})


def is_last(asked: Asked) -> bool:
    return b'name="leave"' in asked.body


def is_of_page(asked: Asked) -> bool:
    return is_post(asked) and not is_last(asked)


# -------------------------------------------------------------------------------------------------------------- leaving


def last_of(line: Line) -> Asked:
    last = line.posts(at_least=3)[-1]  # the greeting's answer, the press that hangs, and what goes on without its page
    assert is_last(last)
    last.release()
    assert last.came.wait(60)
    return last


def test_a_press_that_overtakes_nothing_is_taken_after_the_calendar(chromium: Any, line: Line):
    with visitor(chromium, line.address) as page:
        page.goto("/")
        press(page, "An toàn")
        line.holds = is_post  # the press itself hangs, and so does what goes on without its page
        click(page, "Tôi cần giúp gấp")
        leave(page)
        last = last_of(line)
        assert last.status == 204
        assert b":danger" in last.body
        assert page.context.cookies() == []


def test_who_leaves_amid_an_upload_is_heard_without_the_file(chromium: Any, line: Line):
    with visitor(chromium, line.address) as page:
        page.goto("/")
        press(page, "An toàn")
        choose_a_file(page, 4000)
        page.get_by_role("textbox").fill("ảnh chụp ở bến xe")
        line.holds = is_of_page
        click(page, "Gửi")
        leave(page)
        last = last_of(line)
        assert last.status == 204
        assert "ảnh chụp ở bến xe".encode() in last.body
        assert JPEG not in last.body


def test_a_text_that_is_too_long_to_go_without_its_page_does_not_keep_the_press(chromium: Any, line: Line):
    with visitor(chromium, line.address) as page:
        page.goto("/")
        press(page, "An toàn")
        page.get_by_role("textbox").fill("họ giữ giấy tờ của tôi " * 2000)
        line.holds = is_of_page
        click(page, "Tôi cần giúp gấp")
        leave(page)
        last = last_of(line)
        assert (last.status, b":danger" in last.body) == (204, True)


def test_the_other_tabs_of_the_conversation_go_as_well(chromium: Any, service: str):
    with visitor(chromium, service) as page:
        page.goto("/")
        press(page, "An toàn")
        beside = page.context.new_page()
        beside.goto("/")
        assert DOORS in said(beside)
        leave(page)
        beside.wait_for_url("**/lich")
        assert entries(beside) == ["about:blank", f"→ {service}/lich"]


def test_who_left_without_a_network_is_a_stranger_when_it_is_back(chromium: Any, service: str):
    with visitor(chromium, service) as page:
        page.goto("/")
        press(page, "An toàn")
        token = page.context.cookies()[0]["value"]
        page.context.set_offline(True)
        page.get_by_role("link", name="Thoát nhanh").click()
        page.wait_for_url("chrome-error://**")
        page.context.set_offline(False)
        page.goto("/")  # whoever finds the address in the list of visited pages
        assert GREETING in said(page)
        [cookie] = page.context.cookies()
        assert (cookie["name"], cookie["value"] == token) == ("nc", False)
        page.context.add_cookies([{**cookie, "value": token}])  # and on the server the way in is gone as well
        page.goto("/")
        assert GREETING in said(page)


# ------------------------------------------------------------------------------------------------------- pressed too often


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_a_second_tap_does_not_answer_the_question_that_has_just_come(chromium: Any, service: str, touch: bool):
    with visitor(chromium, service, has_touch=touch) as page:
        page.goto("/")
        box = page.get_by_role("button", name="An toàn", exact=True).bounding_box()
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

        def tap(count: int) -> None:
            if touch:
                page.touchscreen.tap(*middle)
            else:
                page.mouse.move(*middle)
                page.mouse.down(click_count=count)
                page.mouse.up(click_count=count)

        heard(page, lambda: tap(1))
        here = page.evaluate("([x, y]) => document.elementFromPoint(x, y).closest('button')?.name", list(middle))
        assert here == "choose", "what the second tap would hit"
        posts: list[str] = []
        page.on("request", lambda one: posts.append(one.url) if one.method == "POST" else None)
        tap(2)
        press(page, "Tôi thấy việc đáng ngờ") if not touch else page.evaluate("new Promise(requestAnimationFrame)")
        assert len(posts) == (not touch)


def test_enter_twice_sends_once(chromium: Any, line: Line):
    with visitor(chromium, line.address) as page:
        page.goto("/")
        press(page, "An toàn")
        page.get_by_role("textbox").fill("xe trắng")
        before = len(line.posts())

        def twice() -> None:
            page.keyboard.press("Control+Enter")
            page.keyboard.press("Control+Enter")

        page.get_by_role("textbox").focus()
        heard(page, twice)
        page.keyboard.press("Enter")  # the page's first words have the focus now
        assert len(line.posts()) == before + 1


# --------------------------------------------------------------------------------------------- while an answer is on its way


def test_what_is_written_meanwhile_stays_in_the_box_and_what_was_sent_does_not(chromium: Any, line: Line):
    with visitor(chromium, line.address) as page:
        page.goto("/")
        press(page, "An toàn")
        box = page.get_by_role("textbox")
        box.fill("xe trắng")
        line.keeps = is_post
        click(page, "Gửi")
        box.press_sequentially(" đỗ ở bến")
        line.keeps = never

        def release() -> None:
            for one in line.posts():
                one.release()

        heard(page, release)
        assert box.input_value() == "đỗ ở bến"
        sync_api.expect(box).to_be_focused()
        press(page, "Gửi")
        assert box.input_value() == ""


def test_a_file_that_a_call_for_help_left_behind_is_still_chosen(chromium: Any, line: Line):
    with visitor(chromium, line.address) as page:
        page.goto("/")
        press(page, "An toàn")
        choose_a_file(page, 10)
        press(page, "Tôi cần giúp gấp")
        assert JPEG not in line.posts()[-1].body
        sync_api.expect(page.locator("#files")).to_be_visible()
        press(page, "Gửi")
        assert JPEG in line.posts()[-1].body
        assert page.locator("#files").evaluate("one => one.files.length") == 0  # and goes once


def test_a_page_that_is_loaded_anew_meanwhile_loses_nothing(chromium: Any, line: Line):
    """The form itself is lost on the way."""
    with visitor(chromium, line.address) as page:
        page.goto("/")
        press(page, "An toàn")
        page.get_by_role("textbox").fill("xe trắng đỗ ở bến")
        line.holds = is_post
        click(page, "Tôi thấy việc đáng ngờ")
        page.reload()
        assert DOORS in said(page)
        _, first, again = line.posts(at_least=3)
        assert "xe trắng đỗ ở bến".encode() in again.body
        line.holds = never
        again.release()
        assert again.came.wait(60)
        press(page, "Tôi thấy việc đáng ngờ")  # they press once more, for they see the same question
        assert KIND in said(page)
        first.release()
        assert first.came.wait(60)
        page.reload()
        assert KIND in said(page)


def test_the_back_button_leads_out_and_forward_leads_back_to_the_same_question(chromium: Any, service: str):
    with visitor(chromium, service) as page:
        page.set_viewport_size(SCREENS["phone"])
        page.goto("/")
        for label in ("An toàn", "Tôi thấy việc đáng ngờ"):
            press(page, label)
        page.go_back()
        assert page.url == "about:blank"
        page.go_forward()
        assert KIND in said(page)
        press(page, "Bỏ qua")
        assert KIND not in said(page)
