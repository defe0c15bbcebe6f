"""The official addresses of this service, as its operator signed them elsewhere: read, checked against the signature, or refused.

The private key never comes here, so that whoever breaks into the service can take the list away and not add to it. Signature:
Ed25519 (RFC 8032) over the bytes of the file, as OpenSSL makes and checks it; docs/operation.md has the commands.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from bot.settings import BadSetting

LARGEST: Final = 16 * 1024
MOST: Final = 20
_LINE = re.compile(r"([^:\n]{1,40}): *(\S{1,200})")
_ADDRESS = re.compile(r"https://[^\s\"'<>]+|http://[a-z2-7]{56}\.onion(?:/[^\s\"'<>]*)?")


@dataclass(frozen=True, slots=True)
class Official:
    """A list whose signature is right. `accounts` are name and address; the bytes are those that anybody can check again."""

    accounts: tuple[tuple[str, str], ...]
    signed: date
    until: date
    text: bytes
    signature: bytes
    key: bytes
    fingerprint: str


def read_official(path: Path | None) -> Official | None:
    """The list at this path, with `.sig` and `.pem` beside it. Raises BadSetting for anything but a rightly signed list."""
    if path is None:
        return None
    text, signature, key = (_bytes(Path(f"{path}{ending}")) for ending in ("", ".sig", ".pem"))
    fingerprint = _checked(path, text, signature, key)
    accounts, days = _lines(path, text)
    return Official(accounts, days["signed"], days["until"], text, signature, key, fingerprint)


def _bytes(path: Path) -> bytes:
    try:
        found = path.read_bytes()
    except OSError as cause:
        raise BadSetting(f"NHIPCAU_OFFICIAL: {path.name} cannot be read ({type(cause).__name__})") from None
    if len(found) > LARGEST:
        raise BadSetting(f"NHIPCAU_OFFICIAL: {path.name} is larger than {LARGEST} bytes")
    return found


def _checked(path: Path, text: bytes, signature: bytes, key: bytes) -> str:
    """SHA-256 of the public key (DER), four digits at a time."""
    try:
        public = load_pem_public_key(key)
    except ValueError:
        public = None
    if not isinstance(public, Ed25519PublicKey):
        raise BadSetting(f"NHIPCAU_OFFICIAL: {path.name}.pem is no Ed25519 public key")
    try:
        public.verify(signature, text)
    except InvalidSignature:
        raise BadSetting(f"NHIPCAU_OFFICIAL: {path.name}.sig is no signature of {path.name}: sign it again") from None
    digest = hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    return " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))


def _lines(path: Path, text: bytes) -> tuple[tuple[tuple[str, str], ...], dict[str, date]]:
    accounts: list[tuple[str, str]] = []
    days: dict[str, date] = {}
    try:
        lines = text.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise BadSetting(f"NHIPCAU_OFFICIAL: {path.name} is not UTF-8") from None
    for number, line in enumerate(lines, 1):
        found = _LINE.fullmatch(line.strip())
        try:
            if found and found[1] in ("signed", "until"):
                days[found[1]] = date.fromisoformat(found[2])
            elif found and _ADDRESS.fullmatch(found[2]):
                accounts.append((found[1], found[2]))
            elif line.strip():
                raise ValueError
        except ValueError:
            raise BadSetting(
                f"NHIPCAU_OFFICIAL: line {number} of {path.name} should be `name: https://…`, `signed: 2026-11-23` or `until: …`"
            ) from None
    if days.keys() != {"signed", "until"} or not 0 < len(accounts) <= MOST:
        raise BadSetting(f"NHIPCAU_OFFICIAL: {path.name} needs `signed`, `until` and 1 to {MOST} addresses")
    return tuple(accounts), days
