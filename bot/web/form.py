"""A citizen's form: read from a request without anything touching the disk, and what makes a repeat recognisable."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

from bot.channels.web import LONGEST, tidy

MOST_FILES: Final = 4
MOST_FIELDS: Final = 80
FILE_BYTES: Final = 12 * 1024 * 1024
"""Of all files of one form together."""
LARGEST_PART: Final = 1024 * 1024
"""Bytes of one field. More than is taken, so that a text that is too long can be given back to shorten."""


class Unreadable(Exception):
    """The body is no form of ours."""


class _InMemory(MultiPartParser):
    """Files stay in memory: a photo somebody sends must never lie unencrypted in a temporary folder."""

    spool_max_size = FILE_BYTES + 1024 * 1024


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in. `chose` is the button pressed, `picked` the boxes ticked, `language` a switch of language."""

    nonce: str
    text: str = ""
    chose: str = ""
    picked: tuple[str, ...] = ()
    language: str = ""
    opens: bool = False
    files: tuple[bytes, ...] = ()

    @property
    def too_long(self) -> bool:
        """True when the text is longer than is taken."""
        return len(self.text.encode()) > LONGEST

    def external_id(self, token: str, part: str) -> str:
        """The id of one part of this form: the same for a double click, another for anything else."""
        said = repr((token, self.nonce, self.text, self.chose, self.picked, self.language, self.opens)).encode()
        for content in self.files:
            said += hashlib.sha256(content).digest()
        return f"{hashlib.sha256(said).hexdigest()[:40]}/{part}"

    def file_ref(self, token: str, number: int) -> str:
        """The handle under which a file of this form is kept: a repeat keeps it once. Tells nothing of who sent it."""
        said = f"{token}/{self.nonce}/{number}/".encode() + hashlib.sha256(self.files[number]).digest()
        return "w" + hashlib.sha256(said).hexdigest()[:40]


def fresh_nonce() -> str:
    """A number for one rendered form."""
    return secrets.token_urlsafe(12)


async def read_form(request: Request) -> Form:
    """The form of a request. Raises Unreadable; a body over the cap raises what the guard raises."""
    parts = await _parsed(request)
    try:
        files = [
            await one.read() for one in parts.getlist("files") if isinstance(one, UploadFile) and (one.size or 0) > 0
        ]
    finally:
        await parts.close()
    return Form(
        nonce=_text(parts, "nonce")[:64],
        text=tidy(_text(parts, "text")),
        chose=_text(parts, "choose")[:80],
        picked=tuple(one[:80] for one in parts.getlist("pick") if isinstance(one, str)),
        language=_text(parts, "language")[:8],
        opens=bool(_text(parts, "open")),
        files=tuple(files),
    )


async def _parsed(request: Request) -> FormData:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    parser: Any
    if kind == "multipart/form-data":
        parser = _InMemory(
            request.headers, request.stream(), max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=LARGEST_PART
        )
    elif kind == "application/x-www-form-urlencoded":
        parser = FormParser(request.headers, request.stream(), max_fields=MOST_FIELDS, max_part_size=LARGEST_PART)
    else:
        raise Unreadable("not a form")
    try:
        parsed: FormData = await parser.parse()
    except (MultiPartException, ValueError, KeyError, LookupError) as error:
        raise Unreadable(type(error).__name__) from None
    return parsed


def _text(parts: FormData, name: str) -> str:
    found = parts.get(name)
    return found if isinstance(found, str) else ""
