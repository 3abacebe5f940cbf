"""The lines of the duty table, as `schemas/duties` writes them: typed, dated, cited.

`confidence` says how sure the line is: V = read in the text cited, S = read in a secondary source,
P = our proposal.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from typing import Literal, TypeVar

import msgspec

Confidence = Literal["V", "S", "P"]
Use = Literal["trace", "calculate", "enforce"]

_Table = TypeVar("_Table")


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A line of law: where it stands, how sure we are, and from when until before when it holds."""

    citation: str
    confidence: Confidence
    in_force: dt.date
    until: dt.date | None = None

    def holds(self, day: dt.date) -> bool:
        """Whether the line is in force on a day."""
        return self.in_force <= day and (self.until is None or day < self.until)


class Purpose(Line, frozen=True):
    """A purpose in law for which information may be asked for, and the use it is then put to."""

    code: str
    title: str
    use: Use


class Delivery(Line, frozen=True):
    """Which instant counts in law as delivery to the Secretary of State."""

    instant: str


class Standing(Line, frozen=True):
    """A duty to send without being asked: which records, for which purposes."""

    record_types: tuple[str, ...]
    purposes: tuple[str, ...]


class Needs(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which disclosure groups of a record type each use needs; what no use needs is never shown."""

    record_type: str
    trace: tuple[str, ...] = ()
    calculate: tuple[str, ...] = ()
    enforce: tuple[str, ...] = ()

    def groups(self, use: Use) -> tuple[str, ...]:
        """The groups that a use needs; none where the record is not for it."""
        match use:
            case "trace":
                return self.trace
            case "calculate":
                return self.calculate
            case "enforce":
                return self.enforce


class Sends(Needs, frozen=True):
    """A record type that a class may be asked for; its ground is the class's."""


class Answer(Needs, frozen=True):
    """A record type that any answer may hold, whoever gives it."""

    citation: str
    confidence: Confidence
    in_force: dt.date


class Ground(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the lines of a class take their ground from."""

    citation: str
    confidence: Confidence


class ProviderClass(Line, frozen=True):
    """A class of organisation under a duty: what it may be asked for, and what it sends unasked.

    `barred` are purposes for which it may never be asked, `finds_by` the ways in which it finds a
    person, the least telling first, where they are not the usual ones: no more than one of them is
    told to it. A class whose instrument was not found is not enabled until a citation is entered.
    """

    slug: str
    title: str
    enabled: bool
    ground: Ground
    note: str = ""
    barred: tuple[str, ...] = ()
    finds_by: tuple[tuple[str, ...], ...] = ()
    sends: tuple[Sends, ...] = ()
    standing: tuple[Standing, ...] = ()


class Feed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A consumer's feed, and the use it exists for."""

    name: str
    title: str
    use: Use


class Excuse(Line, frozen=True):
    """A reason for which an organisation may refuse to answer, and what it means."""

    code: str
    title: str


class LawTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file law.toml; `finds_by` are the ways in which most organisations find a person."""

    version: str
    finds_by: tuple[tuple[str, ...], ...]
    purpose: tuple[Purpose, ...]
    feed: tuple[Feed, ...]
    answer: tuple[Answer, ...]
    refusal: tuple[Excuse, ...]
    delivery: tuple[Delivery, ...]


class Ask(msgspec.Struct, frozen=True):
    """What an information request asks for, as far as the law cares."""

    id: str
    purposes: frozenset[str]
    record_types: frozenset[str]
    due: dt.date | None = None
    withdrawn: bool = False


class Grounds(msgspec.Struct, frozen=True):
    """The class in which an organisation sends, which records it may send, and why."""

    provider_class: str
    record_types: frozenset[str]
    purposes: frozenset[str]


def read_table(name: str, text: bytes, table: type[_Table]) -> _Table:
    """A table from its TOML; raises ValueError, which names the file and the member."""
    try:
        return msgspec.convert(tomllib.loads(text.decode()), table)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"{name}: {error}") from error
