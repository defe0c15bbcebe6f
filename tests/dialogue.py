"""A golden dialogue: a YAML file that a social worker can read, played in a world and written anew with `--update`.

    flow: tip
    about: Three taps are enough.
    talk:
      - they: {chose: safe}
        bot:
          - Bạn cần gì lúc này? [Tôi thấy việc đáng ngờ] [Tôi muốn hỏi thông tin]
        also:
          - "R1: police (police-20) learns of it, not who it is | …"
    after: {step: tip.after}

`they` is one of: opened, said (with `times`), code (types the code of the first report), chose, pressed (with `back`: an
older message's button), sent (with `caption`), empty, staff (a
human answers them in the platform's own window), again (the same update once more), together (several at once), waits (time
goes by), officer (does, to, reason, outcome, says), joins (a phone becomes an officer's), looks (a phone). `by` says who, where
it is not the one person of the dialogue. The ways that every question has (back, skip, person, stop, danger) are left out:
tests/test_engine_properties.py looks for them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from bot.channels.base import Message
from flows.model import Chose, CitizenEvent, Conversation, Said, StaffWrote
from tests.world import FAILED, World

FOLDER = Path(__file__).parent / "conversations"
UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
ONE = "p"


@dataclass
class Played:
    """What a dialogue came to: every line with what was shown and done, and what stands afterwards."""

    talk: list[dict[str, Any]] = field(default_factory=list)
    after: dict[str, Any] = field(default_factory=dict)


def files() -> list[Path]:
    return sorted(FOLDER.glob("*/*.yaml"))


def load(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text("utf-8")))


async def play(world: World, script: dict[str, Any]) -> Played:
    """Say every line of the script; what was shown and what came of it, as the script would have it written."""
    world.uses(ONE, script.get("channel", "web"))
    played = Played()
    for line in script["talk"]:
        they = line["they"]
        shown, refused = await _act(world, they)
        said: dict[str, Any] = {"they": they}
        if shown:
            said["bot"] = [bubble for message in shown for bubble in bubbles(message)]
        if ends := [message.step for message in shown if message.step and world.book.flows.step(message.step).end]:
            said["ends"] = ends[-1]
        if refused:
            said["refused"] = refused
        if effects := world.new_effects():
            assert FAILED not in effects, f"deciding failed at {they}"
            said["also"] = effects
        played.talk.append(said)
    played.after = await _after(world)
    return played


async def _act(world: World, they: dict[str, Any]) -> tuple[list[Message], str]:
    who = they.get("by", ONE)
    if "officer" in they:
        refused = await world.officer(
            they["officer"],
            they["does"],
            they["to"],
            they.get("reason", ""),
            they.get("outcome", ""),
            they.get("says", ""),
        )
        return [], refused
    if "waits" in they:
        count, unit = they["waits"].split()
        await world.wait(timedelta(seconds=int(count) * UNITS[unit]))
        return await world.phone(who), ""
    if "joins" in they:
        return await world.joins(who, they["joins"]), ""
    return await _said(world, who, they), ""


async def _said(world: World, who: str, they: dict[str, Any]) -> list[Message]:
    if "together" in they:
        return await world.together(who, *(_event(world, who, one) for one in they["together"]))
    if "said" in they:
        return await world.say(who, _text(they))
    if "code" in they:
        return await world.say(who, next(one.intake.receipt for one in world.commits if one.new_intake and one.intake))
    if "chose" in they:
        return await world.choose(who, they["chose"])
    if "pressed" in they:
        return await world.press(who, they["pressed"], they.get("back", 0))
    if "sent" in they:
        return await world.send(who, they["sent"], they.get("caption", ""))
    if "opened" in they:
        return await world.open(who, they["opened"] or "")
    if "again" in they:
        return await world.again()
    if "looks" in they:
        return await world.phone(who)
    if "staff" in they:
        return await world.event(who, StaffWrote())
    assert "empty" in they, f"nobody knows how to do {they}"
    return await world.empty(who)


def _event(world: World, who: str, they: dict[str, Any]) -> CitizenEvent:
    return Said(they["said"]) if "said" in they else Chose((they["chose"],), world.number(who))


def _text(they: dict[str, Any]) -> str:
    return str(they["said"]) * int(they.get("times", 1))


def bubbles(message: Message) -> list[str]:
    """What one message looks like in a file: its texts, the last with the choices in brackets."""
    choices = [f"[{'✓ ' if one.picked else ''}{one.label}]" for one in message.buttons if one.role == "answer"]
    texts = [_shortened(text) for text in message.texts] or [""]
    return [*texts[:-1], " ".join([texts[-1], *choices])]


def _shortened(text: str) -> str:
    return text if len(text) <= 1000 else f"{text[:60]}… ({len(text)} characters)"


async def _after(world: World) -> dict[str, Any]:
    talk = await world.conversation(ONE)
    left = [_left(world, number) for number in world.intakes]
    return {**_standing(talk), **({"left": left} if left else {})}


def _standing(talk: Conversation | None) -> dict[str, Any]:
    if talk is None:
        return {"step": ""}
    found: dict[str, Any] = {"step": f"{talk.flow}.{talk.step}" if talk.flow else ""}
    if talk.answers:
        found["answers"] = {name: _plain(answer) for name, answer in talk.answers.items()}
    if talk.notes:
        found["notes"] = [_shortened(note) for note in talk.notes]
    for name in ("locale", "quiet", "alerted"):
        if getattr(talk, name) not in ("vi", False):
            found[name] = getattr(talk, name)
    return found


def _left(world: World, number: str) -> dict[str, Any]:
    one = world.intakes[number]
    found: dict[str, Any] = {"kind": one.kind, "level": one.level}
    if one.content.texts:
        found["texts"] = {name: _shortened(text) for name, text in one.content.texts.items()}
    if one.content.notes:
        found["notes"] = [_shortened(note) for note in one.content.notes]
    if one.content.clues:
        found["clues"] = [f"{kind}: {value}" for kind, value in one.content.clues]
    if one.content.media:
        found["media"] = [kind for kind, _, _ in one.content.media]
    found["told"] = [f"{name} {referral.to}" for name, referral in world.referrals.items() if referral.intake == number]
    return found


def _plain(answer: str | tuple[str, ...]) -> str | list[str]:
    return _shortened(answer) if isinstance(answer, str) else list(answer)


# ---------------------------------------------------------------------------------------------------------- writing


def write(path: Path, script: dict[str, Any], played: Played) -> None:
    path.write_text(written(path, script, played), "utf-8")


def written(path: Path, script: dict[str, Any], played: Played) -> str:
    """The file as it should stand: the comments and what they do as they were, what came of it as it is now."""
    head = {name: value for name, value in script.items() if name not in {"talk", "after"}}
    lines = [line for line in path.read_text("utf-8").splitlines() if line.startswith("#")]
    lines += [f"{name}: {_scalar(value)}" for name, value in head.items()]
    lines.append("talk:")
    for said in played.talk:
        lines.append(f"  - they: {_flow(said['they'])}")
        lines += [part for name in ("bot", "also") if name in said for part in _list(name, said[name])]
        lines += [f"    {name}: {_scalar(said[name])}" for name in ("refused", "ends") if name in said]
    lines.append("after:")
    lines += _block(played.after, 2)
    return "\n".join(lines) + "\n"


def _list(name: str, texts: list[str]) -> list[str]:
    lines = [f"    {name}:"]
    for text in texts:
        parts = text.split("\n")
        if len(parts) == 1:
            lines.append(f"      - {_scalar(text)}")
        else:
            lines += ["      - |-", *(f"        {part}" for part in parts)]
    return lines


def _block(value: dict[str, Any], indent: int) -> list[str]:
    dumped = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=10_000, default_flow_style=False)
    return [" " * indent + line for line in dumped.splitlines()]


def _flow(value: Any) -> str:
    return str(
        yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=100_000, default_flow_style=True)
    ).strip()


def _scalar(text: Any) -> str:
    dumped = str(yaml.safe_dump(text, allow_unicode=True, width=100_000)).strip()
    return re.sub(r"\n?\.\.\.$", "", dumped).strip()
