"""What only officers open: key pairs, keys handed to a key pair, content under keys of its own, a key under a password.

HPKE (RFC 9180) with ML-KEM-768 + X25519, HKDF-SHA256 and AES-256-GCM; content and keys under keys: AES-256-GCM, a nonce of
12 random bytes first; passwords: Argon2id (RFC 9106) with 64 MiB, three passes, a salt of 16 bytes first. `about` says what
a value belongs to; it is not kept and must be given to open. What does not open raises `Locked`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from referral.model import Content

T = TypeVar("T")

KEY_BYTES: Final = 32
PRIVATE_BYTES: Final = 96
"""A private key: 64 bytes of seed for ML-KEM-768 (FIPS 203), then 32 of X25519."""
_MLKEM_SEED: Final = 64
_MLKEM_PUBLIC: Final = 1184
_NONCE: Final = 12
_SALT: Final = 16
_PASSES, _LANES, _KIB = 3, 4, 64 * 1024
_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)

Keys = Mapping[str, bytes]
"""The key of each part of an intake."""


class Locked(Exception):
    """The key that was given does not open this."""


# ----------------------------------------------------------------------------------------------------------- key pairs


def new_private() -> bytes:
    """A fresh private key, PRIVATE_BYTES long."""
    return MLKEM768PrivateKey.generate().private_bytes_raw() + X25519PrivateKey.generate().private_bytes_raw()


def public_of(private: bytes) -> bytes:
    """The public key of a private one, as it is stored."""
    mlkem, x25519 = _halves(private)
    return mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


def wrap(plain: bytes, public: bytes, about: str) -> bytes:
    """Seal a key so that only the private key of `public` opens it. Costs 0.2 ms."""
    to = MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC]),
        X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC:]),
    )
    return _SUITE.encrypt(plain, to, info=about.encode())


def unwrap(wrapped: bytes, private: bytes, about: str) -> bytes:
    """What was wrapped to this private key. Raises Locked."""
    try:
        return _SUITE.decrypt(wrapped, MLKEM768X25519PrivateKey(*_halves(private)), info=about.encode())
    except (InvalidTag, ValueError) as cause:
        raise Locked("a wrapped key does not open with this private key") from cause


def _halves(private: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    return (
        MLKEM768PrivateKey.from_seed_bytes(private[:_MLKEM_SEED]),
        X25519PrivateKey.from_private_bytes(private[_MLKEM_SEED:]),
    )


# ------------------------------------------------------------------------------------------------------- symmetric keys


def new_key() -> bytes:
    """A fresh AES-256 key."""
    return os.urandom(KEY_BYTES)


def lock(plain: bytes, key: bytes, about: str) -> bytes:
    """Encrypt under a key of its own."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, about.encode())


def unlock(locked: bytes, key: bytes, about: str) -> bytes:
    """What was locked under this key. Raises Locked."""
    try:
        return AESGCM(key).decrypt(locked[:_NONCE], locked[_NONCE:], about.encode())
    except (InvalidTag, ValueError) as cause:
        raise Locked("what is sealed does not open with this key") from cause


def lock_by_password(plain: bytes, password: str, about: str) -> bytes:
    """Encrypt under a password. Takes a tenth of a second and 64 MiB: not on the event loop."""
    return lock_all_by_password({about: plain}, password)[about]


def lock_all_by_password(plain: Mapping[str, bytes], password: str) -> dict[str, bytes]:
    """The same for several values, by what each is about, under one salt."""
    salt = os.urandom(_SALT)
    key = _of_password(password, salt)
    return {about: salt + lock(one, key, about) for about, one in plain.items()}


def unlock_by_password(locked: bytes, password: str, about: str) -> bytes:
    """What was locked under this password; as slow. Raises Locked."""
    return unlock(locked[_SALT:], _of_password(password, locked[:_SALT]), about)


def _of_password(password: str, salt: bytes) -> bytes:
    return Argon2id(salt=salt, length=KEY_BYTES, iterations=_PASSES, lanes=_LANES, memory_cost=_KIB).derive(
        password.encode()
    )


def key_of_token(token: str) -> bytes:
    """The key that only a session's cookie gives. The token has 256 random bits, so nothing need be slow."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"nhip-cau session key 1").derive(token.encode())


# ------------------------------------------------------------------------------------------------------------- content

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(dict[str, bytes]).decode


def write_keys(keys: Keys) -> bytes:
    """The keys of some parts in one piece, for wrapping."""
    return _encode(dict(keys))


def read_keys(written: bytes) -> Keys:
    return _decode(written)


def joined(entries: Iterable[Content]) -> Content:
    """Everything that was said, the oldest first: a text given anew for the same question stands beside the old one.

    Only a clue that the person took out of the list is one no more, though it was sealed with an alert before; its words stay.
    """
    texts: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    media: tuple[tuple[str, str, str], ...] = ()
    asked: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    clues: tuple[tuple[str, str], ...] = ()
    out: tuple[tuple[str, str], ...] = ()
    for entry in entries:
        notes, media, asked = _union(notes, entry.notes), _union(media, entry.media), (*asked, *entry.asked)
        notes = _union(notes, tuple(texts[slot] for slot, text in entry.texts.items() if texts.get(slot, text) != text))
        rows = (*rows, *entry.asked_rows)
        clues, out = _union(_but(clues, entry.clues_out), entry.clues), _union(_but(out, entry.clues), entry.clues_out)
        texts |= entry.texts
    return Content(texts, notes, media, asked, rows, clues, out)


def _union(before: tuple[T, ...], now: tuple[T, ...]) -> tuple[T, ...]:
    return (*before, *(one for one in now if one not in before))


def _but(before: tuple[T, ...], gone: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(one for one in before if one not in gone)
