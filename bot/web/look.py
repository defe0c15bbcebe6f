"""How the officers' pages look to this browser: their language, and light or dark. Kept in two cookies, read here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, cast

from starlette.requests import Request

from bot.web.words import Say, speaker

LANGUAGE_COOKIE: Final = "canbo_tieng"
THEME_COOKIE: Final = "canbo_nen"
LANGUAGES: Final = ("vi", "en")
THEMES: Final = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True)
class Look:
    """Language, theme, and what says a Vietnamese sentence in that language."""

    lang: Literal["vi", "en"]
    theme: str
    say: Say

    def of_two(self, names: tuple[str, str]) -> str:
        """The one of (Vietnamese, English) that this officer reads."""
        return names[self.lang == "en"]


def look_of(request: Request) -> Look:
    """What the cookies say; Vietnamese, and light or dark as the machine is, where they say nothing known."""
    lang = request.cookies.get(LANGUAGE_COOKIE, "")
    theme = request.cookies.get(THEME_COOKIE, "")
    known = cast(Literal["vi", "en"], lang if lang in LANGUAGES else LANGUAGES[0])
    return Look(known, theme if theme in THEMES else THEMES[0], speaker(known))
