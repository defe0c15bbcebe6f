"""What the small platforms' servers have in common: real HTTP, events posted to a webhook in order, and control by hand.

Nothing here waits for time to pass, but for the pause before an event is posted again (`again()` ends it at once).
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, ClassVar, Self, TypeVar

import aiohttp
from aiohttp import web

from tests.fakes.on_its_way import AFault, Item, OnItsWay

Result = TypeVar("Result")


class Server(OnItsWay[Item, AFault]):
    """One platform on 127.0.0.1. `retry_s`: seconds before an event that was not taken is posted again.

    Stands before the platform's world among the bases of a class, which runs the constructors of both.
    """

    CONTROL: ClassVar[tuple[str, ...]] = ()
    """Methods that `POST /control/NAME` runs."""

    def __init__(self, retry_s: float) -> None:
        self.retry_s = retry_s
        self.webhook = ""
        self.posted: list[tuple[Any, int]] = []
        self._again = asyncio.Event()
        self._ended = asyncio.Event()
        self._workers: dict[Hashable, asyncio.Task[None]] = {}
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    # ------------------------------------------------------------------------------------- what each platform says

    def _routes(self, router: web.UrlDispatcher) -> None:
        """Where the platform's own methods are."""
        raise NotImplementedError

    def _refusal(self, fault: AFault) -> Exception:
        """What the platform raises for a fault; where the connection is cut, only the call's own record knows of it."""
        raise NotImplementedError

    def _lane_of(self, event: Item) -> Hashable:
        """Whose order this event keeps."""
        raise NotImplementedError

    def _id_of(self, event: Item) -> Any:
        """What `posted` calls it."""
        raise NotImplementedError

    async def _hand_over(self, event: Item, tries: int) -> int:
        """Post it, after so many tries that failed; the status, 0 where there was none."""
        raise NotImplementedError

    def _is_over(self, status: int, tries: int) -> bool:
        """Whether nothing more is done about an event that was answered so, at this try."""
        raise NotImplementedError

    async def _sent(self, request: web.Request) -> web.StreamResponse:
        """GET /control/sent: what this person sees, or every call that was made."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------------ running

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        app = web.Application(client_max_size=50 * 1024 * 1024)
        self._routes(app.router)
        app.router.add_get("/control/sent", self._sent)
        app.router.add_post("/control/{name}", self._control)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._session = aiohttp.ClientSession()

    async def stop(self) -> None:
        self._ended.set()
        self.webhook = ""
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        if self._session:
            await self._session.close()
        if self._runner:
            await self._runner.cleanup()

    @property
    def _http(self) -> aiohttp.ClientSession:
        assert self._session is not None, "it does not run"
        return self._session

    # ------------------------------------------------------------------------------------------------- being called

    async def _through(
        self, request: web.Request, fault: AFault | None, does: Callable[[], Awaitable[Result]]
    ) -> Result:
        """What a call does, or as much of it as the fault lets it."""
        if fault and fault.kind != "lost":
            await self._fail(request, fault)
        result = await does()
        if fault:
            await self._fail(request, fault)
        return result

    async def _fail(self, request: web.Request, fault: AFault) -> None:
        if fault.kind == "hang":
            await self._ended.wait()
        if fault.cuts and request.transport:
            request.transport.close()
        raise self._refusal(fault)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """Anybody who knows the address can read the file, without a token; some day it ends."""
        content = self.files.get(request.match_info["name"])
        return web.Response(status=404) if content is None else web.Response(body=content)

    # ------------------------------------------------------------------------------------------------ the webhook

    def again(self) -> None:
        """Post now what was not taken."""
        self._again.set()
        self._again = asyncio.Event()

    def _changed(self) -> None:
        """Also start posting to the webhook what can be posted."""
        super()._changed()
        if not self.webhook or self.held:
            return
        for lane in {self._lane_of(event) for event in self.pending} - self._workers.keys():
            self._workers[lane] = asyncio.ensure_future(self._work(lane))

    async def _work(self, lane: Hashable) -> None:
        """Post one lane's events in order; one that is not over is repeated before the next."""
        tries = 0
        try:
            while self.webhook and not self.held:
                event = next((one for one in self.pending if self._lane_of(one) == lane), None)
                if event is None:
                    return
                status = await self._hand_over(event, tries)
                self.posted.append((self._id_of(event), status))
                tries += 1
                if self._is_over(status, tries):
                    tries = 0
                    self.pending.remove(event)
                    self._changed()
                    continue
                self._changed()
                await _first(self._again.wait(), self.retry_s)
        finally:
            self._workers.pop(lane, None)

    # ----------------------------------------------------------------------------------------------- control by HTTP

    async def _control(self, request: web.Request) -> web.StreamResponse:
        """POST /control/NAME with a JSON object of arguments: what people and the network do."""
        name = request.match_info["name"]
        if name not in self.CONTROL:
            return web.json_response({"problem": f"unknown; there are {', '.join(self.CONTROL)}"}, status=404)
        try:
            done = getattr(self, name)(**(await request.json() if request.can_read_body else {}))
            return web.json_response({"result": await done if asyncio.iscoroutine(done) else done})
        except (TypeError, LookupError, ValueError) as error:
            return web.json_response({"problem": str(error)}, status=400)


async def fields_of(request: web.Request) -> dict[str, Any]:
    """JSON, query, form and multipart are all taken."""
    if request.content_type == "application/json":
        body = await request.json() if request.can_read_body else {}
        return body if isinstance(body, dict) else {}
    return {**request.query, **(await request.post())}


async def _first(waiting: Awaitable[Any], seconds: float) -> None:
    try:
        await asyncio.wait_for(waiting, seconds)
    except TimeoutError:
        return


def options(description: str, port: int) -> argparse.ArgumentParser:
    """What the command of a small platform takes."""
    found = argparse.ArgumentParser(description=description)
    found.add_argument("--port", type=int, default=port)
    return found


async def run(server: Server[Any, Any], port: int, says: Callable[[], str]) -> None:
    """Serve until the process ends; `says` is printed once it can be reached."""
    await server.start(port)
    print(says(), flush=True)  # noqa: T201 - the address is this command's answer
    try:
        await asyncio.Event().wait()
    finally:
        await server.stop()
