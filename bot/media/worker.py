"""The process that decodes what strangers sent: one file in by a pipe, one copy out by a pipe, then it is gone.

`python -m bot.media.worker`. It has no secrets in its environment, and once its decoder is loaded it stands in an empty room
(`bot/media/room.py`): whoever takes it over by a crafted picture finds nothing there.
Standard input: a line of JSON (`Task`), then the file. Standard output: a line of JSON (`Answer`), then the copy.
"""

from __future__ import annotations

import sys
from typing import Final

import msgspec

from bot.media import room
from bot.media.alone import intruder
from bot.media.kinds import Kind, kind_of
from bot.media.result import Clean, Refused

PICTURES: Final = frozenset({"jpg", "png", "webp", "gif", "heic", "avif"})
RECORDINGS: Final = frozenset({"mp3", "ogg", "amr", "aac", "wav", "webm", "m4a", "mp4", "mov"})


class Task(msgspec.Struct, frozen=True):
    """What is wanted of the file that follows. `changed`: voices in it are to sound otherwise."""

    changed: bool = False


class Answer(msgspec.Struct, frozen=True):
    """What came of it: the kind of the copy that follows, or why there is none."""

    why: str = ""
    content_type: str = ""
    ending: str = ""
    changed: bool = False


def main() -> None:
    """Clean one file."""
    room.take_little()
    task = msgspec.json.decode(sys.stdin.buffer.readline(), type=Task)
    content = sys.stdin.buffer.read()
    try:
        clean = _cleaned(content, kind_of(content), changed=task.changed)
        answer = Answer("", clean.content_type, clean.ending, clean.changed)
    except Refused as refused:
        clean, answer = None, Answer(refused.why)
    except MemoryError:
        clean, answer = None, Answer("gave_up")
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    if clean is not None:
        sys.stdout.buffer.write(clean.content)
    sys.stdout.buffer.flush()


def _cleaned(content: bytes, kind: Kind | None, *, changed: bool) -> Clean:
    """The copy. Raises Refused. Each library is loaded for its own kinds only: that takes a quarter of a second."""
    if kind is None:
        raise Refused("unknown")
    if kind.medium == "document":
        raise Refused("document")
    if intruder(content, kind.ending):
        raise Refused("intruder")
    if kind.ending in PICTURES:
        from bot.media import picture

        picture.load_decoder(kind.ending)
        room.lock()
        return picture.repainted(content, kind.ending)
    if kind.ending in RECORDINGS:
        from bot.media import recording

        recording.load_decoder(kind.ending)
        room.lock()
        return recording.remuxed(content, kind.ending, changed=changed)
    raise Refused("unknown")


if __name__ == "__main__":
    main()
