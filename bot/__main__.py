"""The commands of `python -m bot`; `python -m bot --help` lists them. Reads arguments; no logic."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from io import TextIOWrapper
from pathlib import Path

from bot import log
from bot.accounts.joining import ROLES
from bot.book import BadBook, read_book
from bot.doors import lines, route, triage
from bot.interpreter import begin, keep_memory_in
from bot.receive import utc_now
from bot.settings import BadSetting, read_settings
from flows.hear.explain import explain


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit status. Every expected failure is one sentence on standard error."""
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.run(chosen) or 0)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot", description="Nhịp Cầu: hotline intake and referral")
    commands = parser.add_subparsers(required=True, metavar="command")
    _command(commands, "serve", "run the service", _serve)
    _command(commands, "work", "deliver, schedule and poll beside processes that serve (PostgreSQL)", _work)
    _command(commands, "migrate", "bring the database to this program's schema", _migrate)
    _command(commands, "check", "prove flows, rules and catalogues", _check)
    for name, what in (("talk", "play conversations"), ("triage", "understand messages"), ("route", "route facts")):
        door = _command(commands, name, f"{what}: JSON lines in and out", partial(_door, name))
        door.add_argument("--json", action="store_true", required=True, help="JSON lines on standard input and output")
    heard = _command(commands, "hear", "why a message is understood as it is", _hear)
    heard.add_argument("what", choices=["explain"])
    heard.add_argument("text", help="the message, in quotes; nothing is stored")
    weekly = _command(commands, "export", "write the weekly intake log", _export)
    weekly.add_argument("what", choices=["weekly"])
    weekly.add_argument("--week", required=True, help="ISO week, like 2026-W47")
    weekly.add_argument("--to", required=True, type=Path, help="folder for the XLSX and CSV files")
    backup = _command(commands, "backup", "everything that is remembered, encrypted, while the service runs", _backup)
    backup.add_argument("--to", required=True, type=Path, metavar="FILE.age", help="a new file")
    backup.add_argument("--recipient", action="append", default=[], metavar="age1…", help="who can open it; repeatable")
    restore = _command(commands, "restore", "a backup into an empty database, proved; or let it go on", _restore)
    restore.add_argument("--from", dest="source", type=Path, metavar="FILE.age", help="the backup")
    restore.add_argument("--identity", type=Path, metavar="FILE", help="the secret key, as age-keygen writes it")
    restore.add_argument(
        "--verify",
        action="store_true",
        help="prove it; where neither NHIPCAU_DATABASE nor NHIPCAU_HOME is set, only read the file through",
    )
    restore.add_argument("--release", action="store_true", help="let what waits in a restored database leave")
    restore.add_argument("--with-replies", action="store_true", help="at the release: old replies to citizens as well")
    invite = _command(commands, "invite", "a one-time code for an officer", _invite)
    who = invite.add_mutually_exclusive_group(required=True)
    who.add_argument("--office", help="for a new officer: office id of referral/directory")
    who.add_argument("--again", metavar="OFFICER", help="for an officer who is there: a phone, or a lost password")
    invite.add_argument("--name", help="a new officer's name as colleagues see it")
    invite.add_argument("--role", default="duty", choices=ROLES)
    revoke = _command(commands, "revoke", "end an officer's access at once", _revoke)
    revoke.add_argument("officer", help="the officer's id")
    _command(commands, "officers", "list the officers", _officers)
    _audit_commands(commands)
    breach = _command(commands, "breach", "the register of data breaches: 72 hours, draft of the notification", _breach)
    _breach_arguments(breach)
    _keys_commands(commands)
    _parked_arguments(commands)
    _command(commands, "doors", "how each channel stands; exit 1 where one is down", _doors)
    draw = _command(commands, "draw", "a flow as a Mermaid diagram", _draw)
    draw.add_argument("flow")
    return parser


def _keys_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    keys = commands.add_parser("keys", help="the escrow of sealed reports, opened by two people", description="escrow")
    asked = keys.add_subparsers(required=True, metavar="what")
    _command(asked, "init", "make the escrow's key and print its shares, once", _keys_init)
    _command(
        asked,
        "verify",
        "try two shares, lines on standard input (a trial's: keys/demo-escrow-shares.txt)",
        _keys_verify,
    )
    _command(asked, "split", "new shares of the escrow, for two of the old on standard input", _keys_split)
    rotate = _command(asked, "rotate", "a new key for the service, an office or the escrow", _keys_rotate)
    whose = rotate.add_mutually_exclusive_group(required=True)
    whose.add_argument("--service", action="store_true", help="the service key; everything stands still meanwhile")
    whose.add_argument("--office", metavar="ID", help="an office, as after somebody left it in bad faith")
    whose.add_argument(
        "--escrow", action="store_true", help="with two shares on standard input; new shares are printed"
    )
    rotate.add_argument("--new-key-from-input", action="store_true", help="the new service key is on standard input")
    opened = _command(asked, "open", "give one report to the offices that have it, by two shares", _keys_open)
    opened.add_argument("code", help="the code of one of its referrals")
    again = _command(asked, "reseal", "seal what stands under the service key", _keys_reseal)
    again.add_argument(
        "--escrow", action="store_true", help="with two shares on standard input: give offices the keys they lack"
    )


def _audit_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    audit = commands.add_parser("audit", help="prove, show or head the audit", description="the audit's chain")
    asked = audit.add_subparsers(required=True, metavar="what")
    verify = _command(
        asked, "verify", "link up to now and prove every row; exit 1 where it does not hold", _audit_verify
    )
    verify.add_argument(
        "--kept", action="append", default=[], metavar="HEAD", help="a head that was kept elsewhere; repeatable"
    )
    show = _command(asked, "show", "all rows about one subject; codes and ids, never content", _audit_show)
    show.add_argument(
        "--subject", required=True, metavar="ID", help="a referral, intake, officer, conversation or export"
    )
    _command(asked, "head", "the end of the chain, to be kept elsewhere", _audit_head)


def _parked_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parked = _command(commands, "parked", "what could not be sent and was set aside; or try it again", _parked)
    parked.add_argument("what", choices=["list", "again"], nargs="?", default="list")
    parked.add_argument("number", nargs="*", type=int, help="rows of the list; all of them if none is named")


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    what: str,
    run: Callable[[argparse.Namespace], int | None],
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=what, description=what)
    command.set_defaults(run=run)
    return command


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
    book, warnings = read_book(on=utc_now().date())
    for warning in warnings:
        print(warning)
    steps = sum(len(flow.steps) for flow in book.flows.flows.values())
    rules = len(book.referral.routing) + len(book.referral.levels)
    print(
        f"{len(book.flows.flows)} flows with {steps} steps, {rules} level and routing rules, "
        f"languages {', '.join(book.catalogues.locales)}: proved; {len(warnings)} things for the operator to supply."
    )
    return 0


def _door(name: str, _: argparse.Namespace) -> int:
    log.set_up(logging.CRITICAL)
    _speak_utf8()
    book, _warnings = read_book()
    if name == "talk":
        return asyncio.run(_talk())
    answer = partial((route if name == "route" else triage).answer, book)
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


def _breach_arguments(parser: argparse.ArgumentParser) -> None:
    from bot.breach import add_arguments

    add_arguments(parser)


def _breach(chosen: argparse.Namespace) -> int:
    from bot.breach import run

    print(asyncio.run(run(read_settings(), chosen, utc_now())))
    return 0


def _draw(chosen: argparse.Namespace) -> int:
    from flows.draw import mermaid

    book, _ = read_book()
    if chosen.flow not in book.flows.flows:
        print(f"{chosen.flow} is no flow; known are {', '.join(sorted(book.flows.flows))}", file=sys.stderr)
        return 2
    print(mermaid(book.flows.flows[chosen.flow]))
    return 0


if __name__ == "__main__":
    keep_memory_in()
    if sys.argv[1:2] in (["serve"], ["work"]):
        begin()
    sys.exit(main())
