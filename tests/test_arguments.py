"""Every command that can be asked for is run by something, and nothing else is kept."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from bot.__main__ import COMMANDS
from bot.arguments import parser


def asked_for(within: argparse.ArgumentParser) -> Iterator[str]:
    """The full names of the commands of a parser, `keys init` among them."""
    if name := within.get_default("command"):
        yield name
    for action in within._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from asked_for(one)


def test_every_command_is_run_and_each_by_its_own_name() -> None:
    names = list(asked_for(parser()))
    assert sorted(names) == sorted(COMMANDS)
    assert {"serve", "keys init", "audit verify"} <= set(names)


def test_what_is_chosen_is_the_innermost_command() -> None:
    assert parser().parse_args(["keys", "open", "CJNHDR"]).command == "keys open"
    assert parser().parse_args(["parked", "again", "3"]).command == "parked"
