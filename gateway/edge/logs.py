"""Structured logs that cannot carry personal data: only known members pass, everything else is cut.

An event is a name we wrote and members from `ALLOWED`. What comes from other libraries is reduced to
its logger, level and the place it was written.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO, cast

import msgspec
import structlog

_ENCODE: Final = msgspec.json.Encoder(order="sorted").encode

# Each of these holds a word of ours, an id of ours, or a number.
ALLOWED: Final = frozenset(
    {
        "at",
        "count",
        "database",
        "error",
        "event",
        "exchange",
        "feed",
        "jobs",
        "level",
        "listen",
        "logger",
        "method",
        "milliseconds",
        "next_update",
        "origin",
        "reason",
        "route",
        "size",
        "status",
        "submission",
        "subscription",
        "timestamp",
        "version",
        "work",
    },
)


def cut(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep only what may be logged, and say how much was not."""
    if not event.keys() <= ALLOWED:
        unknown = event.keys() - ALLOWED
        for name in unknown:
            del event[name]
        event["cut"] = len(unknown)
    return event


def _render(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    return _ENCODE(event).decode()


class _Output:
    """Where logs go, and from which level; loggers are made once, and find changes here."""

    stream: TextIO = sys.stderr
    level: int = logging.INFO

    def write(self, text: str) -> int:
        """Write a line."""
        return self.stream.write(text)

    def flush(self) -> None:
        """See that it is out."""
        self.stream.flush()


_OUTPUT: Final = _Output()
_LEVELS: Final = {name.lower(): number for name, number in logging.getLevelNamesMapping().items()}


def _from_level(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if _LEVELS[event["level"]] < _OUTPUT.level:
        raise structlog.DropEvent
    return event


class _Foreign(logging.Handler):
    """Logs of other libraries: where and how bad, never what."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on without its message."""
        structlog.get_logger(record.name).log(
            record.levelno,
            "library",
            at=f"{record.module}:{record.lineno}",
        )


def configure(stream: TextIO = sys.stderr, level: str = "info") -> None:
    """Set logging up for the whole process: one JSON object a line."""
    _OUTPUT.stream = stream
    _OUTPUT.level = _LEVELS[level.lower()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _from_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            cut,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _OUTPUT)),
        # Making a logger anew for each line costs more than writing the line.
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Foreign(level=logging.WARNING)]
    root.setLevel(logging.WARNING)
