"""Golden dialogues through a channel's own bytes: what a platform posts to us, and what we ask it to show.

A `Door` is a channel's small platform (tests/fakes) with our adapter and our webhook in front of it. The table
(tests/test_channels_table.py) plays every file of tests/conversations through every door. A new channel is one class with these
methods, and one line in `DOORS` of the table.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from bot.book import Book
from bot.channels.base import Channel, Fetches, Ignored, Inbound, Limits, Message, Sent
from bot.deliver import Deliverer, Work
from bot.doors.talk import Screen
from flows.model import Chose, CitizenEvent, Said
from storage.open import open_storage
from tests.world import KEY, SAID, World

Receive = Callable[[Inbound], Awaitable[None]]


class NotThere(Exception):
    """The platform has no way to do this (an old button that was never shown, a start with a payload)."""


@dataclass(frozen=True)
class Shown:
    """One message as this person sees it: its text, and its buttons as (label, what comes back when it is pressed)."""

    text: str
    buttons: tuple[tuple[str, str], ...] = ()


class Door(Protocol):
    """One channel: its small platform, our adapter, our webhook. `route` is given what commits."""

    @property
    def name(self) -> str: ...

    @property
    def channel(self) -> Channel: ...

    async def start(self) -> None:
        """Start the platform and make the adapter."""

    async def stop(self) -> None: ...

    def route(self, receive: Receive) -> Route:
        """Our webhook."""

    async def knock(self, url: str) -> None:
        """The platform learns where our webhook is."""

    def address(self) -> str:
        """The platform's id of somebody new."""

    async def does(self, address: str, event: CitizenEvent) -> None:
        """This person does it; returns when the platform has had its 200. Raises NotThere."""

    async def again(self) -> None:
        """The platform posts its last event once more, and has its 200."""

    def shown(self, address: str) -> Sequence[Shown]:
        """All that stands in this person's chat, the oldest first; a message that was changed as it is now."""


@dataclass
class Mirror:
    """The adapter under test, which also keeps each message as it was before it became bytes."""

    channel: Channel
    screen: Screen
    limits: Limits = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.channel.name
        self.limits = self.channel.limits

    def read(self, raw: bytes, headers: Mapping[str, str]) -> Inbound | Ignored:
        return self.channel.read(raw, headers)

    async def send(self, address: str, message: Message) -> Sent:
        sent = await self.channel.send(address, message)
        await self.screen.send(address, message)
        return sent

    async def clear(self, address: str, message_ids: tuple[str, ...]) -> None:
        await self.channel.clear(address, message_ids)
        await self.screen.clear(address, message_ids)

    async def fetch(self, ref: str) -> bytes:
        assert isinstance(self.channel, Fetches)
        return await self.channel.fetch(ref)

    async def close(self) -> None:
        return

    def take(self, address: str) -> list[Message]:
        return self.screen.take(address)


class ByBytes(World):
    """A world in which whoever uses the door's channel writes and reads through its platform."""

    def __init__(self, storage: Any, book: Book, door: Door) -> None:
        self.door = door
        self._addresses: dict[str, str] = {}
        self._picks: dict[str, list[str]] = {}
        self._shown_once: dict[str, set[str]] = {}
        super().__init__(storage, book)
        screens: dict[str, Any] = {**self.screens, door.name: Mirror(door.channel, Screen(door.name))}
        self.screens = screens
        self.deliverer = Deliverer(Work(storage, book, self.receiver, screens, "", lambda: self.now))

    def external(self, who: str) -> str:
        if self.channel(who) != self.door.name:
            return super().external(who)
        if who not in self._addresses:
            self._addresses[who] = self.door.address()
            SAID.add(self._addresses[who])
        return self._addresses[who]

    async def event(self, who: str, event: CitizenEvent) -> list[Message]:
        if self.channel(who) != self.door.name:
            return await super().event(who, event)
        if isinstance(event, Chose) and self._is_for_later(who, event):
            self._tick(who, event.ids[0])
            return []
        return await self._does(who, event)

    async def again(self) -> list[Message]:
        next(self._count)
        await self.door.again()
        return await self._after("p")

    async def together(self, who: str, *events: CitizenEvent) -> list[Message]:
        for _ in events:
            next(self._count)
        address = self.external(who)
        await asyncio.gather(*(self.door.does(address, self._possible(who, event)) for event in events))
        return await self._after(who)

    def _is_for_later(self, who: str, event: Chose) -> bool:
        """One of several answers for which there is no button: it is typed with the others when they are done."""
        asked = next((one for one in reversed(self._seen.get(who, [])) if one.buttons), None)
        if asked is None or not asked.many or event.prompt != self.number(who) or len(event.ids) != 1:
            return False
        id = event.ids[0]
        answers = {one.id for one in asked.buttons if one.role == "answer"} - {"done"}
        ends = self.book.flows.step(asked.step).alone
        return id in answers and id not in ends and f"p{event.prompt}:{id}" not in self._data(who)

    def _tick(self, who: str, id: str) -> None:
        picks = self._picks.setdefault(who, [])
        if id in picks:
            picks.remove(id)
        else:
            picks.append(id)
        for _ in "ab":  # the update's number and the turn's seed, so that all later ids are as in the file
            next(self._count)

    async def _does(self, who: str, event: CitizenEvent) -> list[Message]:
        next(self._count)
        if isinstance(event, Said):
            SAID.add(event.text)
        await self.door.does(self.external(who), self._possible(who, event))
        return await self._after(who)

    def _possible(self, who: str, event: CitizenEvent) -> CitizenEvent:
        """The same, as this platform lets one do it: what has no button is typed, by its number or its words."""
        if not isinstance(event, Chose):
            return event
        if event.prompt is None:
            raise NotThere("nothing was shown that could be pressed")
        picks = self._picks.pop(who, []) if event.ids == ("done",) else []
        if not picks and {f"p{event.prompt}:{id}" for id in event.ids} <= self._data(who):
            return event
        if event.prompt != self.number(who):
            raise NotThere("that button was never shown")
        return Said(self._typed(who, (*picks, *event.ids)))

    def _typed(self, who: str, ids: Sequence[str]) -> str:
        buttons = self.buttons(who)
        answers = [one.id for one in buttons if one.role == "answer"]
        wanted = [id for id in ids if id != "done"] or list(ids)
        if set(wanted) <= set(answers) - {"done"}:
            return ", ".join(str(answers.index(id) + 1) for id in wanted)
        words = next((one.label for one in buttons if one.id == wanted[0]), "")
        if not words:
            raise NotThere(f"no {wanted[0]} is offered")
        return words

    def _data(self, who: str) -> set[str]:
        """What this person could ever press: a button may be pressed in the moment in which it goes."""
        ever = self._shown_once.setdefault(who, set())
        ever |= {data for shown in self.door.shown(self.external(who)) for _, data in shown.buttons}
        return ever

    async def _after(self, who: str) -> list[Message]:
        shown = [
            message for message in await super()._after(who) if message.texts
        ]  # the rest only ends a button's waiting
        if self.channel(who) == self.door.name:
            self._data(who)
        if self.channel(who) == self.door.name and shown:
            self._is_visible(who, shown[-1])
        return shown

    def _is_visible(self, who: str, message: Message) -> None:
        """Nothing of the message is lost on the way: all texts in order, and every button as one, or as words."""
        seen = self.door.shown(self.external(who))
        said = "\n".join(one.text for one in seen)
        at = said.rfind(message.texts[0].strip().splitlines()[0]) if message.texts else 0
        for text in message.texts:
            for line in filter(None, map(str.strip, text.splitlines())):
                at = said.find(line, at)
                assert at >= 0, f"{self.door.name} does not show {line!r}"
        labels = {label.removeprefix("✓ ") for one in seen for label, _ in one.buttons}
        for button in message.buttons:
            if button.id == "done" and message.many and button.label not in labels:
                continue  # whoever types several numbers has finished with them
            words = button.label.removeprefix("‹ ")
            assert button.label in labels or words in said, f"{self.door.name} does not offer {button.label!r}"


# --------------------------------------------------------------------------------------------------------- one server


class Served:
    """Our webhook on a real port; what commits is the present world's."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.receive: Receive | None = None

    async def _receive(self, inbound: Inbound) -> None:
        assert self.receive is not None
        await self.receive(inbound)

    @asynccontextmanager
    async def world(self, book: Book, database: Path) -> AsyncIterator[ByBytes]:
        """A world of its own over this database."""
        world = ByBytes(await open_storage(database, KEY), book, self.door)
        self.receive = world.receiver.citizen
        try:
            yield world
        finally:
            await world.storage.close()


@asynccontextmanager
async def served(door: Door) -> AsyncIterator[Served]:
    """The door with our webhook behind it."""
    await door.start()
    found = Served(door)
    route = door.route(found._receive)
    config = uvicorn.Config(
        Starlette(routes=[route]),
        host="127.0.0.1",
        port=0,
        log_level="error",
        lifespan="off",
        ws="none",
        log_config=None,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    await door.knock(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}{route.path}")
    try:
        yield found
    finally:
        await door.channel.close()
        await door.stop()
        await server.shutdown()


def numbers() -> Iterator[int]:
    """Ids of people."""
    return itertools.count(1_000_000_007)
