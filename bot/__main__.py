"""The commands of `python -m bot`: runs what was asked for (`bot/arguments.py`) and says how it went. No logic."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from io import TextIOWrapper
from pathlib import Path

from bot import log
from bot.arguments import parser
from bot.book import BadBook, read_book
from bot.doors import lines, route, triage
from bot.interpreter import begin, keep_memory_in
from bot.receive import utc_now
from bot.settings import BadSetting, read_settings
from flows.hear.explain import explain


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit status. Every expected failure is one sentence on standard error."""
    chosen = parser().parse_args(arguments)
    try:
        return COMMANDS[chosen.command](chosen)
    except BadBook as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        print(f"{len(error.problems)} problems: nothing starts before they are mended.", file=sys.stderr)
        return 1
    except BadSetting as error:
        print(error, file=sys.stderr)
        return 2
    except _refused() as error:
        print(error, file=sys.stderr)
        return 2
    except _unfit() as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _unfit() -> tuple[type[Exception], ...]:
    """What keeps a command from running and is told in one sentence; imported late, for the doors need none of it."""
    from bot.demo import DemoInProduction
    from bot.export import BadWeek, CannotWrite
    from bot.keys import KeyLost
    from storage.base import StorageAway, StorageUnfit

    return (StorageUnfit, StorageAway, KeyLost, DemoInProduction, BadWeek, CannotWrite)


def _refused() -> tuple[type[Exception], ...]:
    """The same for backups and their keys, and for the audit."""
    from bot.age import BadAge
    from bot.shares import BadShares
    from storage.backup import BadBackup
    from storage.chain import BadHead

    return (BadAge, BadShares, BadBackup, BadHead)


def _hear(chosen: argparse.Namespace) -> int:
    try:
        for line in explain(read_book()[0].flows.lexicon, chosen.text):
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has enough, as `head` has; what is left is flushed to nowhere at the exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _serve(_: argparse.Namespace) -> int:
    from bot.serve import serve

    return asyncio.run(serve(read_settings()))


def _work(_: argparse.Namespace) -> int:
    from bot.app import work

    return asyncio.run(work(read_settings()))


def _migrate(_: argparse.Namespace) -> int:
    from bot import commands

    print(asyncio.run(commands.migrate(read_settings())))
    return 0


def _check(_: argparse.Namespace) -> int:
    from bot.audio.store import heard_too

    book, warnings = read_book(on=utc_now().date())
    heard_too(book)
    for warning in warnings:
        print(warning)
    steps = sum(len(flow.steps) for flow in book.flows.flows.values())
    rules = len(book.referral.routing) + len(book.referral.levels)
    print(
        f"{len(book.flows.flows)} flows with {steps} steps, {rules} level and routing rules, "
        f"languages {', '.join(book.catalogues.locales)}: proved; {len(warnings)} things for the operator to supply."
    )
    return 0


def _door(chosen: argparse.Namespace) -> int:
    log.set_up(logging.CRITICAL)
    _speak_utf8()
    book, _warnings = read_book()
    if chosen.command == "talk":
        return asyncio.run(_talk())
    answer = partial((route if chosen.command == "route" else triage).answer, book)
    return asyncio.run(lines.serve(sys.stdin, sys.stdout, answer))


def _speak_utf8() -> None:
    """Doors speak UTF-8 whatever the terminal's language; a byte that is none spoils its own line and not the ones after."""
    for stream, errors in ((sys.stdin, "surrogateescape"), (sys.stdout, "strict")):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)


async def _talk() -> int:
    from bot.doors.talk import Talk
    from storage.open import open_storage

    book, _ = read_book()
    with tempfile.TemporaryDirectory() as folder:
        storage = await open_storage(Path(folder) / "talk.db", bytes(32))
        try:
            return await lines.serve(sys.stdin, sys.stdout, Talk(storage, book).answer)
        finally:
            await storage.close()


def _export(chosen: argparse.Namespace) -> int:
    from bot.commands import export_week

    print(asyncio.run(export_week(read_settings(), chosen.week, chosen.to)))
    return 0


def _backup(chosen: argparse.Namespace) -> int:
    from bot.backup import back_up

    print(back_up(read_settings(), chosen.to, chosen.recipient, utc_now()))
    return 0


def _restore(chosen: argparse.Namespace) -> int:
    from bot.restore import let_go, restore

    settings = read_settings()
    if chosen.release:
        print(let_go(settings, utc_now(), with_replies=chosen.with_replies))
        return 0
    if chosen.source is None or chosen.identity is None:
        raise BadSetting("--from and --identity are missing: which backup, and the secret key that opens it")
    print(restore(settings, chosen.source, chosen.identity, verify=chosen.verify))
    return 0


def _invite(chosen: argparse.Namespace) -> int:
    from bot import commands

    if chosen.again:
        print(asyncio.run(commands.invite_again(read_settings(), chosen.again)))
        return 0
    if not chosen.name:
        raise BadSetting("--name is missing: a new officer needs a name as colleagues see it")
    print(asyncio.run(commands.invite(read_settings(), chosen.office, chosen.name, chosen.role)))
    return 0


def _revoke(chosen: argparse.Namespace) -> int:
    from bot import commands

    print(asyncio.run(commands.revoke(read_settings(), chosen.officer)))
    return 0


def _parked(chosen: argparse.Namespace) -> int:
    from bot import commands

    settings, is_again = read_settings(), chosen.what == "again"
    print(asyncio.run(commands.parked_again(settings, chosen.number) if is_again else commands.parked(settings)))
    return 0


def _doors(_: argparse.Namespace) -> int:
    from bot import commands

    found, works = asyncio.run(commands.doors(read_settings()))
    print(found)
    return 0 if works else 1


def _officers(_: argparse.Namespace) -> int:
    from bot import commands

    print(asyncio.run(commands.officers(read_settings())))
    return 0


def _keys_init(_: argparse.Namespace) -> int:
    from bot.key_commands import init

    print(asyncio.run(init(read_settings())))
    return 0


def _keys_verify(_: argparse.Namespace) -> int:
    from bot.key_commands import read_shares, verify

    print(asyncio.run(verify(read_settings(), read_shares(sys.stdin))))
    return 0


def _keys_split(_: argparse.Namespace) -> int:
    from bot.key_commands import read_shares, split_anew

    print(asyncio.run(split_anew(read_settings(), read_shares(sys.stdin))))
    return 0


def _keys_rotate(chosen: argparse.Namespace) -> int:
    from bot import key_commands as keys

    settings = read_settings()
    if chosen.office:
        print(asyncio.run(keys.rotate_office(settings, chosen.office)))
    elif chosen.escrow:
        print(asyncio.run(keys.rotate_escrow(settings, keys.read_shares(sys.stdin))))
    else:
        given = keys.read_new_key(sys.stdin) if chosen.new_key_from_input else None
        print(asyncio.run(keys.rotate_service(settings, given)))
    return 0


def _keys_open(chosen: argparse.Namespace) -> int:
    from bot.key_commands import open_report, read_shares

    print(asyncio.run(open_report(read_settings(), chosen.code, read_shares(sys.stdin))))
    return 0


def _keys_reseal(chosen: argparse.Namespace) -> int:
    from bot.key_commands import read_shares, reseal

    print(asyncio.run(reseal(read_settings(), read_shares(sys.stdin) if chosen.escrow else ())))
    return 0


def _audit_verify(chosen: argparse.Namespace) -> int:
    from bot import commands

    found, holds = asyncio.run(commands.audit_verify(read_settings(), chosen.kept))
    print(found)
    return 0 if holds else 1


def _audit_show(chosen: argparse.Namespace) -> int:
    from bot import commands

    print(asyncio.run(commands.audit_show(read_settings(), chosen.subject)))
    return 0


def _audit_head(_: argparse.Namespace) -> int:
    from bot import commands

    print(asyncio.run(commands.audit_head(read_settings())))
    return 0


def _breach(chosen: argparse.Namespace) -> int:
    from bot.breach import run

    print(asyncio.run(run(read_settings(), chosen, utc_now())))
    return 0


def _audio(chosen: argparse.Namespace) -> int:
    from bot.audio.command import run

    _speak_utf8()
    said, is_whole = run(chosen, utc_now().date())
    print(said)
    return 0 if is_whole else 1


def _draw(chosen: argparse.Namespace) -> int:
    from flows.draw import mermaid

    book, _ = read_book()
    if chosen.flow not in book.flows.flows:
        print(f"{chosen.flow} is no flow; known are {', '.join(sorted(book.flows.flows))}", file=sys.stderr)
        return 2
    print(mermaid(book.flows.flows[chosen.flow]))
    return 0


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "serve": _serve, "work": _work, "migrate": _migrate, "check": _check,
    "talk": _door, "triage": _door, "route": _door, "hear": _hear, "draw": _draw,
    "export": _export, "backup": _backup, "restore": _restore,
    "invite": _invite, "revoke": _revoke, "officers": _officers,
    "audit verify": _audit_verify, "audit show": _audit_show, "audit head": _audit_head, "breach": _breach,
    "audio": _audio,
    "keys init": _keys_init, "keys verify": _keys_verify, "keys split": _keys_split, "keys rotate": _keys_rotate,
    "keys open": _keys_open, "keys reseal": _keys_reseal,
    "doors": _doors, "parked": _parked,
}  # fmt: skip
"""What runs each command of `bot/arguments.py`; its exit status."""


if __name__ == "__main__":
    keep_memory_in()
    if sys.argv[1:2] in (["serve"], ["work"]):
        begin()
    sys.exit(main())
