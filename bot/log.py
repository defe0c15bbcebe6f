"""Logging with an allow-list of fields. Citizen text, names, numbers and addresses have no way in.

`say("turn.committed", channel="telegram", ms=3)` writes one JSON line to standard error. A field that is not on the list is
refused with ValueError, in tests and in production alike; a value longer than a code is cut.

What libraries and Python itself would write (a driver's error names the values of its statement) is not written: only who spoke,
where, and the type of the failure.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from types import TracebackType

FIELDS = frozenset(
    """error channel kind count ms code port address_of referral office rung week outcome attempts where file what wait_s
    problem locale version mode""".split()
)
"""What a line may hold: codes, counts, durations, our own ids. Never a person's words, name, number or platform id."""
VALUE_MAX = 200

_logger = logging.getLogger("nhipcau")


def set_up(level: int = logging.INFO) -> None:
    """One JSON line an event on standard error; libraries speak only from WARNING up, so that no URL with a token is written."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    _logger.handlers[:] = [handler]
    _logger.setLevel(level)
    _logger.propagate = False
    logging.root.handlers[:] = [_Others()]
    logging.captureWarnings(True)
    sys.excepthook = _ended
    threading.excepthook = lambda failed: _broke(failed.exc_type, failed.exc_value)
    sys.unraisablehook = lambda failed: _broke(failed.exc_type, failed.exc_value)
    for name in ("httpx", "httpcore", "telegram", "aiohttp", "uvicorn.access", "transitions", "aiosqlite", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


class _Others(logging.Handler):
    """What libraries say: who, where in their code, of which failure. Their text may hold anything that passed through them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line about it, and nothing of it."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            error = next((one for one in _values(record) if isinstance(one, BaseException)), None)
        where = place(error) if error is not None else f"{record.module}:{record.lineno}"
        warn("library.warned", kind=record.name, what=type(error).__name__ if error else record.levelname, where=where)


def _values(record: logging.LogRecord) -> tuple[object, ...]:
    return (record.msg, *(record.args if isinstance(record.args, tuple) else ()))


def _ended(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    """Python's last word on an error that nobody caught, without its text."""
    if not issubclass(kind, KeyboardInterrupt):
        _broke(kind, error)


def _broke(kind: type[BaseException], error: BaseException | None) -> None:
    warn("service.broken", what=kind.__name__, where=place(error) if error is not None else "?")


def say(event: str, *, level: int = logging.INFO, **fields: str | int | float) -> None:
    """Write what happened. Raises ValueError for a field that is not on the allow-list."""
    strange = set(fields) - FIELDS
    if strange:
        raise ValueError(f"log fields {sorted(strange)} are not on the allow-list in bot/log.py")
    line = {"event": event} | {name: _short(value) for name, value in fields.items()}
    _logger.log(level, "%s", json.dumps(line, ensure_ascii=False))


def warn(event: str, **fields: str | int | float) -> None:
    """Write something that an operator should look at."""
    say(event, level=logging.WARNING, **fields)


def place(error: BaseException) -> str:
    """File and line where it failed: all that may be told of an error whose text could hold what somebody wrote."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno}"


def _short(value: str | int | float) -> str | int | float:
    return value[:VALUE_MAX] if isinstance(value, str) else value
