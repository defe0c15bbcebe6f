"""Teaches the decoder of pictures HEIC, which telephones take. The one user of pillow-heif; runs in the worker only."""

from __future__ import annotations

import pillow_heif


def register() -> None:
    """From now on Pillow reads HEIF, without the thumbnails in it and on one thread."""
    pillow_heif.register_heif_opener(thumbnails=False, decode_threads=1, depth_images=False, aux_images=False)
