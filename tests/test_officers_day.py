"""An officer's day in a real Chromium, from the one-time code to the weekly log, on an office's screen and on an old small one.

The service runs as it is started; officers join and sign in with a second factor; somebody in danger writes from a phone.
"""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.accounts import totp
from tests.chromium import chromium as chromium
from tests.chromium import press, sync_api
from tests.service import ROOT, Service

pytestmark = pytest.mark.browser

SCREENS = {"office": {"width": 1366, "height": 768}, "old": {"width": 800, "height": 600}}
PHONE = {"width": 360, "height": 740}
PASSWORD = "bon tu khong lien quan"
WHERE = "Nhà nghỉ gần cửa khẩu Tân Thanh, Lạng Sơn"
ASKED, ANSWERED = "Em đang ở phòng mấy?", "Phòng số 3, tầng hai"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("home")) as running:
        yield running


def aside(doing: Coroutine[Any, Any, Any]) -> Any:
    """What this comes to; on a thread, because the browser's driver has a loop of its own here."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(asyncio.run, doing).result()


class Person:
    """Somebody with a browser of their own; whatever a page's policy refuses is a fault."""

    def __init__(self, chromium: Any, service: Service, screen: dict[str, int]) -> None:
        self.service = service
        self.context = chromium.new_context(viewport=screen, locale="vi-VN", base_url=service.url)
        self.context.set_default_timeout(10_000)
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        self.refused = 0
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def close(self) -> None:
        self.context.close()
        assert len(self.faults) == self.refused, self.faults
        assert all("401" in fault for fault in self.faults), self.faults

    def fill(self, label: str, text: str, *, exact: bool = True) -> None:
        self.page.get_by_label(label, exact=exact).fill(text)

    def joins(self, office: str, role: str, login: str) -> None:
        """Use a one-time code: name, password, and the key of the page in an authenticator; then sign in with all three."""
        code = aside(self.service.invite(office, role, f"Cán bộ {login}"))
        self.page.goto("/officers/join")
        secret = base64.b32decode(self.page.locator("#key").inner_text().replace(" ", ""))
        for label, text in {"Mã một lần": code, "Tên đăng nhập": login, "Gõ lại mật khẩu": PASSWORD}.items():
            self.fill(label, text)
        self.fill("Mật khẩu, từ 12 ký tự", PASSWORD, exact=False)
        step = totp.step_of(datetime.now(UTC))
        self.fill("Mã 6 số đang hiện", totp.code(secret, step), exact=False)
        press(self.page, "Lưu")
        self.fill("Tên đăng nhập", login)
        self.fill("Mật khẩu", PASSWORD)
        self.fill("Mã 6 số", totp.code(secret, step), exact=False)
        press(self.page, "Đăng nhập")
        assert "Mỗi mã chỉ dùng một lần" in self.page.inner_text("main"), "that of joining works no more"
        self.refused += 1
        self.fill("Mật khẩu", PASSWORD)
        self.fill("Mã 6 số", totp.code(secret, step + 1), exact=False)
        press(self.page, "Đăng nhập")

    def folded(self, summary: str, do: str) -> Any:
        """The form behind a folded heading of the case, opened."""
        self.page.locator("summary", has_text=summary).first.click()
        return self.page.locator("form", has=self.page.locator(f"button[value={do}]"))

    def unlocks(self) -> str:
        """Open the sealed words for the reason that stands first; what is shown."""
        assert self.page.get_by_label("Lý do mở").input_value() == "1"
        press(self.page, "Mở nội dung")
        return str(self.page.inner_text("#noi-dung"))


def calls_for_help(her: Person) -> None:
    her.page.goto("/")
    her.page.get_by_role("textbox").fill("Cứu bạn em với, họ không cho bạn ấy về")
    for label in ("Gửi", "Ở Việt Nam", "Gọi điện được"):
        press(her.page, label)
    her.page.get_by_role("textbox").fill(WHERE)
    press(her.page, "Gửi")


def weekly_log(service: Service) -> str:
    """The operator's command for this week; its name."""
    week = "{}-W{:02}".format(*datetime.now(UTC).astimezone().isocalendar()[:2])
    made = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "bot", "export", "weekly", "--week", week, "--to", str(service.home / "exports")],
        cwd=ROOT, env=service.environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return f"weekly-{week}"


@pytest.mark.parametrize("screen", SCREENS)
def test_from_the_one_time_code_to_the_weekly_log(chromium: Any, service: Service, screen: str, tmp_path: Path):
    officer, her = Person(chromium, service, SCREENS[screen]), Person(chromium, service, PHONE)
    page = officer.page
    officer.joins("hotline-111", "chief", f"truc-{screen}")
    before = page.locator("tr[data-id]").count()

    # An urgent case comes by itself, and is taken by keys.
    page.locator("#bell").click()
    sync_api.expect(page.locator("#bell")).to_have_attribute("aria-pressed", "true")
    calls_for_help(her)
    sync_api.expect(page.locator("tr[data-id]")).to_have_count(before + 1)
    assert page.title().startswith("▲ (")
    assert "Nhận ngay" in page.inner_text("h1")
    page.keyboard.press("j")
    code = str(page.evaluate("document.activeElement.innerText"))
    page.keyboard.press("a")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    case = page.url
    assert WHERE not in page.content()
    assert WHERE in officer.unlocks()

    # A question goes to her and her answer comes back; neither learns who the other is.
    asks = officer.folded("Nhắn cho người này", "ask")
    asks.get_by_label("Lời nhắn").fill(ASKED)
    press(page, "Gửi lời nhắn")
    aside(service.at_rest())
    her.page.goto("/")
    assert ASKED in her.page.inner_text("main")
    assert f"truc-{screen}" not in her.page.content()
    her.page.get_by_role("textbox").fill(ANSWERED)
    press(her.page, "Gửi")
    page.goto(f"{case}?mo=1")
    assert ANSWERED in page.inner_text("#noi-dung")

    # It is classified, and handed to an office that reads it with its own key.
    officer.folded("Phân loại", "classify").locator("select").select_option("crime_news")
    press(page, "Ghi phân loại")
    hands = officer.folded("Chuyển cơ quan khác", "transfer")
    hands.locator("[name=office]").select_option("border-20")
    hands.locator("[name=reason]").select_option("not_our_area")
    hands.get_by_role("checkbox").check()
    press(page, "Chuyển")
    assert "Đã chuyển" in page.inner_text(".do")

    guard = Person(chromium, service, SCREENS[screen])
    guard.joins("border-20", "duty", f"bien-phong-{screen}")
    guard.page.locator(f'tr.waits:has-text("{code}") a.code').click()
    assert WHERE not in guard.page.content()
    assert WHERE in (shown := guard.unlocks())
    assert ANSWERED in shown
    press(guard.page, "Tôi nhận")
    press(guard.page, "Thụ lý")
    ends = guard.folded("Ghi kết quả và kết thúc", "close")
    ends.locator("[name=outcome]").select_option("found_safe")
    ends.get_by_role("checkbox").check()
    press(guard.page, "Ghi kết quả và kết thúc")
    assert "Đã kết thúc" in guard.page.inner_text(".do")
    press(guard.page, "Đăng xuất")
    guard.page.goto(case)
    assert "/officers/sign-in" in guard.page.url

    # The week's log has both, coded, and not a word of hers.
    name = weekly_log(service)
    page.get_by_role("link", name="Số liệu tuần").click()
    with page.expect_download() as saved:
        page.locator(f'a[href$="{name}.csv"]').click()
    saved.value.save_as(tmp_path / "log.csv")
    log = (tmp_path / "log.csv").read_text("utf-8-sig")
    (row,) = [one for one in csv.DictReader(io.StringIO(log)) if code in one["Mã chuyển tin"]]
    assert (row["Mã chuyển tin"].count(code), row["Tỉnh"]) == (2, "Lạng Sơn"), "the two offices that had it"
    assert {"đã chuyển nơi khác", "đã kết thúc"} <= set(row["Trạng thái"].split("; "))
    assert all(word not in log for word in (WHERE, ANSWERED, ASKED))
    written = {row[0] for row in service.rows("SELECT DISTINCT action FROM audit")}
    assert {"content.opened", "referral.transfer", "referral.close", "export.downloaded"} <= written
    for one in (officer, her, guard):
        one.close()
