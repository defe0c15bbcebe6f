"""Web push and e-mail by their real bytes: a push service that proves and unseals, a mail server that keeps what it got."""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.app import open_parts
from bot.channels.base import Message, SendError
from bot.channels.email import SUBJECT, MailChannel, MailServer
from bot.channels.push import NoSubscription, PushChannel, PushKey, Subscription, is_service, sealed, subscription
from bot.settings import BadSetting, Settings, read_settings
from bot.vapid import push_key
from bot.web.console import doors as page
from storage.base import Address
from storage.doors import Doors
from tests import test_signin
from tests.delivery import Platform, deliverer
from tests.test_deliver import an_urgent_referral
from tests.test_notices import CHIEF, doors_of, with_doors
from tests.test_signin import Desks
from tests.world import World

desks = test_signin.desks
_cheap_hashes = test_signin._cheap_hashes
BRIEF = Message(("KHẨN · Mức L4", "CJNHDR"), link="https://nc.example.vn/officers/")


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    numbers = key.public_numbers()
    return b"\4" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


# ---------------------------------------------------------------------------------------------------------- web push


def test_a_notice_is_sealed_as_in_the_example_of_rfc_8291():
    own = ec.derive_private_key(
        int.from_bytes(raw("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), ec.SECP256R1()
    )
    to = Subscription(
        "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
    )
    content = b"When I grow up, I want to be a watermelon\2"
    assert text(sealed(content, to, own, raw("DGv6ra1nlYgDCS1FRnbzlw"))) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
        "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@dataclass
class PushService:
    """A browser and its push service: it refuses what is not signed for it, and unseals as RFC 8291 says."""

    browser: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    secret: bytes = bytes(range(16))
    origin: str = ""
    answers: list[int] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        public = text(point(self.browser.public_key()))
        return subscription(f"{self.origin}/send/abc", public, text(self.secret), self.is_ours)

    def is_ours(self, endpoint: str) -> bool:
        return endpoint.startswith(self.origin + "/")

    async def take(self, request: web.Request) -> web.Response:
        if self.answers and (status := self.answers.pop(0)) != 201:
            return web.Response(status=status, headers={"Location": f"{self.origin}/elsewhere", "Retry-After": "7"})
        try:
            self.prove(request.headers["Authorization"])
        except Exception as error:
            self.wrong.append(repr(error))
            return web.Response(status=403)
        body = await request.read()
        self.sizes.append(len(body))
        self.headers.append(dict(request.headers))
        self.told.append(json.loads(self.unseal(body)))
        return web.Response(status=201)

    def prove(self, given: str) -> None:
        parts = dict(one.strip().split("=", 1) for one in given.removeprefix("vapid ").split(","))
        signed, _, mark = parts["t"].rpartition(".")
        header, claims = (json.loads(raw(one)) for one in signed.split("."))
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw(parts["k"]))
        r, s = (int.from_bytes(half, "big") for half in (raw(mark)[:32], raw(mark)[32:]))
        key.verify(encode_dss_signature(r, s), signed.encode(), ec.ECDSA(hashes.SHA256()))
        assert header == {"typ": "JWT", "alg": "ES256"}
        assert claims["aud"] == self.origin
        assert claims["sub"].startswith("https://")

    def unseal(self, body: bytes) -> bytes:
        salt, length = body[:16], body[20]
        theirs, content = body[21 : 21 + length], body[21 + length :]
        shared = self.browser.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
        about = b"WebPush: info\0" + point(self.browser.public_key()) + theirs
        key = HKDF(hashes.SHA256(), 32, self.secret, about).derive(shared)
        cipher = AESGCM(HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(key))
        nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(key)
        return cipher.decrypt(nonce, content, None).rstrip(b"\0").removesuffix(b"\2")


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    made = PushService()
    app = web.Application()
    app.router.add_post("/send/abc", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    made.origin = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    yield made
    await runner.cleanup()


@pytest.fixture
async def channel(service: PushService) -> AsyncIterator[PushChannel]:
    made = PushChannel(PushKey(ec.generate_private_key(ec.SECP256R1()), "https://nc.example.vn"), service.is_ours)
    yield made
    await made.close()


async def test_an_urgent_case_reaches_a_browser_as_level_and_code_and_nothing_else(
    world: World, service: PushService, channel: PushChannel
):
    await with_doors(world)
    await Doors(world.storage).add(CHIEF, Address("push", service.address), at=world.now)
    referral, _ = await an_urgent_referral(world)
    await deliverer(world, Platform(), channel).drain()
    found = (await world.storage.load_referral(referral)).referral
    assert found is not None
    assert (service.wrong, service.told) == ([], [{"level": f"KHẨN · Mức {found.level}", "code": found.code}])
    (headers,) = service.headers
    assert (headers["TTL"], headers["Urgency"], headers["Content-Encoding"]) == ("86400", "high", "aes128gcm")


async def test_every_notice_is_as_long_as_any_other(service: PushService, channel: PushChannel):
    await channel.send(service.address, BRIEF)
    await channel.send(service.address, Message(("Tin mới · Mức L0", "A")))
    assert len(set(service.sizes)) == 1


@pytest.mark.parametrize(
    ("status", "what", "after_s"),
    [(404, "blocked", 0), (410, "blocked", 0), (403, "misconfigured", 0), (413, "never", 0), (429, "again", 7),
     (500, "again", 7), (307, "again", 7)],
)  # fmt: skip
async def test_what_a_push_service_refuses_says_what_to_do(
    service: PushService, channel: PushChannel, status: int, what: str, after_s: float
):
    service.answers = [status]
    with pytest.raises(SendError) as refused:
        await channel.send(service.address, BRIEF)
    assert (refused.value.what, refused.value.after_s) == (what, after_s)
    assert service.told == []


async def test_a_browser_that_is_gone_is_shown_as_gone(world: World, service: PushService, channel: PushChannel):
    await with_doors(world)
    await Doors(world.storage).add(CHIEF, Address("push", service.address), at=world.now)
    service.answers = [410]
    await an_urgent_referral(world)
    await deliverer(world, Platform(), channel).drain()
    assert (await doors_of(world))[service.address].blocked


@pytest.mark.parametrize(
    "endpoint",
    ["http://fcm.googleapis.com/x", "https://127.0.0.1/x", "https://fcm.googleapis.com.evil.example/x",
     "https://fcm.googleapis.com:8443/x", "https://u@fcm.googleapis.com/x", "https://evilnotify.windows.com/x", "file:///x"],
)  # fmt: skip
async def test_nothing_but_the_push_services_of_browsers_is_ever_called(endpoint: str, service: PushService):
    own = point(service.browser.public_key())
    assert not is_service(endpoint)
    with pytest.raises(NoSubscription):
        subscription(endpoint, text(own), text(service.secret))
    stored = json.dumps({"endpoint": endpoint, "p256dh": text(own), "auth": text(service.secret)})
    strict = PushChannel(PushKey(service.browser, "https://nc.example.vn"))
    with pytest.raises(SendError, match="push_service"):
        await strict.send(stored, BRIEF)
    assert is_service("https://wns2-par02p.notify.windows.com/w/?token=x")


def files_of(folder: Path) -> list[bytes]:
    return [one.read_bytes() for one in folder.rglob("*") if one.is_file()]


async def test_the_key_is_made_once_and_lies_sealed(world: World, tmp_path: Path):
    first, second = await push_key(world.storage, "http://here"), await push_key(world.storage, "https://nc.example.vn")
    assert first.public == second.public
    der = first.private.private_numbers().private_value.to_bytes(32, "big")
    assert not any(der in content for content in files_of(tmp_path))
    parts = await open_parts(Settings(home=tmp_path / "other", database=str(tmp_path / "other.db")), world.book)
    try:
        assert len(raw(parts.push_key)) == 65
    finally:
        for one in parts.channels.values():
            await one.close()
        await parts.storage.close()


# ------------------------------------------------------------------------------------------------------------- e-mail


@dataclass
class MailSink:
    """A mail server that keeps what it is handed. `refuses`: what it says to an address."""

    port: int = 0
    refuses: str = ""
    said: list[str] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        with suppress(ConnectionError):
            while line := (await reader.readline()).decode().rstrip():
                self.said.append(line)
                word = line.upper()
                if word == "DATA":
                    writer.write(b"354 go on\r\n")
                    self.letters.append(await reader.readuntil(b"\r\n.\r\n"))
                    writer.write(b"250 taken\r\n")
                elif word.startswith("RCPT") and self.refuses:
                    writer.write(self.refuses.encode() + b"\r\n")
                else:
                    writer.write(b"221 bye\r\n" if word == "QUIT" else b"250 yes\r\n")
        writer.close()

    @property
    def server(self) -> MailServer:
        return MailServer("127.0.0.1", self.port, "thong-bao@nc.example.vn", plain=True)


@pytest.fixture
async def sink() -> AsyncIterator[MailSink]:
    made = MailSink()
    server = await asyncio.start_server(made.talk, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@asynccontextmanager
async def mail(server: MailServer) -> AsyncIterator[MailChannel]:
    made = MailChannel(server)
    yield made
    await made.close()


async def test_a_letter_holds_level_code_and_where_to_look_and_nothing_else(world: World, sink: MailSink):
    await with_doors(world)
    await Doors(world.storage).add(CHIEF, Address("email", "lan@example.vn"), at=world.now)
    referral, _ = await an_urgent_referral(world)
    async with mail(sink.server) as channel:
        await deliverer(world, Platform(), channel).drain()
    found = (await world.storage.load_referral(referral)).referral
    assert found is not None
    (handed_in,) = sink.letters
    letter = email.message_from_bytes(handed_in.removesuffix(b".\r\n"), policy=email.policy.default)
    assert isinstance(letter, email.message.EmailMessage)
    assert letter.get_content().split() == [*f"KHẨN · Mức {found.level}".split(), found.code, "http://here/officers/"]
    assert (letter["Subject"], letter["From"], letter["To"]) == (SUBJECT, "thong-bao@nc.example.vn", "lan@example.vn")
    assert {name.lower() for name in letter} <= {
        "from", "to", "subject", "date", "message-id", "auto-submitted", "content-type", "content-transfer-encoding",
        "mime-version",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("refuses", "what"), [("550 lan@example.vn is nobody", "blocked"), ("451 lan@example.vn later", "again")]
)
async def test_a_mailbox_that_is_refused_is_gone_or_tried_again_and_never_named(
    sink: MailSink, refuses: str, what: str
):
    sink.refuses = refuses
    async with mail(sink.server) as channel:
        with pytest.raises(SendError) as refused:
            await channel.send("lan@example.vn", BRIEF)
    assert refused.value.what == what
    assert "lan" not in str(refused.value)
    assert refused.value.__suppress_context__


async def test_without_starttls_nothing_is_handed_in_but_on_this_machine(sink: MailSink):
    strict = replace(sink.server, plain=False)
    async with mail(strict) as channel:
        with pytest.raises(SendError) as refused:
            await channel.send("lan@example.vn", BRIEF)
    assert refused.value.what == "misconfigured"
    assert sink.letters == []
    assert not any(line.upper().startswith(("AUTH", "MAIL", "RCPT")) for line in sink.said)


async def test_a_server_that_is_away_is_tried_again(sink: MailSink):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    async with mail(replace(sink.server, port=port)) as channel:
        with pytest.raises(SendError) as refused:
            await channel.send("lan@example.vn", BRIEF)
    assert (refused.value.what, refused.value.code) == ("again", "email_away")


@pytest.mark.parametrize("address", ["a@b.vn\r\nBcc: x@y.vn", "a b@c.vn", "a@localhost", "@b.vn", "a@b.vn,c@d.vn"])
async def test_what_could_be_another_header_is_no_address(sink: MailSink, address: str):
    async with mail(sink.server) as channel:
        with pytest.raises(SendError, match="email_address"):
            await channel.send(address, BRIEF)
    assert sink.said == []


def test_the_mail_server_is_read_from_the_settings_and_a_wrong_one_is_refused_without_its_password():
    given = {"NHIPCAU_MAIL": "smtps://nc:pa%40ss@smtp.example.vn", "NHIPCAU_MAIL_FROM": "tb@example.vn"}
    assert read_settings(given).mail == MailServer("smtp.example.vn", 465, "tb@example.vn", "nc", "pa@ss", tls=True)
    assert "pa@ss" not in repr(read_settings(given))
    for wrong in ("http://nc:hidden@x", "smtp://nc:hidden@x/?a=1", "hidden", "smtps://nc:hidden@x:port"):
        with pytest.raises(BadSetting) as refused:
            read_settings({**given, "NHIPCAU_MAIL": wrong})
        assert "hidden" not in str(refused.value)
    with pytest.raises(BadSetting, match="NHIPCAU_MAIL_FROM"):
        read_settings({"NHIPCAU_MAIL": given["NHIPCAU_MAIL"]})


# ----------------------------------------------------------------------------------------------------------- the page


async def test_an_officer_adds_their_browser_and_a_trial_follows(desks: Desks, service: PushService):
    browser = await desks.signed_in("lan")
    site = browser.client._transport.app.state.parts  # type: ignore[attr-defined]
    object.__setattr__(site, "push_key", "BKey")
    shown = (await browser.get("/officers/me")).text
    assert 'data-key="BKey"' in shown
    fields = {
        "do": "add_push", "endpoint": "https://fcm.googleapis.com/fcm/send/x",
        "p256dh": text(point(service.browser.public_key())), "auth": text(service.secret),
    }  # fmt: skip
    assert (await browser.post("/officers/me", "/officers/me", **fields)).status_code == 303
    (door,) = await Doors(desks.world.storage).of_officer("lan")
    assert door.address.channel == "push"
    push = Platform("push")
    await deliverer(desks.world, push).drain()
    assert push.sent == [(door.address.external, "\n".join(page.TRY))]
    answer = await browser.post("/officers/me", "/officers/me", **{**fields, "endpoint": "https://10.0.0.1/admin"})
    assert (answer.status_code, page.NO_BROWSER in answer.text) == (422, True)


async def test_a_mailbox_is_added_where_there_is_a_mail_server_and_once(desks: Desks):
    browser = await desks.signed_in("lan")
    answer = await browser.post("/officers/me", "/officers/me", do="add_mail", mail="lan@example.vn")
    assert (answer.status_code, page.NO_MAIL in answer.text) == (422, True)
    site = browser.client._transport.app.state.parts  # type: ignore[attr-defined]
    server = MailServer("127.0.0.1", 25, "tb@example.vn")
    object.__setattr__(site, "settings", replace(site.settings, mail=server))
    assert (await browser.post("/officers/me", "/officers/me", do="add_mail", mail="lan@example.vn")).status_code == 303
    answer = await browser.post("/officers/me", "/officers/me", do="add_mail", mail="lan@example.vn\r\nBcc: x@y.vn")
    assert answer.status_code == 422
    other = await desks.signed_in("minh")
    answer = await other.post("/officers/me", "/officers/me", do="add_mail", mail="lan@example.vn")
    assert (answer.status_code, page.TAKEN in answer.text) == (422, True)
    doors = await Doors(desks.world.storage).all()
    assert [(door.officer.id, door.address.external) for door in doors] == [("lan", "lan@example.vn")]


async def test_the_worker_of_officers_pages_keeps_nothing_and_answers_no_request(desks: Desks):
    answer = await desks.browser().get("/officers/sw.js")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert not {"caches", '"fetch"', "indexedDB", "importScripts"} & set(answer.text.replace("(", " ").split())
    assert 'addEventListener("fetch"' not in answer.text
    assert "caches" not in answer.text
