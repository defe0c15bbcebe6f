"""The citizens' page, by plain form posts over real storage: what a browser without JavaScript would do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.channels.base import Message
from bot.channels.web import WebChannel
from bot.media.kinds import kind_of
from bot.settings import BadSetting, Settings, read_settings
from bot.web.away import ON_ITS_WAY
from bot.web.form import FILE_BYTES
from bot.web.guard import CSP, LARGEST
from bot.web.site import Site, build_site
from storage.base import Address, StorageAway
from tests import world as a_world
from tests.world import World

JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 64
MARKER = '<script>alert("chao")</script>'


@dataclass
class Visitor:
    """Somebody with a browser: cookies, the page that is open, its form."""

    client: httpx.AsyncClient
    first: str = "/"
    page: httpx.Response = field(init=False)

    async def look(self, path: str = "/") -> httpx.Response:
        self.page = await self.client.get(path, follow_redirects=True)
        return self.page

    async def press(self, label: str) -> httpx.Response:
        return await self.post({"choose": self.button(label)})

    async def tick(self, *labels: str) -> httpx.Response:
        return await self.post({"pick": [self.box(label) for label in labels], "choose": self.button("Chọn xong")})

    async def write(self, text: str, **more: Any) -> httpx.Response:
        a_world.SAID.add(text)
        return await self.post({"text": text, "send": "1"}, **more)

    async def post(self, fields: dict[str, Any], nonce: str = "", files: Any = None) -> httpx.Response:
        seen = re.findall(r'name="seen" value="(\w+)"', self.page.text)
        given = {"nonce": nonce or self.nonce, **({"seen": seen[0]} if seen else {}), **fields}
        posted = await self.client.post(self.first, data=given, files=files)
        self.page = (
            await self.client.get(posted.url.join(posted.headers["location"])) if posted.status_code == 303 else posted
        )
        return posted

    @property
    def nonce(self) -> str:
        return re.findall(r'name="nonce" value="([^"]+)"', self.page.text)[0]

    @property
    def said(self) -> str:
        inside = re.search(r'<div id="said".*?</div>', self.page.text, re.DOTALL)
        return unescape(re.sub(r"<[^>]+>", "", inside[0])) if inside else ""

    @property
    def buttons(self) -> dict[str, str]:
        found = re.findall(
            r'<button class="\w+" name="choose" value="([^"]+)">(?:<svg.*?</svg>)?([^<]+)<', self.page.text
        )
        return {unescape(label): value for value, label in found}

    def button(self, label: str) -> str:
        return self.buttons[label]

    def box(self, label: str) -> str:
        found = re.findall(r'name="pick" value="([^"]+)"[^>]*>(?:<svg.*?</svg>)?<span>([^<]+)<', self.page.text)
        return {unescape(name): value for value, name in found}[label]

    @property
    def token(self) -> str:
        return self.client.cookies.get("nc") or ""


def site_over(world: World, folder: Path, **settings: Any) -> Any:
    parts = Site(
        receiver=world.receiver,
        storage=world.storage,
        book=world.book,
        settings=Settings(home=folder, exports=folder / "exports", **settings),
        now=lambda: world.now,
    )
    return build_site(parts)


def client_of(site: Any, scheme: str = "http", **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(site, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=f"{scheme}://127.0.0.1", headers=headers)


@pytest.fixture
async def visitor(world: World, tmp_path: Path) -> AsyncIterator[Visitor]:
    async with client_of(site_over(world, tmp_path)) as client:
        one = Visitor(client)
        await one.look()
        yield one


# ---------------------------------------------------------------------------------------------------- a first look


async def test_looking_at_the_page_shows_the_greeting_and_stores_nothing(world: World, visitor: Visitor):
    assert "Bây giờ bạn nhắn tin có an toàn không?" in visitor.said
    assert 'href="tel:111"' in visitor.page.text
    assert 'href="tel:113"' in visitor.page.text
    assert world.commits == []
    assert (await world.storage.load(Address("web", visitor.token))).conversation is None


async def test_the_cookie_is_random_for_the_session_and_out_of_reach(world: World, tmp_path: Path):
    site = site_over(world, tmp_path)
    async with client_of(site) as one, client_of(site, "https") as other:
        plain = (await one.get("/")).headers["set-cookie"]
        secure = (await other.get("/")).headers["set-cookie"]
    assert len(re.findall(r"nc=([\w-]{43});", plain + secure)) == 2
    assert one.cookies["nc"] != other.cookies["nc"]
    for cookie in (plain, secure):
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "expires" not in cookie.lower()
        assert "max-age" not in cookie.lower()
    assert "Secure" in secure
    assert "Secure" not in plain


@pytest.mark.parametrize(
    "path", ["/", "/left", "/lich", "/officers/sign-in", "/static/chat.css", "/health", "/nowhere"]
)
async def test_every_answer_is_private_and_strict(visitor: Visitor, path: str):
    headers = (await visitor.client.get(path)).headers
    assert headers["content-security-policy"] == CSP
    assert "unsafe" not in CSP
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]


async def test_the_first_view_is_light_and_asks_nobody_else_for_anything(visitor: Visitor):
    names = re.findall(r'(?:href|src)="(\./static/[^"]+)"', visitor.page.text)
    pages = [visitor.page, *[await visitor.client.get(name) for name in names]]
    assert len(pages) == 6
    assert (
        sum(len(page.content) for page in pages) < 30_000
    )  # even where nothing is packed; on the wire: test_browser_web.py
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", "".join(map(repr, (page.text for page in pages[:-1]))))


@pytest.mark.parametrize("path", ["/", "/static/chat.css", "/static/chat.js", "/lich"])
async def test_citizens_pages_travel_packed(visitor: Visitor, path: str):
    packed = await visitor.client.get(path)
    plain = await visitor.client.get(path, headers={"accept-encoding": "identity"})
    assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert int(packed.headers["content-length"]) < len(plain.content) * 0.6
    assert "content-encoding" not in plain.headers


async def test_officers_pages_do_not(visitor: Visitor):
    assert "content-encoding" not in (await visitor.client.get("/officers/sign-in")).headers


async def test_a_link_in_a_language_is_followed_in_it(visitor: Visitor):
    await visitor.look("/?lang=en")
    visitor.first = visitor.page.url.join(re.findall(r'action="([^"]*)"', visitor.page.text)[0]).raw_path.decode()
    await visitor.press("It is safe")
    assert '<html lang="en">' in visitor.page.text
    assert [one.name for one in visitor.client.cookies.jar] == ["nc"]


async def test_the_page_names_neither_police_nor_the_matter_in_its_title(visitor: Visitor):
    assert re.findall(r"<title>(.*?)</title>", visitor.page.text) == ["Lịch"]
    icon = (await visitor.client.get("/static/lich.svg")).text
    assert "Nhịp" not in icon


async def test_a_trial_says_so_and_production_does_not(world: World, tmp_path: Path, visitor: Visitor):
    assert "Bản dùng thử" in visitor.page.text
    async with client_of(site_over(world, tmp_path, trial=False)) as client:
        assert "Bản dùng thử" not in (await client.get("/")).text


# ------------------------------------------------------------------------------------------------------- whole ways


async def tip(visitor: Visitor) -> None:
    await visitor.press("An toàn")
    await visitor.press("Tôi thấy việc đáng ngờ")
    await visitor.tick("Quán karaoke, quán bar", "Nhà nghỉ, khách sạn")


async def test_a_tip_from_greeting_to_receipt(world: World, visitor: Visitor):
    await tip(visitor)
    assert "Quán karaoke, quán bar, Nhà nghỉ, khách sạn" in visitor.page.text  # what was chosen, said back once
    await visitor.press("Còn")
    await visitor.press("Vùng biên giới")
    await visitor.press("Gửi luôn")
    receipt = re.search(r"\d{4} \d{4} \d{4} \d{4}", visitor.said)
    assert receipt
    [intake] = world.intakes.values()
    assert intake.kind == "tip"
    assert intake.answers["tip_place_kind"] == ("karaoke", "lodging")
    assert {one.to for one in world.referrals.values()} >= {"border_guard"}
    await visitor.press("Xong")
    assert "Bắt đầu lại" in visitor.page.text


async def test_only_the_latest_exchange_is_on_the_page(visitor: Visitor):
    await tip(visitor)
    assert "an toàn không" not in visitor.page.text
    assert "Bạn cần gì lúc này?" not in visitor.page.text
    assert "Tôi thấy việc đáng ngờ" not in visitor.page.text


async def test_a_word_of_danger_shows_the_numbers_and_alerts(world: World, visitor: Visitor):
    await visitor.write("cuu toi voi, ho nhot toi trong phong")
    assert "113" in visitor.said
    assert "111" in visitor.said
    assert any(one.urgent for one in world.referrals.values())


async def test_the_danger_button_is_on_every_page_and_works_at_once(world: World, visitor: Visitor):
    assert "Tôi cần giúp gấp" in visitor.buttons
    await visitor.press("Tôi cần giúp gấp")
    assert visitor.said.index("113") < visitor.said.index("?")
    assert any(one.urgent for one in world.referrals.values())


async def test_words_and_a_ticked_answer_sent_together_are_both_kept(world: World, visitor: Visitor):
    await visitor.press("An toàn")
    button = visitor.button("Tôi thấy việc đáng ngờ")
    a_world.SAID.add("xe mau trang hay den luc nua dem")
    await visitor.post({"text": "xe mau trang hay den luc nua dem", "choose": button})
    talk = (await world.storage.load(Address("web", visitor.token))).conversation
    assert talk is not None
    assert "xe mau trang hay den luc nua dem" in talk.notes
    assert talk.flow == "tip"


async def test_quiet_mode_has_no_alarming_colour_and_neutral_labels(visitor: Visitor):
    await visitor.press("Có người để ý tôi")
    assert '<body class="quiet">' in visitor.page.text
    assert "Tôi cần giúp gấp" not in visitor.page.text
    assert "Việc gấp" in visitor.buttons
    assert "Bạn đã chọn" not in visitor.page.text
    assert "Bản dùng thử" not in visitor.page.text
    assert "Nhịp Cầu" not in visitor.page.text


async def test_the_language_can_be_changed_before_and_within_a_conversation(world: World, visitor: Visitor):
    await visitor.post({"language": "en"})
    assert '<html lang="en">' in visitor.page.text
    assert "Is it safe" in visitor.said
    await visitor.post({"language": "vi"})
    assert "an toàn không" in visitor.said


async def test_a_browser_that_asks_for_english_is_greeted_in_english(world: World, tmp_path: Path):
    async with client_of(site_over(world, tmp_path), **{"accept-language": "en-GB,en;q=0.8"}) as client:
        assert '<html lang="en">' in (await client.get("/")).text


# ------------------------------------------------------------------------------------------------- leaving and return


async def test_quick_exit_forgets_the_way_in_and_lands_on_a_page_about_nothing(visitor: Visitor):
    await visitor.press("An toàn")
    gone = await visitor.look("/lich")
    assert gone.status_code == 200
    assert visitor.token == ""
    assert "Tháng" in gone.text
    for word in ("Nhịp Cầu", "111", "113", "Thoát"):
        assert word not in re.sub(r"<[^>]+>", " ", gone.text)


async def test_after_quick_exit_a_cookie_that_somebody_kept_leads_nowhere(world: World, visitor: Visitor):
    await tip(visitor)
    kept = visitor.token
    await visitor.look("/lich")
    visitor.client.cookies.set("nc", kept)
    await visitor.look()
    assert "Bây giờ bạn nhắn tin có an toàn không?" in visitor.said
    assert (await world.storage.load(Address("web", kept))).conversation is None
    world.now += ON_ITS_WAY * 2  # what comes at once: test_leaving.py
    await visitor.press("An toàn")  # and whoever holds it begins anew
    assert "Bạn cần gì lúc này?" in visitor.said


async def test_leaving_works_while_storage_is_away(world: World, visitor: Visitor, monkeypatch: pytest.MonkeyPatch):
    await visitor.press("An toàn")

    async def away(*_: object) -> None:
        raise StorageAway("locked")

    monkeypatch.setattr(world.storage, "forget_way_in", away)
    assert (await visitor.look("/lich")).status_code == 200
    assert visitor.token == ""


async def test_quick_exit_leads_where_the_operator_says(world: World, tmp_path: Path):
    async with client_of(site_over(world, tmp_path, away="https://thoitiet.example/")) as client:
        await client.get("/")
        gone = await client.get("/lich")
    assert (gone.status_code, gone.headers["location"]) == (303, "https://thoitiet.example/")
    assert "nc" not in client.cookies


@pytest.mark.parametrize("address", ["http://thoitiet.example/", "javascript:alert(1)", 'https://x.example/"'])
def test_a_page_to_leave_to_has_an_https_address(address: str):
    with pytest.raises(BadSetting, match="NHIPCAU_AWAY"):
        read_settings({"NHIPCAU_AWAY": address})


async def test_a_month_is_drawn_as_it_is(world: World, visitor: Visitor):
    world.now = datetime(2026, 2, 28, 17, 30, tzinfo=UTC)  # half past midnight on the first of March in Viet Nam
    page = (await visitor.look("/lich")).text
    assert "Tháng 3 năm 2026" in page
    assert re.findall(r'aria-current="date">(\d+)<', page) == ["1"]
    assert page.count("<tr>") == 1 + 6


async def test_stop_erases_the_draft_and_forgets_the_way_in(world: World, visitor: Visitor):
    await tip(visitor)
    token = visitor.token
    before = (await world.storage.load(Address("web", token))).conversation
    assert before is not None
    posted = await visitor.press("Dừng và xoá" if "Dừng và xoá" in visitor.buttons else "Dừng và xóa")
    assert posted.headers["location"] == "left?lang=vi"
    assert visitor.token == ""
    assert "Đã dừng" in visitor.said
    assert "nằm trong máy" not in visitor.said  # on this channel nothing is
    assert (await world.storage.load(Address("web", token))).conversation is None
    talk = (await world.storage.load_conversation(before.id))[0].conversation
    assert talk is not None
    assert not talk.answers


async def test_the_typed_word_stop_leaves_as_well(visitor: Visitor):
    await visitor.press("An toàn")
    posted = await visitor.write("dừng")
    assert posted.headers["location"] == "left?lang=vi"
    assert visitor.token == ""


async def test_a_form_sent_after_leaving_is_not_lost_and_not_stored(world: World, visitor: Visitor):
    nonce = visitor.nonce
    visitor.client.cookies.clear()
    await visitor.write("o cho ben xe co nguoi la", nonce=nonce)
    assert visitor.page.status_code == 200
    assert "o cho ben xe co nguoi la</textarea>" in visitor.page.text
    assert "111" in visitor.page.text
    assert world.commits == []


# --------------------------------------------------------------------------------------------------------- the same twice


async def test_a_double_click_is_one_turn(world: World, visitor: Visitor):
    fields, nonce = {"choose": visitor.button("Tôi cần giúp gấp")}, visitor.nonce
    answers = await asyncio.gather(*(visitor.client.post("/", data={"nonce": nonce, **fields}) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {303}
    assert len(world.commits) == 2  # the beginning and the press
    assert len(world.intakes) == 1
    assert len({one.office for one in world.referrals.values()}) == len(world.referrals)
    await visitor.look()
    assert "113" in visitor.said


async def test_the_same_page_used_again_for_something_else_is_heard(world: World, visitor: Visitor):
    await visitor.press("An toàn")
    nonce = visitor.nonce
    await visitor.write("mot nguoi la hoi mua can cuoc", nonce=nonce)
    await visitor.write("nguoi do lai den hom sau", nonce=nonce)
    talk = (await world.storage.load(Address("web", visitor.token))).conversation
    assert talk is not None
    assert "nguoi do lai den hom sau" in talk.notes


async def test_words_that_were_heard_are_not_heard_again_with_another_button(world: World, visitor: Visitor):
    """The answer to the first press was lost on the way; the next one has the same words in its box."""
    await visitor.press("An toàn")
    await visitor.press("Tôi thấy việc đáng ngờ")
    nonce, words = visitor.nonce, "xe la do truoc cong"
    a_world.SAID.add(words)
    fields = {"text": words, "choose": visitor.button("Bỏ qua")}
    await visitor.client.post("/", data={"nonce": nonce, **fields})
    await visitor.client.post("/", data={"nonce": nonce, "text": words, "choose": visitor.button("Tôi cần giúp gấp")})
    await visitor.look()
    talk = (await world.storage.load(Address("web", visitor.token))).conversation
    assert talk is not None
    assert talk.notes.count(words) == 1
    assert "113" in visitor.said


async def test_a_press_sent_again_with_heard_words_answers_no_question_that_was_not_seen(
    world: World, visitor: Visitor
):
    await visitor.press("An toàn")
    await visitor.press("Tôi thấy việc đáng ngờ")
    nonce, words, skip = visitor.nonce, "xe la do truoc cong", visitor.button("Bỏ qua")
    a_world.SAID.add(words)
    await visitor.client.post("/", data={"nonce": nonce, "text": words, "choose": skip})
    await visitor.look()
    seen = visitor.said
    await visitor.client.post("/", data={"nonce": nonce, "text": words, "choose": skip.replace(":skip", ":yes")})
    await visitor.client.post("/", data={"nonce": nonce, "text": words, "choose": skip})
    await visitor.look()
    assert visitor.said.strip().splitlines()[-1] == seen.strip().splitlines()[-1]


async def test_the_same_file_sent_again_is_kept_once(world: World, visitor: Visitor):
    await visitor.press("An toàn")
    nonce = visitor.nonce
    for _ in range(2):
        await visitor.post({}, nonce=nonce, files=[("files", ("a.jpg", JPEG, "image/jpeg"))])
    talk = (await world.storage.load(Address("web", visitor.token))).conversation
    assert talk is not None
    assert len(talk.media) == 1


async def test_what_an_older_tab_ticked_beside_is_not_passed_over_in_silence(world: World, visitor: Visitor):
    """Two tabs, the same question: the second ticked one place more. It is not taken, and that is said."""
    await visitor.press("An toàn")
    await visitor.press("Tôi thấy việc đáng ngờ")
    older = visitor.page
    await visitor.tick("Nhà nghỉ, khách sạn")
    assert "câu trước" not in visitor.said
    visitor.page = older
    await visitor.tick("Nhà nghỉ, khách sạn", "Quán karaoke, quán bar")
    assert "Nút đó của câu trước. Câu bây giờ ở dưới đây." in visitor.said


async def test_an_old_button_never_leaves_an_empty_page(visitor: Visitor):
    old = visitor.button("An toàn")
    await visitor.press("An toàn")
    await visitor.post({"choose": old})
    assert "Bạn cần gì lúc này?" in visitor.said


# ------------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "fields",
    [
        {"choose": "p1:nonsense"},
        {"choose": "' OR 1=1 --"},
        {"choose": "p999999999:safe"},
        {"pick": ["x", "p1:y"], "choose": "p1:done"},
        {"language": "zz"},
        {"send": "1"},
        {"text": "\u202e\u0000  \n "},
        {},
    ],
)
async def test_nonsense_is_answered_with_the_question_that_stands(visitor: Visitor, fields: dict[str, Any]):
    await visitor.post(fields)
    assert visitor.page.status_code == 200
    assert visitor.said.strip()


async def test_markup_is_shown_and_never_run(visitor: Visitor):
    await visitor.press("An toàn")
    await visitor.press("Tôi thấy việc đáng ngờ")
    await visitor.press("Bỏ qua")
    await visitor.press("Bỏ qua")
    await visitor.press("Bỏ qua")
    await visitor.press("Kể thêm vài điều")
    await visitor.write(f"cho {MARKER} ben song")
    for _ in range(12):
        if "Gửi" in visitor.buttons:
            break
        await visitor.press("Bỏ qua")
    assert MARKER in visitor.said
    assert MARKER not in visitor.page.text


@pytest.mark.parametrize("length", [10_000, 64_000])
async def test_a_long_message_is_taken(world: World, visitor: Visitor, length: int):
    assert (await visitor.write("a" * length)).status_code == 303


async def test_a_text_that_is_too_long_is_given_back(world: World, visitor: Visitor):
    posted = await visitor.write("ă" * 40_000)
    assert posted.status_code == 413
    assert "ă" * 40_000 in visitor.page.text
    assert world.commits == []


async def test_danger_pressed_with_a_text_that_is_too_long_is_heard(world: World, visitor: Visitor):
    text = "ơ" * 40_000
    posted = await visitor.post({"text": text, "choose": visitor.button("Tôi cần giúp gấp")})
    assert posted.status_code == 413
    assert "113" in visitor.said
    assert text in visitor.page.text
    assert any(one.urgent for one in world.referrals.values())


async def test_a_body_without_end_is_cut_off(world: World, visitor: Visitor):
    pulled = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pulled
        yield b'--x\r\ncontent-disposition: form-data; name="files"; filename="a"\r\n\r\n'
        for _ in range(4 * LARGEST // 65_536):
            pulled += 1
            yield b"a" * 65_536

    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = await visitor.client.post("/", content=endless(), headers=headers)
    assert answer.status_code == 413
    assert 'href="tel:111"' in answer.text
    assert "trục trặc" not in answer.text  # nothing of ours failed
    assert 'name="choose" value="p0:danger">Tôi cần giúp gấp' in answer.text
    assert pulled <= LARGEST // 65_536 + 2
    assert world.commits == []


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "multipart/form-data; boundary=x", ""])
async def test_a_body_that_is_no_form_is_refused_kindly(world: World, visitor: Visitor, kind: str):
    answer = await visitor.client.post("/", content=b"\xff\xfe{", headers={"content-type": kind})
    assert answer.status_code in {400, 303}
    assert world.intakes == {}


async def test_unknown_paths_get_a_small_neutral_page(visitor: Visitor):
    answer = await visitor.client.get("/wp-admin")
    assert answer.status_code == 404
    assert "Không có trang này" in answer.text
    assert 'href="tel:113"' in answer.text
    assert "trục trặc" not in answer.text


async def test_the_danger_button_of_a_page_that_is_not_there_is_heard(world: World, visitor: Visitor):
    await visitor.look("/wp-admin")
    await visitor.press("Tôi cần giúp gấp")
    assert "113" in visitor.said
    assert any(one.urgent for one in world.referrals.values())


async def test_finishing_with_nothing_ticked_is_a_hint_and_no_turn(world: World, visitor: Visitor):
    await visitor.press("An toàn")
    await visitor.press("Tôi thấy việc đáng ngờ")
    turns = len(world.commits)
    await visitor.tick()
    assert "Bạn chưa chọn ô nào" in visitor.page.text
    assert "“Bỏ qua”" in visitor.page.text
    assert "Bạn đã chọn <span>Chọn xong" not in visitor.page.text
    assert "Chọn thêm được" not in visitor.page.text
    assert "chỗ như thế nào" in visitor.said
    assert len(world.commits) == turns
    await visitor.look("/?note=<b>")
    assert '<p class="notice" role' not in visitor.page.text.split("<textarea")[0]


async def test_words_sent_with_nothing_ticked_are_kept(world: World, visitor: Visitor):
    await visitor.press("An toàn")
    await visitor.press("Tôi thấy việc đáng ngờ")
    a_world.SAID.add("nha mau xanh canh cho")
    await visitor.post({"text": "nha mau xanh canh cho", "choose": visitor.button("Chọn xong")})
    talk = (await world.storage.load(Address("web", visitor.token))).conversation
    assert talk is not None
    assert "nha mau xanh canh cho" in talk.notes + tuple(map(str, talk.answers.values()))
    assert "Bạn chưa chọn ô nào" not in visitor.page.text


# ---------------------------------------------------------------------------------------------------- an officer writes


async def asked_for_a_person(world: World, visitor: Visitor) -> None:
    """They left word for the person on duty, who took it."""
    for label in ("An toàn", "Gặp người thật", "Nhắn lại cho tôi ở đây", "Bỏ qua"):
        await visitor.press(label)
    await world.deliverer.drain()
    assert "R1" in world.referrals
    assert await world.officer("hotline_111-1", "acknowledge", "R1") == ""


async def asks(world: World, text: str = "Bạn đang ở gần chỗ nào?") -> None:
    assert await world.officer("hotline_111-1", "ask", "R1", text=text) == ""


async def test_an_officers_words_stand_apart_above_the_question(world: World, visitor: Visitor):
    await asked_for_a_person(world, visitor)
    question = visitor.said.strip().splitlines()[-1].strip()
    await asks(world)
    for _ in range(2):  # they stay until the person does something
        await visitor.look()
        assert re.search(
            r'<blockquote class="letter"><b>Người trực nhắn cho bạn:</b> Bạn đang ở gần', visitor.page.text
        )
        assert visitor.said.index("Bạn đang ở gần chỗ nào?") < visitor.said.index(question)
        assert visitor.said.count("Bạn đang ở gần chỗ nào?") == 1
        assert f'class="asks">{question}' in visitor.page.text
    assert visitor.buttons
    await visitor.press("Tôi muốn hỏi thông tin")
    assert "Bạn đang ở gần chỗ nào?" not in visitor.said


async def test_words_that_came_after_the_page_are_not_taken_away_unread(world: World, visitor: Visitor):
    await asked_for_a_person(world, visitor)
    await asks(world)
    posted = await visitor.press("Tôi muốn hỏi thông tin")
    assert posted.status_code == 200
    assert "Bạn đang ở gần chỗ nào?" in visitor.said
    assert "Bạn muốn biết điều gì?" in visitor.said


async def test_in_danger_the_numbers_come_before_an_officers_words(world: World, visitor: Visitor):
    await asked_for_a_person(world, visitor)
    await asks(world)
    await visitor.press("Tôi cần giúp gấp")
    assert visitor.said.index("113") < visitor.said.index("Bạn đang ở gần chỗ nào?")


async def test_nothing_comes_by_itself_to_somebody_who_is_watched(world: World, visitor: Visitor):
    await visitor.press("Có người để ý tôi")
    assert 'id="fresh"' not in visitor.page.text
    assert 'name="look"' not in visitor.page.text
    assert 'name="seen"' not in visitor.page.text


async def test_who_waits_can_look_for_news_and_keeps_what_was_typed(world: World, visitor: Visitor):
    assert "Xem có tin mới không" not in visitor.page.text
    await asked_for_a_person(world, visitor)
    assert "Xem có tin mới không" in visitor.page.text
    turns = len(world.commits)
    a_world.SAID.add("toi dang viet do")
    await visitor.post({"text": "toi dang viet do", "look": "1"}, files=[("files", ("a.jpg", JPEG, "image/jpeg"))])
    assert "toi dang viet do</textarea>" in visitor.page.text
    assert "Tệp bạn vừa chọn chưa gửi" in visitor.page.text
    assert len(world.commits) == turns


def mark(page: httpx.Response) -> str:
    return re.findall(r'name="seen" value="(\w+)"', page.text)[0]


# ---------------------------------------------------------------------------------------------------------------- files


async def test_a_photo_is_kept_by_what_it_is_and_its_name_is_not(world: World, visitor: Visitor):
    await visitor.press("An toàn")
    await visitor.post({}, files=[("files", ("ten-that-cua-toi.exe", JPEG, "text/html"))])
    assert "Đã nhận ảnh" in visitor.said
    talk = (await world.storage.load(Address("web", visitor.token))).conversation
    assert talk is not None
    [media] = talk.media
    assert media.kind == "photo"
    assert "ten-that" not in repr(talk)
    assert await world.storage.read_file(media.ref) == JPEG


async def test_a_program_is_refused_and_the_words_with_it_are_kept(world: World, visitor: Visitor):
    await visitor.press("An toàn")
    a_world.SAID.add("day la bang chung cua toi")
    await visitor.post({"text": "day la bang chung cua toi"}, files=[("files", ("anh.jpg", b"MZ\x90\0", "image/jpeg"))])
    assert "không thuộc loại nhận được" in visitor.page.text
    talk = (await world.storage.load(Address("web", visitor.token))).conversation
    assert talk is not None
    assert talk.media == ()
    assert "day la bang chung cua toi" in talk.notes


async def test_a_file_that_is_too_large_takes_neither_the_words_nor_the_small_one_with_it(
    world: World, visitor: Visitor
):
    await visitor.press("An toàn")
    a_world.SAID.add("day la video toi quay")
    files = [("files", ("a.jpg", JPEG, "image/jpeg")), ("files", ("b.jpg", JPEG + bytes(FILE_BYTES), "image/jpeg"))]
    await visitor.post({"text": "day la video toi quay"}, files=files)
    assert visitor.page.status_code == 200
    assert "Phần bạn viết đã được giữ. Có tệp chưa đến" in visitor.page.text
    assert "trục trặc" not in visitor.page.text
    assert "Tôi cần giúp gấp" in visitor.buttons
    talk = (await world.storage.load(Address("web", visitor.token))).conversation
    assert talk is not None
    assert "day la video toi quay" in talk.notes
    assert len(talk.media) == 1


async def test_danger_pressed_with_a_file_that_is_too_large_is_heard(world: World, visitor: Visitor):
    files = [("files", ("a.jpg", JPEG + bytes(FILE_BYTES), "image/jpeg"))]
    await visitor.post({"choose": visitor.button("Tôi cần giúp gấp")}, files=files)
    assert "113" in visitor.said
    assert "Có tệp chưa đến" in visitor.page.text
    assert any(one.urgent for one in world.referrals.values())


async def test_a_fifth_file_is_left_out_and_the_page_says_so(world: World, visitor: Visitor):
    await visitor.press("An toàn")
    await visitor.post({}, files=[("files", (f"{one}.jpg", JPEG + bytes([one]), "image/jpeg")) for one in range(5)])
    assert "Có tệp chưa đến" in visitor.page.text
    talk = (await world.storage.load(Address("web", visitor.token))).conversation
    assert talk is not None
    assert len(talk.media) == 4


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (JPEG, "photo"),
        (b"\x89PNG\r\n\x1a\n", "photo"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "photo"),
        (b"\0\0\0\x18ftypheic", "photo"),
        (b"GIF89a", "photo"),
        (b"ID3\x04", "voice"),
        (b"\xff\xfb\x90\0", "voice"),
        (b"\xff\xf1\x50\0", "voice"),
        (b"OggS\0", "voice"),
        (b"RIFF\0\0\0\0WAVEfmt ", "voice"),
        (b"\x1aE\xdf\xa3", "voice"),
        (b"\0\0\0\x18ftypM4A ", "voice"),
        (b"\0\0\0\x18ftypisom", "video"),
        (b"\0\0\0\x14ftypqt  ", "video"),
        (b"%PDF-1.7", "document"),
        (b"PK\x03\x04" + b"\0" * 26 + b"word/document.xml", "document"),
        (b"PK\x03\x04" + b"\0" * 26 + b"xl/workbook.xml", "document"),
        (b"PK\x03\x04" + b"\0" * 26 + b"mimetypeapplication/vnd.oasis.opendocument.text", "document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "document"),
        (b"{\\rtf1", "document"),
        (b"PK\x03\x04" + b"\0" * 26 + b"evil.exe", None),
        (b"MZ\x90\0", None),
        (b"<svg onload=alert(1)>", None),
        (b"<html>", None),
        (b"", None),
        (b"\xff", None),
    ],
)
def test_a_file_is_what_its_first_bytes_are(content: bytes, kind: str | None):
    found = kind_of(content)
    assert (found[0] if found else None) == kind


# -------------------------------------------------------------------------------------------------------- when it fails


async def test_when_storage_is_away_the_numbers_are_shown_and_nothing_typed_is_lost(
    world: World, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    await visitor.press("An toàn")
    nonce = visitor.nonce

    async def away(*_: object) -> None:
        raise StorageAway("locked")

    with monkeypatch.context() as broken:
        broken.setattr(world.storage, "commit", away)
        answer = await visitor.write("nguoi la dua em toi di", nonce=nonce)
        assert answer.status_code == 503
        assert 'href="tel:111"' in answer.text
        assert 'href="tel:113"' in answer.text
        assert "nguoi la dua em toi di</textarea>" in answer.text
    again = await visitor.write("nguoi la dua em toi di", nonce=visitor.nonce)
    assert again.status_code == 303
    assert visitor.nonce != nonce


async def test_a_look_while_storage_is_away_shows_whom_to_call(
    world: World, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    async def away(*_: object, **__: object) -> None:
        raise StorageAway("gone")

    monkeypatch.setattr(world.storage, "load", away)
    answer = await visitor.look()
    assert answer.status_code == 503
    assert 'href="tel:111"' in answer.text
    assert 'href="tel:113"' in answer.text


async def test_health_tells_whether_storage_answers(world: World, visitor: Visitor, monkeypatch: pytest.MonkeyPatch):
    assert (await visitor.client.get("/health")).status_code == 200

    async def away() -> None:
        raise StorageAway("gone")

    monkeypatch.setattr(world.storage, "next_due", away)
    assert (await visitor.client.get("/health")).status_code == 503


async def test_an_unexpected_failure_shows_whom_to_call_and_logs_no_word(
    world: World, visitor: Visitor, monkeypatch: pytest.MonkeyPatch, leak_guard: Any
):
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("bi mat cua mot nguoi")

    a_world.SAID.add("bi mat cua mot nguoi")
    monkeypatch.setattr(world.receiver, "citizen", broken)
    answer = await visitor.press("An toàn")
    assert answer.status_code == 500
    assert 'href="tel:111"' in answer.text
    number = re.findall(r"Mã lỗi ([0-9a-f]{10})", answer.text)
    assert number
    assert number[0] in leak_guard.getvalue()
    assert "bi mat" not in answer.text


async def test_the_channel_has_nothing_to_carry():
    channel = WebChannel()
    assert (await channel.send("x", Message(("a",)))).message_ids == ()
    await channel.clear("x", ("1",))
    await channel.close()
