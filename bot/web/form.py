"""A citizen's form: read from a request without anything touching the disk, and what makes a repeat recognisable."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

from bot.channels.web import LONGEST
from bot.channels.wire.tidy import tidy

MOST_FILES: Final = 4
MOST_FIELDS: Final = 80
FILE_BYTES: Final = 12 * 1024 * 1024
"""Of all files of one form together. What is beyond is read and let go of, so that the words with it arrive."""
MOST_PARTS: Final = 40
"""File parts that are read at all."""
LARGEST_PART: Final = 1024 * 1024
"""Bytes of one field. More than is taken, so that a text that is too long can be given back to shorten."""


class Unreadable(Exception):
    """The body is no form of ours."""


class _InMemory(MultiPartParser):
    """Files stay in memory: a photo somebody sends must never lie unencrypted in a temporary folder.

    `cut` are the files that are beyond what is taken; nothing more of them is kept.
    """

    spool_max_size = FILE_BYTES + 1024 * 1024
    _file_bytes = 0
    _field_bytes = 0

    def __init__(self, request: Request) -> None:
        super().__init__(
            request.headers, request.stream(), max_files=MOST_PARTS, max_fields=MOST_FIELDS, max_part_size=LARGEST_PART
        )
        self.cut: list[UploadFile] = []

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """One piece of a part: kept, or counted and let go of. Raises MultiPartException for fields without end."""
        file = self._current_part.file
        if file is None:
            self._field_bytes += end - start
            if self._field_bytes > 2 * LARGEST_PART:
                raise MultiPartException("fields without end")
        else:
            self._file_bytes += end - start
            if self._file_bytes > FILE_BYTES:
                if file not in self.cut:
                    self.cut.append(file)
                return
        super().on_part_data(data, start, end)


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in. `chose` is the button pressed, `picked` the boxes ticked, `language` a switch of language.

    `seen` is the mark of the page that the form was on. `looks`: nothing is sent, only the page is wanted anew. `cut`: a
    file is missing, because they were too large or too many. `leaves`: it was on its way when its page was left for good.
    """

    nonce: str
    text: str = ""
    chose: str = ""
    picked: tuple[str, ...] = ()
    language: str = ""
    opens: bool = False
    files: tuple[bytes, ...] = ()
    seen: str = ""
    looks: bool = False
    cut: bool = False
    leaves: bool = False

    @property
    def too_long(self) -> bool:
        """True when the text is longer than is taken."""
        return len(self.text.encode()) > LONGEST

    def external_id(self, token: str, part: str, *what: object) -> str:
        """The id of one part of this form: the same for a double click and however often it is sent, another for anything else.

        `what` the part says: words that were heard are not heard again because another button was pressed with them.
        """
        said = repr((token, self.nonce, part, what)).encode()
        return f"{hashlib.sha256(said).hexdigest()[:40]}/{part}"


def fresh_nonce() -> str:
    """A number for one rendered form."""
    return secrets.token_urlsafe(12)


async def read_form(request: Request) -> Form:
    """The form of a request. Raises Unreadable; a body over the cap raises what the guard raises."""
    parts, cut = await _parsed(request)
    try:
        sent = [one for one in parts.getlist("files") if isinstance(one, UploadFile) and (one.size or 0) > 0]
        whole = [one for one in sent if one not in cut]
        files = [await one.read() for one in whole[:MOST_FILES]]
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
        seen=_text(parts, "seen")[:16],
        looks=bool(_text(parts, "look")),
        cut=bool(cut) or len(whole) > MOST_FILES,
        leaves=bool(_text(parts, "leave")),
    )


async def _parsed(request: Request) -> tuple[FormData, list[UploadFile]]:
    """The parts of the form, and the files of which not everything was taken."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    parser: FormParser | _InMemory
    if kind == "multipart/form-data":
        parser = _InMemory(request)
    elif kind == "application/x-www-form-urlencoded":
        parser = FormParser(request.headers, request.stream(), max_fields=MOST_FIELDS, max_part_size=LARGEST_PART)
    else:
        raise Unreadable("not a form")
    try:
        parsed = await parser.parse()
    except (MultiPartException, ValueError, KeyError, LookupError) as error:
        raise Unreadable(type(error).__name__) from None
    return parsed, parser.cut if isinstance(parser, _InMemory) else []


def _text(parts: FormData, name: str) -> str:
    found = parts.get(name)
    return found if isinstance(found, str) else ""
