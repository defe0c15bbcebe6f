"""A text drawn as a QR code (ISO/IEC 18004), for the camera of a telephone. The one user of segno."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

BORDER: Final = 4
"""Modules of quiet around it, as ISO/IEC 18004 §6.3.8 asks for."""


def drawn(text: str) -> Markup:
    """An <svg> for the page itself: dark on light whatever the page's colours are, and without a style attribute, which the
    policy of our pages refuses. A camera reads it with 15 % of it covered (level M)."""
    import segno  # 40 ms at every start, for a page that few officers open once

    code = segno.make(text, error="m", boost_error=False, micro=False)
    return Markup(code.svg_inline(border=BORDER, omitsize=True, svgclass=None, lineclass=None, light="#fff"))  # noqa: S704
