"""A picture decoded, turned upright and painted onto a new one, which knows nothing of the camera. The one user of Pillow.

Runs in the worker only: what is read here may be made to harm whoever decodes it.
"""

from __future__ import annotations

import io
import warnings
from typing import Final

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from bot.media.result import Clean, Refused

MOST_PIXELS: Final = 50_000_000
"""Of one picture, all its frames together: what a telephone of 48 megapixels takes, in 400 MB of memory."""
MOST_FRAMES: Final = 300
LONGEST_SIDE: Final = 20_000
QUALITY: Final = 90
FORMATS: Final = {
    "jpg": ("JPEG", "image/jpeg", "jpg"),
    "png": ("PNG", "image/png", "png"),
    "webp": ("WEBP", "image/webp", "webp"),
    "gif": ("GIF", "image/gif", "gif"),
    "heic": ("HEIF", "image/jpeg", "jpg"),
    "avif": ("AVIF", "image/jpeg", "jpg"),
}
"""By the kind that came: the decoder, and what is shown instead. Browsers do not show HEIC, old ones no AVIF."""
_SAVES: Final[dict[str, dict[str, object]]] = {
    "jpg": {"format": "JPEG", "quality": QUALITY},
    "png": {"format": "PNG"},
    "webp": {"format": "WEBP", "quality": QUALITY},
    "gif": {"format": "GIF"},
}


def load_decoder(ending: str) -> None:
    """Import what decodes this kind, before the process may open nothing any more: Pillow imports in the middle of its work."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    Image.init()
    if ending == "heic":
        from bot.media.heif import register

        register()
    shown = FORMATS[ending][2]
    small = io.BytesIO()
    more = {"save_all": True, "append_images": [Image.new("RGB", (2, 2), 1)]} if shown != "jpg" else {}
    Image.new("RGB", (2, 2)).save(small, _SAVES[shown]["format"], **more)  # type: ignore[arg-type]
    repainted(small.getvalue(), shown)


def repainted(content: bytes, ending: str) -> Clean:
    """A copy for viewing. Raises Refused for what is too large or cannot be decoded."""
    decoder, content_type, shown = FORMATS[ending]
    try:
        with Image.open(io.BytesIO(content), formats=[decoder]) as found:
            _check_size(found)
            frames, times = _frames(found, shown)
            out = io.BytesIO()
            more: dict[str, object] = {"save_all": True, "append_images": frames[1:], "duration": times, "loop": 0}
            frames[0].save(out, **_SAVES[shown], **(more if len(frames) > 1 else {}))  # type: ignore[arg-type]
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refused("too_large") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, KeyError):
        raise Refused("damaged") from None
    return Clean(out.getvalue(), content_type, shown)


def _check_size(found: Image.Image) -> None:
    count = getattr(found, "n_frames", 1)
    width, height = found.size
    if count > MOST_FRAMES:
        raise Refused("too_many_frames")
    if width * height * count > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        raise Refused("too_large")


def _frames(found: Image.Image, shown: str) -> tuple[list[Image.Image], list[int]]:
    """The frames anew and how long each stands, in milliseconds. Only pictures that can move have more than one."""
    moves = shown in {"gif", "png", "webp"} and getattr(found, "n_frames", 1) > 1
    frames, times = [], []
    for frame in ImageSequence.Iterator(found) if moves else (found,):
        frame.load()
        times.append(int(frame.info.get("duration") or 100))
        frames.append(_anew(frame, shown))
    return frames, times


def _anew(frame: Image.Image, shown: str) -> Image.Image:
    turned = ImageOps.exif_transpose(frame)
    plain = turned.convert(_mode(turned, shown))
    new = Image.new(plain.mode, plain.size)
    new.paste(plain)
    return new


def _mode(picture: Image.Image, shown: str) -> str:
    if picture.mode in {"L", "1"}:
        return "L"
    sees_through = picture.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in picture.info
    return "RGBA" if sees_through and shown != "jpg" else "RGB"
