"""What stands on a page, to be heard: the recordings of its sentences and buttons, played only when somebody asks."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse

from bot.audio.model import playlist
from bot.web.pages import root_of
from bot.web.parts import site_of
from bot.web.said import Shown


def sources(request: Request, shown: Shown) -> tuple[str, ...]:
    """The addresses of the recordings of this page, in its order; none where somebody may be listening along."""
    if shown.quiet:
        return ()
    message = shown.message
    said = [*message.texts, *(button.label for button in message.buttons if button.role == "answer")]
    keys = playlist(site_of(request).book.sounds, shown.locale, said)
    return tuple(f"{root_of(request)}nghe/{shown.locale}/{key}" for key in keys)


async def sound(request: Request) -> FileResponse:
    """GET /nghe/LANGUAGE/HASH: one recording, whole or in part. The same for everybody; the address says nothing of a person."""
    language, key = request.path_params["language"], request.path_params["key"]
    found = site_of(request).book.sounds.of.get(language, {}).get(key)
    if found is None or not found.path.is_file():
        raise HTTPException(404)
    return FileResponse(found.path, media_type=found.content_type)
