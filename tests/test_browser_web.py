"""The citizens' page in a real Chromium where it must not fail: leaving, a bad network, large files, a voice, a small budget."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.chromium import NAMES, SCREENS, SWITCHES, chromium, heard, press, said, service, sign_in, sync_api
from tests.test_web_chat import JPEG

__all__ = ["chromium", "service"]  # fixtures

pytestmark = pytest.mark.browser

FIRST_VIEW = 30_000
"""Bytes over the wire of a first view, with headers (issue 5)."""


@contextmanager
def visitor(chromium: Any, service: str, **given: Any) -> Iterator[Any]:
    """A new visitor's page on a phone. Faults are not collected: networks fail here on purpose."""
    context = chromium.new_context(viewport=SCREENS["phone"], locale="vi-VN", base_url=service, **given)
    context.set_default_timeout(60_000)
    try:
        yield context.new_page()
    finally:
        context.close()


def entries(page: Any) -> list[str]:
    """The addresses of this tab's history, the current one marked."""
    history = page.context.new_cdp_session(page).send("Page.getNavigationHistory")
    return [("→ " if n == history["currentIndex"] else "") + one["url"] for n, one in enumerate(history["entries"])]


KEPT = """async () => [
  localStorage.length, sessionStorage.length, (await indexedDB.databases()).length, (await caches.keys()).length,
  (await navigator.serviceWorker.getRegistrations()).length,
]"""


# -------------------------------------------------------------------------------------------------------------- leaving


@pytest.mark.parametrize("way", ["Esc", "button"])
def test_after_quick_exit_no_entry_of_the_history_leads_back(chromium: Any, service: str, way: str):
    with visitor(chromium, service) as page:
        page.goto("/")
        for label in ("An toàn", "Tôi thấy việc đáng ngờ", "Bỏ qua"):
            press(page, label)
        assert entries(page) == ["about:blank", f"→ {service}/"]
        with page.expect_navigation(url="**/lich"):
            if way == "Esc":
                for _ in range(8):  # two of them come within a second on any machine
                    page.keyboard.press("Escape")
            else:
                page.get_by_role("link", name="Thoát nhanh").click()
        assert entries(page) == ["about:blank", f"→ {service}/lich"]
        assert page.context.cookies() == []
        assert page.evaluate(KEPT) == [0, 0, 0, 0, 0]
        page.go_back()
        assert page.url == "about:blank"


def test_without_scripts_the_way_back_shows_nothing_that_was_said(chromium: Any, service: str):
    with visitor(chromium, service, java_script_enabled=False) as page:
        page.goto("/")
        for label in ("An toàn", "Tôi thấy việc đáng ngờ"):
            page.get_by_role("button", name=label, exact=True).click()
        page.get_by_role("link", name="Thoát nhanh").click()
        for _ in range(3):
            if page.go_back() is None:
                break
            assert "chỗ như thế nào" not in page.content()
            assert "Bạn cần gì lúc này?" not in page.content()


def test_a_press_that_is_on_its_way_is_sent_even_by_who_leaves(chromium: Any, service: str):
    """Somebody presses the danger button, and then somebody else comes into the room."""
    with visitor(chromium, service) as page, visitor(chromium, service) as desk:
        sign_in(desk, "hotline_111-1")
        sync_api.expect(desk.get_by_role("button", name="Đăng xuất")).to_be_visible()  # the list is there to be counted
        before = desk.locator("tr.urgent").count()
        page.goto("/")
        press(page, "An toàn")
        page.evaluate("XMLHttpRequest.prototype.send = () => {}")  # a network on which it is still on its way
        page.get_by_role("button", name="Tôi cần giúp gấp").click()
        page.get_by_role("link", name="Thoát nhanh").click()
        page.wait_for_url("**/lich")
        sync_api.expect(desk.locator("tr.urgent")).to_have_count(before + 1, timeout=30_000)


# -------------------------------------------------------------------------------------------------------- a bad network


def test_offline_the_message_waits_says_so_and_is_sent_once(chromium: Any, service: str):
    with visitor(chromium, service) as page:
        page.goto("/")
        press(page, "An toàn")
        press(page, "Tôi thấy việc đáng ngờ")
        posts: list[str] = []
        page.on("requestfinished", lambda one: posts.append(one.url) if one.method == "POST" else None)
        page.context.set_offline(True)
        page.get_by_role("textbox").fill("xe trắng đỗ ở bến")
        page.get_by_role("button", name="Gửi", exact=True).click()
        notice = page.locator("#waiting")
        sync_api.expect(notice).to_be_visible()
        assert notice.locator("a.number").evaluate_all("all => all.map(one => one.href)") == ["tel:111", "tel:113"]
        assert page.get_by_role("textbox").input_value() == "xe trắng đỗ ở bến"
        page.get_by_role("button", name="Bỏ qua", exact=True).click()  # nothing else is sent meanwhile
        assert posts == []
        heard(page, lambda: page.context.set_offline(False))
        assert len(posts) == 1
        sync_api.expect(notice).to_be_hidden()
        assert page.evaluate(KEPT) == [0, 0, 0, 0, 0]


def test_what_waits_can_be_taken_back(chromium: Any, service: str):
    with visitor(chromium, service) as page:
        page.goto("/")
        press(page, "An toàn")
        page.context.set_offline(True)
        page.get_by_role("textbox").fill("thôi")
        page.get_by_role("button", name="Gửi", exact=True).click()
        page.get_by_role("button", name="Thôi, đừng gửi").click()
        sync_api.expect(page.locator("#waiting")).to_be_hidden()
        sent: list[str] = []
        page.on("request", lambda one: sent.append(one.url))
        page.context.set_offline(False)
        press(page, "Tôi thấy việc đáng ngờ")
        assert len(sent) == 2  # the press and the page after it


def test_an_answer_that_was_lost_is_asked_for_again_and_counts_once(chromium: Any, service: str):
    with visitor(chromium, service) as page:
        page.goto("/")
        lost: list[Any] = []

        def lose(route: Any) -> None:
            if route.request.method == "POST" and not lost:
                lost.append(route.fetch(max_redirects=0).status)  # it was heard, but nobody learns of it
                route.abort()
            else:
                route.continue_()

        page.route("**/", lose)
        press(page, "An toàn")  # sent twice, the second time by itself
        assert lost == [303]
        assert "Bạn cần gì lúc này?" in said(page)


def test_a_call_for_help_does_not_wait_for_a_video(chromium: Any, service: str):
    with visitor(chromium, service) as page:
        page.goto("/")
        press(page, "An toàn")
        page.get_by_text("Kèm ảnh, ghi âm, video", exact=True).click()
        page.locator("#files").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": JPEG * 4000})
        line = page.context.new_cdp_session(page)
        line.send("Network.enable")
        slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 20_000}
        line.send("Network.emulateNetworkConditions", slow)
        page.get_by_role("button", name="Gửi", exact=True).click()
        sync_api.expect(page.locator("#sent")).to_be_visible()  # how far it is
        press(page, "Tôi cần giúp gấp")
        assert "113" in said(page)


# ---------------------------------------------------------------------------------------------------- voice, weight, home


def test_a_voice_is_recorded_in_the_page_and_sent(chromium: Any, service: str):
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    path = next(found for name in NAMES if (found := shutil.which(name)))
    browser = chromium.browser_type.launch(executable_path=path, args=[*SWITCHES, *fake])
    with visitor(browser, service, permissions=["microphone"]) as page:
        page.goto("/")
        press(page, "An toàn")
        page.get_by_text("Kèm ảnh, ghi âm, video", exact=True).click()
        page.get_by_role("button", name="Ghi âm ngay ở đây").click()
        page.get_by_role("button", name="Dừng ghi").click()
        sync_api.expect(page.locator("#recorded")).to_contain_text("Đã ghi")
        press(page, "Gửi")
        assert "Đã nhận ghi âm" in said(page)
    browser.close()


def test_the_first_view_is_light(chromium: Any, service: str):
    with visitor(chromium, service) as page:
        line = page.context.new_cdp_session(page)
        line.send("Network.enable")
        bytes_of: list[float] = []
        line.on("Network.loadingFinished", lambda event: bytes_of.append(event["encodedDataLength"]))
        page.goto("/", wait_until="networkidle")
        assert len(bytes_of) >= 3
        assert sum(bytes_of) <= FIRST_VIEW / 2, sum(bytes_of)
        bytes_of.clear()
        press(page, "An toàn")
        assert sum(bytes_of) <= 6_000, sum(bytes_of)  # a turn: nothing but the page


def test_on_a_home_screen_it_says_without_a_network_whom_to_call_and_keeps_no_conversation(chromium: Any, service: str):
    with visitor(chromium, service) as page:
        page.goto("/")
        press(page, "An toàn")
        manifest = page.evaluate("fetch(document.querySelector('[rel=manifest]').href).then(answer => answer.json())")
        assert (manifest["name"], manifest["short_name"]) == ("Lịch", "Lịch")
        page.evaluate("navigator.serviceWorker.register('sw.js').then(() => navigator.serviceWorker.ready)")
        page.goto("/")
        page.goto("/?lang=en")
        kept = page.evaluate(
            "caches.open('lich-1').then(one => one.keys()).then(all => all.map(one => new URL(one.url).pathname))"
        )
        assert sorted(kept) == ["/cho", "/static/chat.css", "/static/chat.js", "/static/lich.svg"]
        page.context.set_offline(True)
        page.goto("/")
        assert "Máy đang không có mạng" in page.inner_text("main")
        assert page.locator("main a.number").evaluate_all("all => all.map(one => one.href)") == ["tel:111", "tel:113"]


def test_the_letters_can_be_made_larger(chromium: Any, service: str):
    with visitor(chromium, service) as page:
        page.set_viewport_size({"width": 320, "height": 640})
        page.goto("/")
        press(page, "An toàn")
        size = "parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)"
        before = page.evaluate(size)
        page.get_by_role("button", name="Chữ to hơn").click()
        press(page, "Tôi thấy việc đáng ngờ")  # it stays, and the page is not wider than the screen
        assert page.evaluate(size) > before * 1.25


# ----------------------------------------------------------------------------------------------------------- for everybody


def faults(page: Any) -> list[str]:
    """What axe-core finds, all of its rules: rule and place."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1366])
def test_axe_finds_nothing(chromium: Any, service: str, scheme: Any, width: int):
    with visitor(chromium, service, color_scheme=scheme, bypass_csp=True) as page:
        page.set_viewport_size({"width": width, "height": 700})
        found: dict[str, list[str]] = {}

        def look(name: str) -> None:
            found[name] = faults(page)

        page.goto("/")
        look("greeting")
        press(page, "An toàn")
        page.get_by_text("Kèm ảnh, ghi âm, video", exact=True).click()
        page.evaluate("document.querySelectorAll('.notice, #fresh').forEach(one => { one.hidden = false; })")
        look("doors, with every notice")
        press(page, "Tôi thấy việc đáng ngờ")
        look("many answers")
        for label in ("Bỏ qua", "Bỏ qua", "Vùng biên giới", "Gửi luôn"):
            press(page, label)
        look("receipt")
        press(page, "Tôi cần giúp gấp")
        look("danger")
        for path in ("/left", "/lich", "/cho", "/that", "/khong-co"):
            page.goto(path)
            look(path)
        page.goto("/?lang=en")
        press(page, "Someone is watching me")
        look("quiet, in English")
        assert {name: each for name, each in found.items() if each} == {}


def test_the_page_about_being_real_leaves_one_entry_of_the_history(chromium: Any, service: str):
    with visitor(chromium, service) as page:
        page.goto("/")
        press(page, "An toàn")
        page.get_by_role("link", name="Trang này có thật không?").click()
        page.wait_for_url("**/that")
        assert "không bao giờ hỏi xin tiền" in said(page)
        assert entries(page) == ["about:blank", f"→ {service}/that"]
        page.get_by_role("link", name="Về trang đầu").click()
        page.wait_for_url(f"{service}/")
        assert "Bạn cần gì lúc này?" in said(page)
        assert entries(page) == ["about:blank", f"→ {service}/"]
