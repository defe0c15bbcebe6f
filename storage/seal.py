"""Encrypts and opens personal fields, and finds them again by a keyed hash. The key is handed in, never looked up.

AES-256-GCM from `cryptography`; sealing and look-ups have keys of their own, derived by HKDF-SHA256, so that neither
helps against the other; once the service key was rotated, that of look-ups is kept sealed in the database (rotating.py).
Look-ups are keyed BLAKE2b (RFC 7693), which is a MAC by itself. A sealed value is one byte of format (1), 12 bytes of nonce,
the ciphertext and its tag.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.base import StorageUnfit
from storage.chance import Chance

KEY_BYTES: Final = 32
CODES: Final = frozenset({"receipt", "invite"})
"""Kinds of look-up that people type: case, spaces and dashes do not count."""

_ABOUT_LOOKUP: Final = b"meta/lookup"
_FORMAT: Final = b"\x01"
_NONCE_BYTES: Final = 12
_nonce: Final = Chance(_NONCE_BYTES)
_HASH_BYTES: Final = 16  # enough that no two addresses ever meet, and half the index


class Sealer:
    """Seals, opens and looks up under one service key of 32 bytes. Raises ValueError for a key of another length."""

    __slots__ = ("_aead", "_lookup_key")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(
                f"the service key has {len(key)} bytes instead of {KEY_BYTES}: make a new one or restore it"
            )
        self._aead = AESGCM(_derive(key, b"nhip-cau seal 1"))
        self._lookup_key = _derive(key, b"nhip-cau lookup 1")

    def __repr__(self) -> str:
        return "Sealer(…)"

    def look_up_with(self, kept: bytes | None) -> None:
        """Look up as before the service key was rotated: with the key that the database keeps for it (`kept_lookup`)."""
        if kept is not None:
            self._lookup_key = self.open(kept, _ABOUT_LOOKUP)

    def kept_lookup(self) -> bytes:
        """The key of look-ups, sealed, to be kept in the database."""
        return self.seal(self._lookup_key, _ABOUT_LOOKUP)

    def successor(self, key: bytes) -> Sealer:
        """A sealer under another service key that looks up as this one does."""
        other = Sealer(key)
        other._lookup_key = self._lookup_key
        return other

    def seal(self, plain: bytes, about: bytes) -> bytes:
        """Encrypt. `about` says what the value belongs to (its row); it is not kept and must be given to open."""
        nonce = _nonce()
        return _FORMAT + nonce + self._aead.encrypt(nonce, plain, about)

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Decrypt. Raises StorageUnfit where the key is another, or the value was altered or moved to another row."""
        if sealed[:1] != _FORMAT:
            raise StorageUnfit(
                "a sealed field has an unknown format: it was written by a newer version; use that version"
            )
        try:
            return self._aead.decrypt(sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :], about)
        except InvalidTag as cause:
            raise StorageUnfit(
                "a sealed field cannot be opened: the key is not the one it was written with, or it was altered; "
                "give the right key or restore a backup"
            ) from cause

    def lookup(self, kind: str, text: str) -> str:
        """The keyed hash by which `text` is found again: 32 hexadecimal characters, another one for every kind."""
        plain = "".join(filter(str.isalnum, text)).upper() if kind in CODES else text
        return blake2b(f"{kind}\0{plain}".encode(), digest_size=_HASH_BYTES, key=self._lookup_key).hexdigest()


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(key)
