"""Officers' notices to a browser: Web Push (RFC 8030), sealed for that browser (RFC 8291, RFC 8188), signed by us (RFC 8292).

A push service carries it and can read nothing; all the same it holds level and code and nothing else, and is padded, so that its
length tells nothing. Only the push services of known browsers are written to: an address that somebody gave is never just called.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.channels.base import Ignored, Inbound, Limits, Message, SendError, Sent

CHANNEL: Final = "push"
SERVICES: Final = (
    "fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com", ".notify.windows.com",
)  # fmt: skip
"""The push services of Chrome and its kin, Firefox, Safari and Edge; with a dot, any host below."""
LASTS_S: Final = 86_400
"""Seconds that a push service keeps a notice for a browser that is off: until the ladder is long over."""
SIGNED_FOR_S: Final = 12 * 3600
"""Seconds that a signature holds; RFC 8292 §2 allows 24 hours."""
WITHIN_S: Final = 10.0
PADDED: Final = 200
"""Bytes of every notice, whatever it says."""
RECORD: Final = 4096
_PAD_END: Final = b"\x02"


class NoSubscription(ValueError):
    """What a browser gave is no subscription that we would write to."""


class Subscription(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a browser gives who wants notices: where they go, its public key (65 bytes) and a shared secret (16), base64url."""

    endpoint: str
    p256dh: str
    auth: str


@dataclass(frozen=True, slots=True)
class PushKey:
    """The key by which push services know that a notice is ours (VAPID). `contact`: whom they may write to."""

    private: ec.EllipticCurvePrivateKey
    contact: str

    @property
    def public(self) -> str:
        """As a browser wants it when it subscribes."""
        return _text(_point(self.private))


def is_service(endpoint: str) -> bool:
    """Whether it is an address at a known push service."""
    at = urlsplit(endpoint)
    host = at.hostname or ""
    named = any(host.endswith(one) if one.startswith(".") else host == one for one in SERVICES)
    return at.scheme == "https" and named and at.port in (None, 443) and not at.username


def subscription(endpoint: str, p256dh: str, auth: str, allowed: Callable[[str], bool] = is_service) -> str:
    """The address under which a browser's subscription is stored. Raises NoSubscription."""
    try:
        fits = len(endpoint) <= 1024 and endpoint.isascii() and allowed(endpoint) and len(_bytes(auth)) == 16
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(p256dh))
    except (ValueError, binascii.Error):
        raise NoSubscription("not a subscription") from None
    if not fits:
        raise NoSubscription("not at a push service that is known")
    return msgspec.json.encode(Subscription(endpoint, p256dh, auth)).decode()


def sealed(content: bytes, to: Subscription, own: ec.EllipticCurvePrivateKey | None = None, salt: bytes = b"") -> bytes:
    """Seal for one browser (RFC 8291 §3.4, RFC 8188 §2). `own` and `salt` are fresh each time; given only to prove the recipe."""
    own, salt = own or ec.generate_private_key(ec.SECP256R1()), salt or os.urandom(16)
    theirs, ours = _bytes(to.p256dh), _point(own)
    shared = own.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
    key = _derived(_bytes(to.auth), shared, b"WebPush: info\0" + theirs + ours, 32)
    cipher = AESGCM(_derived(salt, key, b"Content-Encoding: aes128gcm\0", 16))
    body = cipher.encrypt(_derived(salt, key, b"Content-Encoding: nonce\0", 12), content, None)
    return salt + RECORD.to_bytes(4, "big") + bytes([len(ours)]) + ours + body


def signature(endpoint: str, key: PushKey, now: float) -> str:
    """The Authorization header (RFC 8292 §3): a token for this push service alone, and our public key."""
    at = urlsplit(endpoint)
    claims = {"aud": f"{at.scheme}://{at.netloc}", "exp": int(now) + SIGNED_FOR_S, "sub": key.contact}
    parts = ({"typ": "JWT", "alg": "ES256"}, claims)
    signed = ".".join(_text(json.dumps(one, separators=(",", ":")).encode()) for one in parts)
    r, s = decode_dss_signature(key.private.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"vapid t={signed}.{_text(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}, k={key.public}"


class PushChannel:
    """Channel protocol, one way. The address is a `Subscription` as text; a message's texts are level and code."""

    name = CHANNEL
    limits = Limits(text=60, buttons=0, has_buttons=False, can_clear=False)

    def __init__(self, key: PushKey, allowed: Callable[[str], bool] = is_service) -> None:
        self.key = key
        self._allowed = allowed
        self._session: aiohttp.ClientSession | None = None

    def read(self, raw: bytes, headers: Mapping[str, str]) -> Inbound | Ignored:
        """Nothing comes in this way."""
        return Ignored("push only leaves")

    async def send(self, address: str, message: Message) -> Sent:
        """Hand one notice to the browser's push service. Raises SendError."""
        try:
            to = msgspec.json.decode(address, type=Subscription)
            level, code = message.texts
        except (msgspec.DecodeError, ValueError):
            raise SendError("never", "push_address") from None
        if not self._allowed(to.endpoint):
            raise SendError("never", "push_service")
        await self._post(to, padded({"level": level, "code": code}))
        return Sent()

    async def _post(self, to: Subscription, content: bytes) -> None:
        headers = {
            "Authorization": signature(to.endpoint, self.key, time.time()), "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream", "TTL": str(LASTS_S), "Urgency": "high",
        }  # fmt: skip
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN_S))
        try:
            async with self._session.post(
                to.endpoint, data=sealed(content, to), headers=headers, allow_redirects=False
            ) as answer:
                status, wait = answer.status, answer.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise SendError("again", "push_away") from None  # an error's text holds the address
        if not 200 <= status < 300:
            raise _refused(status, wait)

    async def clear(self, address: str, message_ids: tuple[str, ...]) -> None:
        """A notice cannot be taken back."""

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()


def padded(what: Mapping[str, str]) -> bytes:
    """Always the same length (RFC 8188 §2.1), whatever it says."""
    content = json.dumps(what, ensure_ascii=False).encode()
    return content + _PAD_END + bytes(max(0, PADDED - len(content)))


def _refused(status: int, wait: str) -> SendError:
    """What a push service's refusal means (RFC 8030 §5 to §8): 404 and 410 say that the browser is gone for good."""
    if status in (404, 410):
        return SendError("blocked", "push_gone")
    if status in (401, 403):
        return SendError("misconfigured", f"push_{status}")
    if status in (400, 413):
        return SendError("never", f"push_{status}")
    return SendError("again", f"push_{status}", min(float(wait), 3600.0) if wait.isdecimal() else 0.0)


def private_key(der: bytes) -> ec.EllipticCurvePrivateKey:
    """A key as it is kept. Raises ValueError for another kind."""
    key = serialization.load_der_private_key(der, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the key of push notices is of another kind")
    return key


def new_private_key() -> bytes:
    """A fresh key, as it is kept."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _derived(salt: bytes, secret: bytes, about: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, about).derive(secret)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
