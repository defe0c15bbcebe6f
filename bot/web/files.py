"""What a file is, told from its first bytes. Its name and what the browser calls it are not asked: both can lie. Pure."""

from __future__ import annotations

from typing import Final

_BEGINNINGS: Final = (
    (b"\xff\xd8\xff", "photo", "image/jpeg", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "photo", "image/png", "png"),
    (b"GIF87a", "photo", "image/gif", "gif"),
    (b"GIF89a", "photo", "image/gif", "gif"),
    (b"ID3", "voice", "audio/mpeg", "mp3"),
    (b"OggS", "voice", "audio/ogg", "ogg"),
    (b"\x1aE\xdf\xa3", "voice", "video/webm", "webm"),
    (b"%PDF-", "document", "application/pdf", "pdf"),
)
_RIFF: Final = {b"WEBP": ("photo", "image/webp", "webp"), b"WAVE": ("voice", "audio/wav", "wav")}
_STILL: Final = frozenset({b"heic", b"heix", b"mif1", b"msf1", b"heim", b"heis", b"avif"})
_SOUND: Final = frozenset({b"M4A ", b"M4B ", b"F4A "})
_DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

Kind = tuple[str, str, str]
"""What it is to us (photo, voice, video, document), its media type, the ending of its name."""


def kind_of(content: bytes) -> Kind | None:
    """What the bytes are, or None for anything that is not taken: programs, pages, archives, drawings with scripts."""
    for beginning, kind, media_type, ending in _BEGINNINGS:
        if content.startswith(beginning):
            return kind, media_type, ending
    if content[:4] == b"RIFF":
        return _RIFF.get(content[8:12])
    if content[4:8] == b"ftyp":
        return _iso_media(content[8:12])
    if content[:4] == b"PK\x03\x04" and b"word/" in content[:8192]:
        return "document", _DOCX, "docx"
    # MPEG audio and AAC (ADTS) begin with eleven or twelve bits set.
    if len(content) > 2 and content[0] == 0xFF and content[1] & 0xE0 == 0xE0:
        return ("voice", "audio/aac", "aac") if content[1] & 0xF6 == 0xF0 else ("voice", "audio/mpeg", "mp3")
    return None


def _iso_media(brand: bytes) -> Kind:
    if brand in _STILL:
        return "photo", "image/heic", "heic"
    if brand in _SOUND:
        return "voice", "audio/mp4", "m4a"
    if brand == b"qt  ":
        return "video", "video/quicktime", "mov"
    return "video", "video/mp4", "mp4"
