"""What every page is handed: the parts of the service that pages may use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.routing import BaseRoute

from bot.book import Book
from bot.media.views import Views
from bot.official import Official
from bot.receive import Receiver, utc_now
from bot.settings import Settings
from bot.web.console.tries import Tries
from storage.accounts import Accounts
from storage.store import DatabaseStorage


@dataclass(frozen=True)
class Site:
    """The parts of the service that pages use. `extra_routes` are other doors of the same port (a platform's webhook).

    `problem` is a sentence for the operator, empty where all is well. `leaving`: the service is told to stop, so streams end.
    `tries` are the wrong tries to sign in.
    `views` are the copies that officers look at now. `official`: the signed list of the service's addresses.
    `push_key`: what a browser needs to take our notices; empty: none can.
    """

    receiver: Receiver
    storage: DatabaseStorage
    book: Book
    settings: Settings
    now: Callable[[], datetime] = utc_now
    extra_routes: Sequence[BaseRoute] = ()
    lifespan: Any = None
    problem: Callable[[], str] = lambda: ""
    leaving: Callable[[], bool] = lambda: False
    tries: Tries = field(default_factory=Tries)
    views: Views = field(default_factory=Views)
    official: Official | None = None
    push_key: str = ""

    @property
    def accounts(self) -> Accounts:
        """The officers' side of the storage."""
        return Accounts(self.storage)


def site_of(request: Request) -> Site:
    """The parts behind a request."""
    parts: Site = request.app.state.parts
    return parts


Handler = Callable[[Request], Awaitable[Any]]
