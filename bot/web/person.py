"""Who sent a form: what they did is heard, and where they stand is read, even if they left the page meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
from starlette.requests import Request

from bot.channels import web
from bot.channels.base import Inbound
from bot.web import away
from bot.web.parts import Site, site_of
from storage.base import Address, Snapshot


@dataclass(frozen=True, slots=True)
class Person:
    """The person behind a form. `left_after`: if they left at that moment or later, the form is still of what they left."""

    parts: Site
    token: str
    network: bytes
    left_after: datetime

    async def snapshot(self) -> Snapshot:
        """What is known of them now. `way_gone`: they left, and nothing of it may be shown."""
        return await self.parts.storage.load(Address(web.CHANNEL, self.token), left_after=self.left_after)

    async def did(self, inbound: Inbound, *, spared: bool) -> None:
        """Commit one thing that they did, as `Receiver.citizen` does."""
        inbound = msgspec.structs.replace(inbound, network=self.network, left_after=self.left_after)
        await self.parts.receiver.citizen(inbound, spared=spared)


def person_of(request: Request, token: str) -> Person:
    """Who sent this form, which has come now."""
    return Person(site_of(request), token, request.state.network, away.left_after(request))
