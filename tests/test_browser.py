"""A real Chromium on a really running service: three people and an officer, on a narrow phone and on an old wide screen."""

from __future__ import annotations

import base64
import io
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from bot.accounts import totp
from tests import qr_reader
from tests.chromium import SCREENS, heard, press, said, sign_in, sync_api, tick, write
from tests.chromium import chromium as chromium
from tests.chromium import page as page
from tests.chromium import service as service

pytestmark = pytest.mark.browser

RECEIPT = re.compile(r"\d{4} \d{4} \d{4} \d{4}")
ADULTS_ONLY = ("khác lời hứa", "bị người khác giữ", "trả nợ", "bị đánh", "bị ép")
"""What a child writing alone is never asked (screening.md §7)."""


def receipt(page: Any) -> str:
    found = RECEIPT.search(said(page))
    assert found, said(page)
    return found[0]


def test_a_tip(page: Any):
    page.goto("/")
    press(page, "An toàn")
    press(page, "Tôi thấy việc đáng ngờ")
    tick(page, "Quán karaoke, quán bar", "Nhà nghỉ, khách sạn")
    press(page, "Còn")
    press(page, "Vùng biên giới")
    press(page, "Kể thêm vài điều")
    write(page, "gần chợ Tân Thanh")
    while "Bạn gửi như vậy nhé?" not in said(page):
        press(page, "Bỏ qua")
    assert "gần chợ Tân Thanh" in said(page)
    heard(page, page.locator(".answers").get_by_role("button", name="Gửi", exact=True).click)
    receipt(page)
    assert "Biên phòng" in said(page)
    press(page, "Xong")
    assert "113" in said(page)


def test_a_childs_screening_asks_no_more_than_it_may(page: Any):
    page.goto("/")
    asked = []
    for label in ("An toàn", "Tôi lo cho mình hoặc cho ai đó", "Tôi đồng ý", "Cho tôi", "Dưới 16", "Đang ở Việt Nam"):
        press(page, label)
        asked.append(said(page))
    for _ in range(6):
        if RECEIPT.search(said(page)):
            break
        offered = [button.inner_text() for button in page.locator(".answers .answer").all()]
        if "Đưa đi" in offered:
            tick(page, "Đưa đi")
        elif "Lúc được lúc không" in offered:
            press(page, "Lúc được lúc không")
        else:
            press(page, offered[0])
        asked.append(said(page))
    assert not [(words, text) for words in ADULTS_ONLY for text in asked if words in text.lower()]
    receipt(page)
    assert "111" in said(page)
    assert "không có lỗi" in said(page)


def test_a_call_for_help_to_an_officers_acknowledgement(page: Any):
    page.goto("/")
    page.get_by_role("textbox").fill("Cứu tôi với, họ nhốt tôi")
    press(page, "Gửi")
    first = said(page)
    assert first.index("113") < first.index("?")
    press(page, "Ở Việt Nam")
    press(page, "Gọi điện được")
    write(page, "Cầu Kỳ Cùng, Lạng Sơn")
    receipt(page)
    assert "Công an" in said(page)
    press(page, "Tạm dừng ở đây")

    sign_in(page, "hotline_111-1")
    assert "khẩn chưa ai nhận" in page.inner_text("h1")
    row = page.locator("tr.urgent.waits").last
    code = row.locator("a.code").inner_text()
    assert "Cầu Kỳ Cùng" not in page.content()
    row.locator("a.code").click()
    page.wait_for_load_state()
    assert "Cầu Kỳ Cùng" not in page.content()
    page.get_by_role("button", name="Mở nội dung").click()
    assert "Cầu Kỳ Cùng, Lạng Sơn" in page.inner_text("main")
    press(page, "Tôi nhận")
    assert "Đã nhận" in page.inner_text(".do")
    page.goto("/officers/")
    assert "waits" not in (page.locator("tr", has_text=code).get_attribute("class") or "")


def test_two_taps_on_escape_leave_no_way_back(page: Any):
    page.goto("/")
    press(page, "An toàn")
    with page.expect_navigation(url="**/lich"):
        for _ in range(4):  # a frightened hand does not stop at two
            page.keyboard.press("Escape")
    sync_api.expect(page).to_have_title("Lịch")
    assert page.context.cookies() == []
    page.goto("/")
    assert "Bây giờ bạn nhắn tin có an toàn không?" in said(page)


def test_enter_never_answers_a_question(page: Any):
    page.goto("/")
    press(page, "An toàn")
    press(page, "Tôi thấy việc đáng ngờ")
    box = page.get_by_label("Quán karaoke, quán bar", exact=True)
    box.focus()
    page.keyboard.press("Enter")
    box.check()
    assert box.is_checked()
    assert "chỗ như thế nào" in said(page)


def test_enter_without_scripts_answers_nothing_either(chromium: Any, service: str):
    context = chromium.new_context(java_script_enabled=False, locale="vi-VN", base_url=service)
    page = context.new_page()
    page.goto("/")
    for label in ("An toàn", "Tôi thấy việc đáng ngờ"):
        page.get_by_role("button", name=label, exact=True).click()
    page.get_by_label("Quán karaoke, quán bar", exact=True).focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "chỗ như thế nào" in said(page)
    context.close()


def test_everything_works_without_scripts(chromium: Any, service: str):
    context = chromium.new_context(
        viewport=SCREENS["phone"], java_script_enabled=False, locale="vi-VN", base_url=service
    )
    page = context.new_page()
    page.goto("/")
    for label in ("An toàn", "Tôi thấy việc đáng ngờ", "Bỏ qua", "Bỏ qua", "Trong nước", "Gửi luôn"):
        page.get_by_role("button", name=label, exact=True).click()
    receipt(page)
    page.get_by_role("link", name="Thoát nhanh").click()
    assert page.title() == "Lịch"
    context.close()


def test_what_a_thumb_touches_is_large_enough(page: Any):
    page.goto("/")
    press(page, "An toàn")
    small = page.evaluate(
        """() => [...document.querySelectorAll('button:not(.unseen, [hidden]), .leave, summary')]
        .filter(one => one.checkVisibility() && one.getBoundingClientRect().height < 48).map(one => one.innerText)"""
    )
    assert small == []
    assert float(page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")) >= 18


SENTENCES = "Tôi thấy một xe trắng đỗ ở đó. " * 25


def nothing_is_under_the_danger_button(page: Any) -> None:
    """Send is whole on the screen, a tap on it reaches it, and the caret's line is above the bar."""
    found = page.evaluate(
        """() => {
          const send = document.querySelector('.send'), at = send.getBoundingClientRect();
          const box = document.querySelector('textarea').getBoundingClientRect();
          const bar = document.querySelector('.danger-bar').getBoundingClientRect();
          const hit = document.elementFromPoint(at.x + at.width / 2, at.y + at.height / 2);
          const caret = box.bottom <= bar.top && box.bottom > 40;
          return { apart: at.bottom <= bar.top, caret, top: at.top >= 0, hit: hit === send };
        }"""
    )
    assert found == {"apart": True, "caret": True, "top": True, "hit": True}


def test_send_and_the_caret_never_lie_under_the_danger_button(page: Any):
    page.goto("/")
    nothing_is_under_the_danger_button(page)  # on the first screen, before anything was touched
    press(page, "An toàn")
    box = page.get_by_role("textbox")
    box.focus()
    nothing_is_under_the_danger_button(page)
    page.keyboard.insert_text(SENTENCES)
    nothing_is_under_the_danger_button(page)
    page.keyboard.type(" Hết.")
    nothing_is_under_the_danger_button(page)
    assert page.evaluate("(box => box.scrollTop + box.clientHeight >= box.scrollHeight - 30)(document.activeElement)")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "send"
    nothing_is_under_the_danger_button(page)
    heard(page, lambda: page.keyboard.press("Enter"))
    assert "113 (công an)" not in said(page)  # it was sent, and no alarm was raised


def test_a_tap_on_send_sends(chromium: Any, service: str):
    context = chromium.new_context(viewport=SCREENS["phone"], has_touch=True, locale="vi-VN", base_url=service)
    page = context.new_page()
    page.goto("/")
    press(page, "An toàn")
    page.get_by_role("textbox").tap()
    page.keyboard.insert_text(SENTENCES)
    at = page.locator(".send").bounding_box()
    heard(page, lambda: page.touchscreen.tap(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2))
    assert "113 (công an)" not in said(page)
    context.close()


def test_every_focus_is_seen(page: Any):
    """Along the whole page by the Tab key: what has the focus is on the screen and not covered."""
    page.goto("/")
    press(page, "An toàn")
    for _ in range(16):
        page.keyboard.press("Tab")
        hidden = page.evaluate(
            """() => {
              const one = document.activeElement, at = one.getBoundingClientRect();
              if (one === document.body) return '';
              const hit = document.elementFromPoint(at.x + at.width / 2, at.y + at.height / 2);
              return hit && (one.contains(hit) || hit.contains(one)) ? '' : one.outerHTML;
            }"""
        )
        assert hidden == ""


CONTRAST = """one => {
  const light = color => {
    const parts = color.match(/[0-9.]+/g).map(part => Number(part) / 255);
    const [r, g, b] = parts.map(part => part <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const style = getComputedStyle(one), [a, b] = [light(style.color), light(style.backgroundColor)];
  return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/left", "/nowhere"])
def test_what_leads_back_can_be_read(chromium: Any, service: str, path: str, scheme: Any):
    context = chromium.new_context(color_scheme=scheme, locale="vi-VN", base_url=service)
    page = context.new_page()
    page.goto(path)
    assert page.locator("a.go").evaluate(CONTRAST) >= 4.5
    context.close()


def test_a_file_that_is_too_large_is_not_even_chosen(page: Any, tmp_path: Path):
    page.goto("/")
    press(page, "An toàn")
    page.get_by_text("Kèm ảnh, ghi âm, video", exact=True).click()
    large, small = tmp_path / "dai.mp4", tmp_path / "anh.jpg"
    large.write_bytes(bytes(12 * 1024 * 1024 + 1))
    small.write_bytes(b"\xff\xd8\xff\xe0" + bytes(64))
    page.locator("#files").set_input_files(large)
    sync_api.expect(page.locator("#too-large")).to_be_visible()
    assert page.locator("#files").input_value() == ""
    page.locator("#files").set_input_files(small)
    sync_api.expect(page.locator("#too-large")).to_be_hidden()
    press(page, "Gửi")
    assert "Đã nhận ảnh" in said(page)


def test_an_officers_words_reach_a_page_that_stays_open(chromium: Any, service: str):
    hers = chromium.new_context(viewport=SCREENS["phone"], locale="vi-VN", base_url=service)
    his = chromium.new_context(viewport=SCREENS["wide"], locale="vi-VN", base_url=service)
    page, desk = hers.new_page(), his.new_page()
    page.goto("/")
    for label in ("An toàn", "Gặp người thật", "Nhắn lại cho tôi ở đây", "Bỏ qua"):
        press(page, label)
    sync_api.expect(page.locator("#fresh")).to_be_hidden()

    sign_in(desk, "hotline_111-1")
    desk.locator("tr.waits a.code").last.click()
    press(desk, "Tôi nhận")
    desk.get_by_text("Nhắn cho người này").click()
    desk.get_by_label("Lời nhắn").fill("Bạn đang ở gần chỗ nào?")
    press(desk, "Gửi lời nhắn")

    page.get_by_role("textbox").fill("em đang viết dở")
    press(page, "Có tin mới")
    assert "Bạn đang ở gần chỗ nào?" in page.inner_text(".letter")
    assert page.get_by_role("textbox").input_value() == "em đang viết dở"
    hers.close()
    his.close()


def scanned(screen: bytes) -> str:
    """What a telephone held to the screen reads; how many modules there are it tells from the timing pattern."""
    with Image.open(io.BytesIO(screen)) as picture:
        grey = picture.convert("L")
    for side in range(37, 57, 4):
        step = grey.width / (side + 8)
        at = [int((4.5 + one) * step) for one in range(side)]
        matrix = [[cast("int", grey.getpixel((x, y))) < 128 for x in at] for y in at]
        if [matrix[6][one] for one in range(8, side - 8)] == [one % 2 == 0 for one in range(8, side - 8)]:
            return qr_reader.read(matrix)
    return ""


def test_a_chief_invites_a_colleague_who_joins_with_a_phone(page: Any):
    sign_in(page, "hotline_111-1")
    page.get_by_role("link", name="Cán bộ", exact=True).click()
    page.get_by_label("Họ tên như đồng nghiệp gọi").fill("Nguyễn Thị Mới")
    press(page, "Thêm và hiện mã một lần")
    code = page.locator("b.code").inner_text()
    page.context.clear_cookies()
    page.goto("/officers/join")
    key = page.locator("#key").inner_text().replace(" ", "")
    assert f"secret={key}&" in scanned(page.locator(".scan svg").screenshot())
    secret = base64.b32decode(key)
    login, password = f"moi-{secret.hex()[:6]}", "bon tu khong lien quan"
    filled = {"Mã một lần": code, "Tên đăng nhập": login, "Gõ lại mật khẩu": password}
    for label, text in filled.items():
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_label("Mật khẩu, từ 12 ký tự").fill(password)
    step = totp.step_of(datetime.now(UTC))
    page.get_by_label("Mã 6 số đang hiện").fill(totp.code(secret, step))
    press(page, "Lưu")
    page.get_by_label("Tên đăng nhập").fill(login)
    page.get_by_label("Mật khẩu").fill(password)
    page.get_by_label("Mã 6 số").fill(totp.code(secret, step + 1))  # that of joining works no more
    press(page, "Đăng nhập")
    page.get_by_role("link", name="Nguyễn Thị Mới").click()
    assert page.get_by_text("Chính ở đây").count() == 1
