"""A real Chromium through an officer's day, and what every page of theirs must be for eyes and hands (WCAG 2.2 AA).

Contrast is measured on what is really drawn, in light and dark; so are labels, headings, names, sizes and the width of 320 px.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import SCREENS, chromium, press, service, sign_in, sync_api  # noqa: F401 - fixtures

pytestmark = pytest.mark.browser

HEAVIEST = 60_000
"""Bytes of a page with its style and script: an office's PC is old and its line is slow."""

LOOK = (Path(__file__).parent / "wcag.js").read_text()


@pytest.fixture(scope="module")
def cry(chromium: Any, service: str) -> Iterator[str]:  # noqa: F811
    """Somebody in danger, and somebody who wants an answer, wrote; the second one's page stays open."""
    context = chromium.new_context(viewport=SCREENS["phone"], locale="vi-VN", base_url=service)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("textbox").fill("Cứu tôi với, họ nhốt tôi")
    for label in ("Gửi", "Ở Việt Nam", "Gọi điện được"):
        press(page, label)
    page.get_by_role("textbox").fill("Cầu Kỳ Cùng, Lạng Sơn")
    press(page, "Gửi")
    yield service
    context.close()


@pytest.fixture
def desk(chromium: Any, cry: str) -> Iterator[Any]:  # noqa: F811
    """An officer of the 111 line at an old wide screen; whatever the page's policy refuses is a fault."""
    context = chromium.new_context(viewport=SCREENS["wide"], locale="vi-VN", base_url=cry)
    context.set_default_timeout(60_000)
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    sign_in(page, "hotline_111-1")
    yield page
    context.close()
    assert [fault for fault in faults if "ERR_INTERNET_DISCONNECTED" not in fault] == []


def someone_calls(chromium: Any, service: str) -> Any:  # noqa: F811
    """Another person in danger writes; their page."""
    context = chromium.new_context(viewport=SCREENS["phone"], locale="vi-VN", base_url=service)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("textbox").fill("Cứu em, họ không cho em về")
    for label in ("Gửi", "Ở Việt Nam", "Gọi điện được"):
        press(page, label)
    page.get_by_role("textbox").fill("Nhà nghỉ gần bến xe Lạng Sơn")
    press(page, "Gửi")
    return page


def test_an_officers_day(chromium: Any, desk: Any, cry: str):  # noqa: F811
    """A new urgent case comes by itself; they take it by keys, open it, ask, classify and transfer it, and close another."""
    rows = desk.locator("tr[data-id]")
    before = rows.count()
    hers = someone_calls(chromium, cry)
    sync_api.expect(rows).to_have_count(before + 1)
    assert "khẩn chưa ai nhận" in desk.inner_text("h1")
    assert desk.title().startswith("▲ (")

    desk.keyboard.press("j")
    code = desk.evaluate("document.activeElement.innerText")
    desk.keyboard.press("a")
    assert code in desk.inner_text("#take")
    desk.keyboard.press("Escape")
    assert desk.locator(f'tr.waits:has-text("{code}")').count() == 1  # nothing was done yet
    desk.keyboard.press("a")
    with desk.expect_navigation():
        desk.keyboard.press("Enter")
    assert "Đã nhận" in desk.inner_text(".do")

    assert "Lạng Sơn" not in desk.inner_text("#noi-dung")
    press(desk, "Mở nội dung")
    assert "Lạng Sơn" in desk.inner_text("#noi-dung")
    desk.get_by_text("Nhắn cho người này").click()
    desk.get_by_label("Lời nhắn").fill("Công an đang đến. Em ở phòng mấy?")
    press(desk, "Gửi lời nhắn")
    assert "Em ở phòng mấy?" in desk.inner_text(".thread")
    hers.goto("/")
    hers.context.close()

    desk.locator("summary", has_text=re.compile("^Phân loại$")).click()
    desk.locator("form", has=desk.locator("[value=classify]")).locator("select").select_option("crime_news")
    press(desk, "Ghi phân loại")
    assert "Tin báo về tội phạm" in desk.inner_text("aside")

    desk.get_by_text("Chuyển cơ quan khác").click()
    form = desk.locator("form", has=desk.locator("[name=office]"))
    form.locator("[name=office]").select_option("police-11")
    form.locator("[name=reason]").select_option("not_our_area")
    form.get_by_role("button", name="Chuyển").click()
    assert "Đã nhận" in desk.inner_text(".do")  # it cannot be undone, so it must be said first
    form.get_by_role("checkbox").check()
    press(desk, "Chuyển")
    assert "Đã chuyển" in desk.inner_text(".do")

    desk.goto(f"/officers/?ma={code.lower()}")
    assert desk.locator("tr[data-id]").count() == 1
    desk.goto("/officers/")
    desk.locator("tr.waits a.code").first.click()
    press(desk, "Tôi nhận")
    desk.locator("summary", has_text="Ghi kết quả và kết thúc").click()
    form = desk.locator("form", has=desk.locator("[name=outcome]"))
    form.locator("[name=outcome]").select_option("found_safe")
    form.get_by_role("checkbox").check()
    press(desk, "Ghi kết quả và kết thúc")
    assert "Đã kết thúc" in desk.inner_text(".do")


def test_a_list_that_lost_its_line_says_so_and_one_that_has_it_again_goes_on(desk: Any):
    desk.context.set_offline(True)
    hint = desk.locator("#hint")
    sync_api.expect(hint).to_be_visible()
    assert "có thể đã cũ" in hint.inner_text()
    desk.context.set_offline(False)
    sync_api.expect(hint).to_be_hidden()


def test_words_stay_on_the_page_while_the_service_cannot_be_reached(chromium: Any, desk: Any, cry: str):  # noqa: F811
    someone_calls(chromium, cry).context.close()
    desk.goto("/officers/")
    desk.locator("tr.urgent.waits a.code").last.click()
    press(desk, "Tôi nhận")
    desk.get_by_text("Nhắn cho người này").click()
    desk.get_by_label("Lời nhắn").fill("Bạn ở gần chỗ nào?")
    desk.context.set_offline(True)
    desk.get_by_role("button", name="Gửi lời nhắn").click()
    sync_api.expect(desk.locator("#lost")).to_be_visible()
    assert desk.get_by_label("Lời nhắn").input_value() == "Bạn ở gần chỗ nào?"
    desk.context.set_offline(False)
    sync_api.expect(desk.locator("#lost")).to_be_hidden()
    press(desk, "Gửi lời nhắn")
    assert desk.locator("#lost").is_hidden()
    assert "Nhắn cho người báo" in desk.inner_text("main")


def test_the_keys_are_told_and_never_get_in_the_way_of_writing(desk: Any):
    desk.keyboard.press("?")
    sync_api.expect(desk.locator("#help")).to_be_visible()
    desk.keyboard.press("Escape")
    desk.keyboard.press("/")
    desk.keyboard.type("ja?")
    assert desk.locator("#ma").input_value() == "ja?"
    assert not desk.locator("dialog[open]").count()


def pages(desk: Any) -> Iterator[str]:
    """Every kind of page, with all that folds opened."""
    yield "/officers/"
    yield "/officers/?xem=tatca"
    yield "/officers/?ma=ZZZZZZ"
    desk.goto("/officers/?xem=tatca")
    case = desk.locator("a.code").first.get_attribute("href")
    yield case
    yield f"{case}?mo=1"
    yield f"{case}/sheet?toi=police-20"
    yield "/officers/exports"


@pytest.mark.parametrize(("theme", "language", "width"), [("light", "vi", 1366), ("dark", "en", 320)])
def test_every_page_can_be_read_and_touched(desk: Any, theme: str, language: str, width: int):
    desk.goto(f"/officers/look?nen={theme}&tieng={language}")
    desk.set_viewport_size({"width": width, "height": 768})
    for path in [*pages(desk)]:
        desk.goto(path)
        desk.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert desk.evaluate(LOOK) == [], (path, theme, width)


def test_what_has_the_focus_is_seen(desk: Any):
    for _ in range(14):
        desk.keyboard.press("Tab")
        seen = desk.evaluate(
            """() => { const one = document.activeElement, at = one.getBoundingClientRect(), style = getComputedStyle(one);
            return one === document.body || parseFloat(style.outlineWidth) >= 2 && at.bottom > 0 && at.right > 0; }"""
        )
        assert seen, desk.evaluate("document.activeElement.outerHTML")


def test_no_page_is_heavy_and_nothing_jumps(desk: Any):
    style, script = (len(desk.request.get(f"/static/console.{kind}").body()) for kind in ("css", "js"))
    for path in [*pages(desk)]:
        assert len(desk.request.get(path).body()) + style + script < HEAVIEST, path
    desk.goto("/officers/")
    moved = desk.evaluate(
        """() => new Promise((done) => {
          let sum = 0;
          const add = (list) => { for (const one of list.getEntries()) sum += one.value; };
          new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
          requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
        })"""
    )
    assert moved < 0.01


def test_a_sheet_prints_on_one_page(desk: Any):
    desk.goto("/officers/?xem=tatca")
    case = desk.locator("a.code").first.get_attribute("href")
    desk.goto(f"{case}/sheet?toi=police-20")
    printed = desk.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == 1


def test_the_officers_pages_work_without_scripts(chromium: Any, cry: str):  # noqa: F811
    context = chromium.new_context(java_script_enabled=False, locale="vi-VN", base_url=cry)
    page = context.new_page()
    sign_in(page, "police-3")
    assert page.locator("h1").inner_text()
    page.get_by_role("link", name="Đã xong").click()
    assert "Chưa có hồ sơ nào đã xong." in page.inner_text("main")
    page.get_by_role("link", name="EN", exact=True).click()
    assert page.locator("html").get_attribute("lang") == "en"
    context.close()
