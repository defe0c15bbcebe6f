"""A real Chromium on a really running service: how tests start both, and what a person does on a page."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.demo import PASSWORD

sync_api = pytest.importorskip("playwright.sync_api")

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
SWITCHES = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
SCREENS = {"phone": {"width": 360, "height": 740}, "wide": {"width": 1366, "height": 768}}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`python -m bot serve` on a port of its own and an empty folder; its address."""
    with serving(tmp_path_factory.mktemp("home")) as address:
        yield address


@contextmanager
def serving(home: Path, **settings: str) -> Iterator[str]:
    """The same with this folder and these settings."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NHIPCAU_")}
    with (home / "log").open("w") as log, subprocess.Popen(
        [sys.executable, "-m", "bot", "serve"], cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True,
        env={**kept, "NHIPCAU_HOME": str(home), "NHIPCAU_PORT": str(port), **settings},
    ) as running:  # fmt: skip
        try:
            assert running.stdout is not None
            line = running.stdout.readline()  # it says so when it is up, and nothing when it cannot start
            assert "Nhịp Cầu" in line, (home / "log").read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()
            running.wait(timeout=90)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser; without one the tests are left out, but never in CI."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium: CI must not leave the browser tests out (.ci/browser installs it)")
        pytest.skip("no Chromium on this machine: apt-get install chromium fonts-noto-core")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(params=list(SCREENS))
def page(chromium: Any, request: pytest.FixtureRequest, service: str) -> Iterator[Any]:
    """A new visitor's page on each screen; anything that the page's own policy refuses is a fault."""
    context = chromium.new_context(viewport=SCREENS[request.param], locale="vi-VN", base_url=service)
    context.set_default_timeout(60_000)
    opened = context.new_page()
    faults: list[str] = []
    opened.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    # A request that the next navigation cut short is none.
    opened.on("requestfailed", lambda asked: faults.append(asked.url) if "ERR_ABORTED" not in asked.failure else None)
    yield opened
    context.close()
    assert faults == []


def heard(page: Any, act: Callable[[], None]) -> None:
    """Do what sends the form, and wait until the page says the next thing."""
    nonce = page.locator("[name=nonce]").input_value()
    act()
    page.wait_for_function("nonce => document.querySelector('[name=nonce]')?.value !== nonce", arg=nonce)


def press(page: Any, label: str) -> None:
    button = page.get_by_role("button", name=label, exact=True)
    if page.locator("#turn").count():
        heard(page, button.click)
    else:  # an officer's page asks first whether the line is there, and then goes
        page.evaluate("document.body.dataset.old = 1")
        button.click()
        page.wait_for_function(
            "() => document.readyState === 'complete' && document.body && !document.body.dataset.old"
        )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the screen"


def tick(page: Any, *labels: str) -> None:
    for label in labels:
        page.get_by_label(label, exact=True).check()
    press(page, "Chọn xong")


def write(page: Any, text: str) -> None:
    page.get_by_role("textbox").fill(text)
    press(page, "Gửi")


def said(page: Any) -> str:
    return str(page.inner_text("#said"))


def sign_in(page: Any, login: str) -> None:
    page.goto("/officers/")
    page.get_by_label("Tên đăng nhập").fill(login)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    page.wait_for_load_state()
