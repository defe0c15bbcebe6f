"""Files as telephones make them, with everything planted that must not reach a screen: place, author, comment, thumbnail."""

from __future__ import annotations

import io
import math
import struct
import zlib
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import pillow_heif
from PIL import Image, ImageDraw, PngImagePlugin

MARKER = "quanghoaphuongtim"
"""Planted in every field that holds words."""
PLACE = "+21.0285+105.8542/"
RED, BLUE = (250, 10, 10), (10, 10, 250)


def painting(width: int = 96, height: int = 64) -> Image.Image:
    """Red at the top, blue below: which way is up can be seen."""
    made = Image.new("RGB", (width, height), RED)
    ImageDraw.Draw(made).rectangle((0, height // 2, width, height), fill=BLUE)
    return made


def exif(orientation: int = 1) -> bytes:
    """An Exif block by hand: who, what, where, which way up, and a second directory with a thumbnail (TIFF 6.0, Exif 2.32)."""
    small = io.BytesIO()
    painting(16, 16).save(small, "JPEG", comment=f"{MARKER} thumbnail".encode())
    words = f"{MARKER}\0".encode()
    size = 8 + (2 + 4 * 12 + 4) + (2 + 4 * 12 + 4) + (2 + 3 * 12 + 4)
    gps, second = 8 + 54, 8 + 108
    place = struct.pack("<6I", 21, 1, 1, 1, 42, 1)
    main = _directory(second, (0x010E, 2, len(words), size), (0x0112, 3, 1, orientation), (0x013B, 2, len(words), size),
                      (0x8825, 4, 1, gps))  # fmt: skip
    where = _directory(
        0, (1, 2, 2, ord("N")), (2, 5, 3, size + len(words)), (3, 2, 2, ord("E")), (4, 5, 3, size + len(words))
    )
    thumbnail = _directory(
        0, (0x0103, 3, 1, 6), (0x0201, 4, 1, size + len(words) + len(place)), (0x0202, 4, 1, len(small.getvalue()))
    )
    return b"Exif\0\0II*\0" + struct.pack("<I", 8) + main + where + thumbnail + words + place + small.getvalue()


def _directory(after: int, *entries: tuple[int, int, int, int]) -> bytes:
    return (
        struct.pack("<H", len(entries))
        + b"".join(struct.pack("<HHII", *one) for one in entries)
        + struct.pack("<I", after)
    )


def jpeg(orientation: int = 1, picture: Image.Image | None = None) -> bytes:
    xmp = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><creator>{MARKER}</creator></x:xmpmeta>'.encode()
    return _saved(picture or painting(), "JPEG", exif=exif(orientation), comment=MARKER.encode(), xmp=xmp)


def png() -> bytes:
    words = PngImagePlugin.PngInfo()
    for name in ("Author", "Comment", "Location"):
        words.add_text(name, f"{MARKER} {PLACE}")
    return _saved(painting(), "PNG", exif=exif(), pnginfo=words)


def webp() -> bytes:
    return _saved(painting(), "WEBP", exif=exif(), xmp=f"<x>{MARKER}</x>".encode())


def heic() -> bytes:
    pillow_heif.register_heif_opener()
    return _saved(painting(), "HEIF", exif=exif(), xmp=f"<x>{MARKER}</x>".encode())


def avif() -> bytes:
    return _saved(painting(), "AVIF", exif=exif(), xmp=f"<x>{MARKER}</x>".encode())


def moving(form: str, frames: int = 3) -> bytes:
    """A picture that moves, as PNG or WebP."""
    rest = [Image.new("RGB", (8, 8), (0, 80 * n, 9)) for n in range(1, frames)]
    return _saved(Image.new("RGB", (8, 8), RED), form, save_all=True, append_images=rest, duration=80, lossless=True)


def gif(frames: int = 2) -> bytes:
    rest = [Image.new("RGB", (4, 4), (n % 250, n // 250, 9)) for n in range(1, frames)]
    return _saved(Image.new("RGB", (4, 4), RED), "GIF", save_all=True, append_images=rest, comment=MARKER.encode())


def _saved(picture: Image.Image, form: str, **more: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **more)
    return out.getvalue()


def vast_png(side: int = 50_000) -> bytes:
    """A picture of a few kB that says it is gigabytes: the first rows of black, which is all that it takes to make room."""
    packed = zlib.compress(bytes((1 + side // 8) * 100), 9)
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def wordy_png(size: int = 50_000_000) -> bytes:
    """A small picture with a text beside it that unpacks to as many bytes."""
    packing = zlib.compressobj(9)
    packed = b"".join(packing.compress(bytes(1_000_000)) for _ in range(size // 1_000_000)) + packing.flush()
    whole = png()
    return whole[:33] + _chunk(b"zTXt", b"Comment\0\0" + packed) + whole[33:]


def amr(seconds: int, *, pauses: bool = False) -> bytes:
    """What a telephone of old records of a quiet room, in 650 bytes a second (RFC 4867 §5.3): twenty milliseconds a frame, of
    speech, or with `pauses` of comfort noise and of nothing."""
    speech, noise, nothing = b"\x04" + bytes(12), b"\x44" + bytes(5), b"\x7c"
    return b"#!AMR\n" + (speech + noise + nothing * 8 if pauses else speech * 10) * (5 * seconds)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


# --------------------------------------------------------------------------------------------------- sound and film


def recording(
    form: str, codec: str, *, rate: int = 48_000, seconds: float = 2, hertz: int = 440, film: bool = False
) -> bytes:
    """A tone, with a film of grey if wanted, and words and a place beside it."""
    out = io.BytesIO()
    with av.open(out, "w", format=form) as made:
        made.metadata.update({"location": PLACE, "artist": MARKER, "comment": MARKER, "title": MARKER})
        picture: Any = None
        if film:
            picture = made.add_stream("libx264", rate=10)
            picture.width = picture.height = 64
            picture.pix_fmt = "yuv420p"
        sound: Any = made.add_stream(codec, rate=rate)
        sound.layout = "mono"
        if film:
            for number in range(int(seconds * 10)):
                frame = av.VideoFrame(64, 64, "rgb24")
                frame.pts = number
                made.mux(picture.encode(frame))
            made.mux(picture.encode(None))
        for piece in _tone(rate, seconds, hertz):
            made.mux(sound.encode(piece))
        made.mux(sound.encode(None))
    return out.getvalue()


def _tone(rate: int, seconds: float, hertz: int) -> list[av.AudioFrame]:
    pieces = []
    for start, end in pairwise([*range(0, int(rate * seconds), 960), int(rate * seconds)]):
        wave = [int(20_000 * math.sin(2 * math.pi * hertz * at / rate)) for at in range(start, end)]
        frame = av.AudioFrame("s16", "mono", len(wave))
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        plane: Any = frame.planes[0]
        plane.update(struct.pack(f"<{len(wave)}h", *wave).ljust(plane.buffer_size, b"\0"))
        pieces.append(frame)
    return pieces


def heard(content: bytes) -> tuple[float, float]:
    """(seconds, hertz) of what somebody would hear: how long it sounds, and how high by its crossings of zero."""
    wave: list[int] = []
    with av.open(io.BytesIO(content), "r") as source:
        even = av.AudioResampler(format="s16", layout="mono", rate=16_000)
        for frame in [*source.decode(audio=0), None]:
            for one in even.resample(frame):
                plane: Any = one.planes[0]
                wave.extend(struct.unpack(f"<{one.samples}h", bytes(plane)[: 2 * one.samples]))
    middle = wave[len(wave) // 4 : 3 * len(wave) // 4]
    crossings = sum(1 for one, two in pairwise(middle) if one < 0 <= two)
    return len(wave) / 16_000, crossings * 16_000 / len(middle)
