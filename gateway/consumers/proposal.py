"""What a consumer lays before an officer: a proposal, with its reasons and what it rests on.

A proposal is never an act. It says what the law seems to ask for, step by step, each step with its
citation and how sure that citation is; an officer decides.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from decimal import Decimal
from typing import Literal

import msgspec

# What parts one figure from the next, or would seem to.
_PARTING = frozenset(' ="\\')

Confidence = Literal["V", "S", "R", "P"]
"""V: read in the text of the law. S: in a secondary source. R: recalled. P: our proposal."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a reason: what it finds, how, and where that stands."""

    what: str
    how: str
    value: str
    citation: str
    confidence: Confidence


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What seems right, about one case, order or person.

    `figures` are printed as they are compared: pounds with two decimals, days as in 2026-11-28.
    `evidence` are sequence numbers of the events on the feed that it rests on.
    """

    code: str
    about: str
    figures: dict[str, str]
    steps: tuple[Step, ...]
    evidence: tuple[int, ...] = ()

    def line(self) -> str:
        """The proposal in one line: its code, what it is about, its figures in the order given.

        A value of several words is quoted, so that none can pass for another figure.
        """
        told = (f"{name}={_word(value)}" for name, value in self.figures.items())
        return visible(" ".join((self.code, self.about, *told)))


def _word(value: str) -> str:
    if value and not set(value) & _PARTING and value.isprintable():
        return value
    inner = visible(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inner}"'


def pounds(pence: int | Decimal) -> str:
    """Pence as pounds with two decimals, as in 1234.50; a part of a penny is not rounded away.

    Raises ValueError for an amount that is not whole pence: rounding is a step that says its rule.
    """
    if pence != int(pence):
        raise ValueError("an amount is rounded by a rule of the law before it is printed")
    whole, part = divmod(abs(int(pence)), 100)
    return f"{'-' if pence < 0 else ''}{whole}.{part:02d}"


def sterling(pence: int | Decimal) -> str:
    """Pence as a parent reads them, as in £1,234.50."""
    whole, _, part = pounds(-pence if pence < 0 else pence).partition(".")
    return f"{'-' if pence < 0 else ''}£{int(whole):,}.{part}"


def visible(text: str) -> str:
    """A text on one line, with a space for whatever would move, hide or turn what is around it.

    What organisations sent stands in it, by whatever way it came.
    """
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)


def day(value: dt.date | None) -> str:
    """A day as in 2026-11-28; '-' where there is none."""
    return "-" if value is None else value.isoformat()


def explained(proposal: Proposal) -> str:
    """A proposal as text to be read and printed: its line, then each step with its source."""
    lines = [proposal.line()]
    for number, step in enumerate(proposal.steps, 1):
        lines += [
            visible(f"  {number}. {step.what}: {step.value}"),
            visible(f"     {step.how}"),
            visible(f"     {step.citation} [{step.confidence}]"),
        ]
    if proposal.evidence:
        several = "events" if len(proposal.evidence) > 1 else "event"
        numbers = ", ".join(map(str, proposal.evidence))
        lines.append(f"  Rests on {several} {numbers} of the feed.")
    return "\n".join(lines) + "\n"
