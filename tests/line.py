"""The line between a browser and the service: a test sees what goes over it, holds it up, lets it go, cuts it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

WITHIN_S = 60.0


@dataclass(eq=False)
class Asked:
    """One request on its way. `release` lets it go on where the line holds it."""

    method: str
    path: str
    body: bytes
    _go: threading.Event = field(default_factory=threading.Event)
    came: threading.Event = field(default_factory=threading.Event)
    """Set when the service has answered it."""
    status: int = 0

    def release(self) -> None:
        self._go.set()

    def waits(self) -> None:
        assert self._go.wait(WITHIN_S)


Which = Callable[[Asked], bool]


def never(_: Asked) -> bool:
    return False


def is_post(asked: Asked) -> bool:
    return asked.method == "POST"


class Line:
    """`holds`: before the service has it. `keeps`: its answer, after the service has it."""

    def __init__(self, service: str) -> None:
        self._to = urlsplit(service)
        self.asked: list[Asked] = []
        self._more = threading.Condition()
        self.holds: Which = never
        self.keeps: Which = never
        line = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                line._carry(self)

            do_GET = do_POST = handle_one

            def log_message(self, *_: object) -> None:
                """Silent: the test looks at `asked`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def posts(self, at_least: int = 0) -> list[Asked]:
        """The forms that were sent; waits until there are so many."""
        with self._more:
            assert self._more.wait_for(lambda: sum(map(is_post, self.asked)) >= at_least, WITHIN_S)
            return [one for one in self.asked if is_post(one)]

    def _carry(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        asked = Asked(handler.command, handler.path, body)
        with self._more:
            self.asked.append(asked)
            self._more.notify_all()
        handler.close_connection = True
        if self.holds(asked):
            asked.waits()
        connection = HTTPConnection(self._to.hostname or "", self._to.port, timeout=WITHIN_S)
        try:
            connection.request(handler.command, handler.path, body or None, dict(handler.headers.items()))
            answer = connection.getresponse()
            if answer.getheader("content-type", "").startswith("text/event-stream"):
                return  # no stream of news: the page asks again later, as on a line that breaks
            content = answer.read()
        finally:
            connection.close()
        asked.status = answer.status
        asked.came.set()
        if self.keeps(asked):
            asked.waits()
        try:
            handler.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(content)))
            handler.send_header("Connection", "close")
            handler.end_headers()
            handler.wfile.write(content)
        except OSError:
            return  # the browser has gone on

    @contextmanager
    def open(self) -> Iterator[Line]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            for one in self.asked:
                one.release()
            self._server.shutdown()
            self._server.server_close()
            thread.join(WITHIN_S)
