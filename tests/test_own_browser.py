"""An officer's own page in a real Chromium: read by eyes and by axe, and the button by which a browser takes notices.

Chromium's push service lies outside this machine, so what it would answer is put in its place; asking for leave, the worker, its
registration and what it shows of a notice are the browser's own. Not proved here: that the maker's service carries a notice.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.web.console.doors import NO_BROWSER
from tests.chromium import chromium as chromium
from tests.chromium import press, serving, sign_in, sync_api
from tests.test_browser_web import faults

pytestmark = pytest.mark.browser

OWN = "/officers/me"
LONG = "bốn từ không liên quan"
KEY = ec.derive_private_key(7, ec.SECP256R1()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
ANSWERED = """([endpoint, key, auth]) => {
  const bytes = (list) => Uint8Array.from(list).buffer;
  PushManager.prototype.subscribe = async function (asked) {
    if (Notification.permission !== "granted") throw new DOMException("no leave", "NotAllowedError");
    window.asked = { visible: asked.userVisibleOnly, key: [...new Uint8Array(asked.applicationServerKey)] };
    return { endpoint, getKey: (name) => bytes(name === "auth" ? auth : key) };
  };
}"""
"""What the browser's own push service would answer."""
AT_WORK = """async () => {
  const { active } = await navigator.serviceWorker.ready;
  if (active.state !== "activated") await new Promise((done) => active.addEventListener("statechange", done));
}"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service that has a mail server in its settings, at which nobody listens."""
    mail = {"NHIPCAU_MAIL": "smtp://127.0.0.1:9", "NHIPCAU_MAIL_FROM": "tb@example.vn"}
    with serving(tmp_path_factory.mktemp("home"), **mail) as address:
        yield address


@pytest.fixture(scope="module")
def session(chromium: Any, service: str) -> Any:
    """The cookies of an officer who has signed in."""
    context = chromium.new_context(locale="vi-VN", base_url=service)
    sign_in(context.new_page(), "hotline_111-1")
    kept = context.storage_state()
    context.close()
    return kept


@pytest.fixture
def own(chromium: Any, service: str, session: Any) -> Iterator[Any]:
    """Their own page in a browser that has nothing but that session."""
    context = chromium.new_context(locale="vi-VN", base_url=service, storage_state=session)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(OWN)
    yield page
    context.close()


def test_axe_finds_nothing_on_the_own_page_whatever_it_says(chromium: Any, service: str, session: Any) -> None:
    """With two addresses that do not answer and both refusals, in both lights and at both widths."""
    context = chromium.new_context(locale="vi-VN", base_url=service, storage_state=session, bypass_csp=True)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(OWN)
    for address in ("lan@example.vn", "lan@example.com"):
        page.get_by_label("Thêm một hộp thư").fill(address)
        press(page, "Thêm và gửi thử")
    for name, text in (("now", "không phải mật khẩu này"), ("password", LONG), ("again", LONG)):
        page.locator(f"[name={name}]").fill(text)
    press(page, "Đổi mật khẩu")
    assert page.locator("[role=alert]:visible").count() >= 1
    page.evaluate("document.getElementById('push-wrong').hidden = false")
    found: dict[tuple[str, int], list[str]] = {}
    for scheme in ("light", "dark"):
        for width in (320, 1366):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 768})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (scheme, width)
            assert page.screenshot(full_page=True)
            found[scheme, width] = faults(page)
    assert {where: each for where, each in found.items() if each} == {}
    context.close()


def test_a_browser_that_may_not_show_notices_says_so_and_sends_nothing(own: Any) -> None:
    """Chromium's own refusal: nobody gave leave."""
    sent: list[str] = []
    own.on("request", lambda asked: sent.append(asked.url) if asked.method == "POST" else None)
    own.get_by_role("button", name="Nhận thông báo trên máy này").click()
    sync_api.expect(own.locator("#push-wrong")).to_be_visible()
    assert "Hãy cho phép ở cài đặt của trình duyệt" in own.inner_text("#push-wrong")
    assert sent == []


def pressed(own: Any, endpoint: str) -> dict[str, str]:
    """Leave is given and the button pressed; the fields of the form that went out."""
    own.context.grant_permissions(["notifications"])
    own.evaluate(ANSWERED, [endpoint, list(KEY), list(range(16))])
    key = own.locator("#push").get_attribute("data-key")
    with own.expect_request(lambda asked: asked.method == "POST") as sent:
        own.get_by_role("button", name="Nhận thông báo trên máy này").click()
    given = own.evaluate("window.asked") if endpoint.startswith("https://fcm") else None
    if given:
        assert given == {"visible": True, "key": list(_bytes(key))}
    return {name: values[0] for name, values in _fields(sent.value.post_data).items()}


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _fields(body: str) -> dict[str, list[str]]:
    return parse_qs(body)


def test_the_button_registers_the_worker_asks_for_a_subscription_and_sends_it(own: Any) -> None:
    own.route(
        "**/officers/me",
        lambda route: route.fulfill(status=204) if route.request.method == "POST" else route.continue_(),
    )
    fields = pressed(own, "https://fcm.googleapis.com/fcm/send/abc")
    assert fields["do"] == "add_push"
    assert fields["endpoint"] == "https://fcm.googleapis.com/fcm/send/abc"
    assert (_bytes(fields["p256dh"]), _bytes(fields["auth"])) == (KEY, bytes(range(16)))
    assert fields["csrf"]
    scopes = own.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.map((one) => one.scope))")
    assert [re.sub(r"https?://[^/]+", "", one) for one in scopes] == ["/officers/"]


def test_a_subscription_anywhere_else_is_refused_by_the_service_in_words(own: Any) -> None:
    """The form goes to the real service: this machine's own address is no push service, and the page says that it was refused."""
    pressed(own, "https://127.0.0.1/send/abc")
    sync_api.expect(own.get_by_text(NO_BROWSER)).to_be_visible()
    assert "Trình duyệt" not in own.inner_text("main table.rows >> nth=-1")


SHOWN = """async () => { const worker = await navigator.serviceWorker.ready;
    const all = (await worker.getNotifications()).map((one) => [one.title, one.body]); return all.length ? all : null; }"""


def test_the_worker_shows_level_and_code_and_opens_nothing_by_itself(own: Any, service: str) -> None:
    own.context.grant_permissions(["notifications"])
    cdp = own.context.new_cdp_session(own)
    found: list[str] = []
    cdp.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(one["registrationId"] for one in event["registrations"]),
    )
    cdp.send("ServiceWorker.enable")
    own.evaluate("navigator.serviceWorker.register('/officers/sw.js', { scope: '/officers/' })")
    own.evaluate(AT_WORK)
    for _ in range(300):  # what the browser tells of its workers comes when it likes
        if found:
            break
        own.evaluate("() => new Promise(requestAnimationFrame)")
    data = json.dumps({"level": "Tin khẩn", "code": "CJNHDR"})
    cdp.send("ServiceWorker.deliverPushMessage", {"origin": service, "registrationId": found[0], "data": data})
    shown = None
    for _ in range(300):  # a promise is no answer to `wait_for_function`: it is asked again and again here
        shown = own.evaluate(SHOWN)
        if shown:
            break
        own.evaluate("() => new Promise(requestAnimationFrame)")
    assert shown == [["Tin khẩn", "CJNHDR"]]
    assert len(own.context.pages) == 1
