"""What the judge says: a verdict, and the findings that speak against the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.judge.strict import Unsound

MAX_FINDINGS: Final = 1_000  # whoever has to mend a thousand things has to start over anyway
_SHOWN_CHARS: Final = 120


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: where ("entry 17", a file, a line), what, and what to do."""

    where: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.fix}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a verification: counts of what was read, facts it shows, and findings.

    `facts` are pairs of a name and a text for people; they are empty unless all of it verified.
    """

    findings: tuple[Finding, ...]
    entries: int = 0
    receipts: int = 0
    records: int = 0
    blocks: int = 0
    pages: int = 0
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing at all speaks against the evidence."""
        return not self.findings


def of_key(unsound: Unsound) -> Verdict:
    """The verdict where the key itself cannot be used: nothing was read with it."""
    return Verdict((Finding("the key", f"it {unsound}", "Give the ledger's vkey, one line."),))


class Findings:
    """Collects findings, up to a limit: hostile evidence must not fill the memory."""

    def __init__(self) -> None:
        self._found: list[Finding] = []

    @property
    def full(self) -> bool:
        """Whether there is no sense in looking for more."""
        return len(self._found) >= MAX_FINDINGS

    def add(self, where: str, what: str, fix: str) -> None:
        """Note one finding; beyond the limit it is dropped."""
        if not self.full:
            self._found.append(Finding(where, what, fix))

    def all(self) -> tuple[Finding, ...]:
        """Everything found, in the order found."""
        return tuple(self._found)


def shown(value: object) -> str:
    """Write something read from the evidence so that a terminal can show it: short and plain."""
    text = ascii(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}..."
