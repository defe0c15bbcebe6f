"""What can be written after `python -m bot`: every command with its options and a line of help. Runs nothing."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

from bot.accounts.joining import ROLES

PROGRAM = "python -m bot"

_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def parser() -> argparse.ArgumentParser:
    """Every command. What was chosen has the command's full name as `command`, like `keys init`."""
    made = argparse.ArgumentParser(prog=PROGRAM, description="Nhịp Cầu: hotline intake and referral")
    commands = made.add_subparsers(required=True, metavar="command")
    _service(commands)
    _understanding(commands)
    _keeping(commands)
    _officers(commands)
    _audit(commands)
    _breach(commands)
    _audio(commands)
    _keys(commands)
    _outside(commands)
    return made


def _command(commands: _Commands, name: str, what: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=what, description=what)
    command.set_defaults(command=command.prog.removeprefix(f"{PROGRAM} "))
    return command


def _service(commands: _Commands) -> None:
    _command(commands, "serve", "run the service")
    _command(commands, "work", "deliver, schedule and poll beside processes that serve (PostgreSQL)")
    _command(commands, "migrate", "bring the database to this program's schema")
    _command(commands, "check", "prove flows, rules and catalogues")


def _understanding(commands: _Commands) -> None:
    for name, what in (("talk", "play conversations"), ("triage", "understand messages"), ("route", "route facts")):
        door = _command(commands, name, f"{what}: JSON lines in and out")
        door.add_argument("--json", action="store_true", required=True, help="JSON lines on standard input and output")
    heard = _command(commands, "hear", "why a message is understood as it is")
    heard.add_argument("what", choices=["explain"])
    heard.add_argument("text", help="the message, in quotes; nothing is stored")
    draw = _command(commands, "draw", "a flow as a Mermaid diagram")
    draw.add_argument("flow")


def _keeping(commands: _Commands) -> None:
    weekly = _command(commands, "export", "write the weekly intake log")
    weekly.add_argument("what", choices=["weekly"])
    weekly.add_argument("--week", required=True, help="ISO week, like 2026-W47")
    weekly.add_argument("--to", required=True, type=Path, help="folder for the XLSX and CSV files")
    backup = _command(commands, "backup", "everything that is remembered, encrypted, while the service runs")
    backup.add_argument("--to", required=True, type=Path, metavar="FILE.age", help="a new file")
    backup.add_argument("--recipient", action="append", default=[], metavar="age1…", help="who can open it; repeatable")
    restore = _command(commands, "restore", "a backup into an empty database, proved; or let it go on")
    restore.add_argument("--from", dest="source", type=Path, metavar="FILE.age", help="the backup")
    restore.add_argument("--identity", type=Path, metavar="FILE", help="the secret key, as age-keygen writes it")
    verify = "prove it; where neither NHIPCAU_DATABASE nor NHIPCAU_HOME is set, only read the file through"
    restore.add_argument("--verify", action="store_true", help=verify)
    restore.add_argument("--release", action="store_true", help="let what waits in a restored database leave")
    restore.add_argument("--with-replies", action="store_true", help="at the release: old replies to citizens as well")


def _officers(commands: _Commands) -> None:
    invite = _command(commands, "invite", "a one-time code for an officer")
    who = invite.add_mutually_exclusive_group(required=True)
    who.add_argument("--office", help="for a new officer: office id of referral/directory")
    who.add_argument("--again", metavar="OFFICER", help="for an officer who is there: a phone, or a lost password")
    invite.add_argument("--name", help="a new officer's name as colleagues see it")
    invite.add_argument("--role", default="duty", choices=ROLES)
    revoke = _command(commands, "revoke", "end an officer's access at once")
    revoke.add_argument("officer", help="the officer's id")
    _command(commands, "officers", "list the officers")


def _audit(commands: _Commands) -> None:
    audit = commands.add_parser("audit", help="prove, show or head the audit", description="the audit's chain")
    asked = audit.add_subparsers(required=True, metavar="what")
    verify = _command(asked, "verify", "link up to now and prove every row; exit 1 where it does not hold")
    kept = "a head that was kept elsewhere; repeatable"
    verify.add_argument("--kept", action="append", default=[], metavar="HEAD", help=kept)
    show = _command(asked, "show", "all rows about one subject; codes and ids, never content")
    subject = "a referral, intake, officer, conversation or export"
    show.add_argument("--subject", required=True, metavar="ID", help=subject)
    _command(asked, "head", "the end of the chain, to be kept elsewhere")


def _breach(commands: _Commands) -> None:
    from bot.breach import add_arguments  # late: the doors need none of it

    add_arguments(_command(commands, "breach", "the register of data breaches: 72 hours, draft of the notification"))


def _audio(commands: _Commands) -> None:
    from bot.audio.command import add_arguments  # late: the doors need none of it

    add_arguments(
        _command(commands, "audio", "recordings of the sentences: sheet for a studio, take, check, placeholder")
    )


def _keys(commands: _Commands) -> None:
    keys = commands.add_parser("keys", help="the escrow of sealed reports, opened by two people", description="escrow")
    asked = keys.add_subparsers(required=True, metavar="what")
    _command(asked, "init", "make the escrow's key and print its shares, once")
    trial = "a trial's: keys/demo-escrow-shares.txt"
    _command(asked, "verify", f"try two shares, lines on standard input ({trial})")
    _command(asked, "split", "new shares of the escrow, for two of the old on standard input")
    rotate = _command(asked, "rotate", "a new key for the service, an office or the escrow")
    whose = rotate.add_mutually_exclusive_group(required=True)
    whose.add_argument("--service", action="store_true", help="the service key; everything stands still meanwhile")
    whose.add_argument("--office", metavar="ID", help="an office, as after somebody left it in bad faith")
    new_shares = "with two shares on standard input; new shares are printed"
    whose.add_argument("--escrow", action="store_true", help=new_shares)
    rotate.add_argument("--new-key-from-input", action="store_true", help="the new service key is on standard input")
    opened = _command(asked, "open", "give one report to the offices that have it, by two shares")
    opened.add_argument("code", help="the code of one of its referrals")
    again = _command(asked, "reseal", "seal what stands under the service key")
    lacking = "with two shares on standard input: give offices the keys they lack"
    again.add_argument("--escrow", action="store_true", help=lacking)


def _outside(commands: _Commands) -> None:
    _command(commands, "doors", "how each channel stands; exit 1 where one is down")
    parked = _command(commands, "parked", "what could not be sent and was set aside; or try it again")
    parked.add_argument("what", choices=["list", "again"], nargs="?", default="list")
    parked.add_argument("number", nargs="*", type=int, help="rows of the list; all of them if none is named")
