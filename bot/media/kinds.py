"""What a file is, told from its first bytes. Its name and what the sender calls it are not asked: both can lie. Pure.

Signatures: each format's own specification; the brands of `ftyp` are those registered at https://mp4ra.org/registered-types/brands.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Kind(NamedTuple):
    """What it is to us (photo, voice, video, document), its media type, the ending of its name."""

    medium: str
    content_type: str
    ending: str


_BEGINNINGS: Final = (
    (b"\xff\xd8\xff", Kind("photo", "image/jpeg", "jpg")),
    (b"\x89PNG\r\n\x1a\n", Kind("photo", "image/png", "png")),
    (b"GIF87a", Kind("photo", "image/gif", "gif")),
    (b"GIF89a", Kind("photo", "image/gif", "gif")),
    (b"ID3", Kind("voice", "audio/mpeg", "mp3")),
    (b"OggS", Kind("voice", "audio/ogg", "ogg")),
    (b"#!AMR\n", Kind("voice", "audio/amr", "amr")),
    (b"#!AMR-WB\n", Kind("voice", "audio/amr", "amr")),
    (b"\x1aE\xdf\xa3", Kind("voice", "video/webm", "webm")),
    (b"%PDF-", Kind("document", "application/pdf", "pdf")),
    (b"{\\rtf", Kind("document", "application/rtf", "rtf")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind("document", "application/x-ole-storage", "ole")),
)
_RIFF: Final = {b"WEBP": Kind("photo", "image/webp", "webp"), b"WAVE": Kind("voice", "audio/wav", "wav")}
_STILL: Final = frozenset({b"heic", b"heix", b"mif1", b"msf1", b"heim", b"heis"})
_AVIF: Final = frozenset({b"avif", b"avis"})
_SOUND: Final = frozenset({b"M4A ", b"M4B ", b"F4A "})
_OFFICE: Final = tuple(
    (part, Kind("document", f"application/vnd.openxmlformats-officedocument.{name}", ending))
    for part, name, ending in (
        (b"word/", "wordprocessingml.document", "docx"),
        (b"xl/", "spreadsheetml.sheet", "xlsx"),
        (b"ppt/", "presentationml.presentation", "pptx"),
    )
)
"""Archives that are documents, by a folder that is named near their beginning (ECMA-376-2)."""
_OPEN: Final = b"mimetypeapplication/vnd.oasis.opendocument."
"""Where a document of OpenOffice says so: its first entry, never packed (ODF 1.3 part 2, 3.3)."""


def kind_of(content: bytes) -> Kind | None:
    """What the bytes are, or None for anything that is not taken: programs, pages, archives, drawings with scripts."""
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning):
            return kind
    if content[:4] == b"RIFF":
        return _RIFF.get(content[8:12])
    if content[4:8] == b"ftyp":
        return _iso_media(content[8:12])
    if content[:4] == b"PK\x03\x04":
        return _document(content)
    # MPEG audio and AAC (ADTS) begin with eleven or twelve bits set.
    if len(content) > 2 and content[0] == 0xFF and content[1] & 0xE0 == 0xE0:
        is_aac = content[1] & 0xF6 == 0xF0
        return Kind("voice", "audio/aac", "aac") if is_aac else Kind("voice", "audio/mpeg", "mp3")
    return None


def _document(archive: bytes) -> Kind | None:
    if archive[30 : 30 + len(_OPEN)] == _OPEN:
        return Kind("document", "application/vnd.oasis.opendocument", "odf")
    return next((kind for part, kind in _OFFICE if part in archive[:8192]), None)


def _iso_media(brand: bytes) -> Kind:
    if brand in _AVIF:
        return Kind("photo", "image/avif", "avif")
    if brand in _STILL:
        return Kind("photo", "image/heic", "heic")
    if brand in _SOUND:
        return Kind("voice", "audio/mp4", "m4a")
    if brand == b"qt  ":
        return Kind("video", "video/quicktime", "mov")
    return Kind("video", "video/mp4", "mp4")
