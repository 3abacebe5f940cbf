"""Sending whatever is put into a drop folder, once it has stopped changing, and putting it away.

A file is sent under a key made from its content, so that sending it again after a crash gets the
same submission. What is nobody's fault (the gateway away, a limit of calls) leaves the file where it
is, and it is tried again, later and later.
"""

from __future__ import annotations

import asyncio
import enum
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Any, Final

import msgspec

from gateway.client.answers import ArchiveFile, Outcome
from gateway.client.api import Client
from gateway.client.drop_folder import DONE, REFUSED, DropFolder, Found, digest_of
from gateway.client.media import MediaTypeError, is_archive
from gateway.client.problem import EvidenceError, Problem, UnreachableError
from gateway.core.inbox_path import ERRORS, RECEIPT
from gateway.core.neutral import row_errors_csv
from gateway.core.what_for import of_folder

_FIRST_SECONDS: Final = 5.0
_LONGEST_SECONDS: Final = 600.0
_CHANCE: Final = SystemRandom()
# Not about the file: who we are, or what was on the wire.
_PASSING: Final = frozenset({"not-permitted", "body-truncated", "body-too-slow", "digest-mismatch"})


class End(enum.Enum):
    """What became of a file in one pass."""

    ACCEPTED = "accepted"
    PARTIAL = "accepted in part"
    REFUSED = "refused"
    TROUBLE = "left in the inbox"
    UNSETTLED = "still changing"


@dataclass(slots=True)
class _Known:
    """What is remembered of a file from pass to pass; times are of the monotonic clock."""

    mark: tuple[int, ...]
    since: float
    failures: int = 0
    again: float = 0.0


@dataclass(slots=True)
class Watcher:
    """Sends what is in a folder; `tell` is told what became of each file, and where it is now."""

    client: Client
    folder: DropFolder
    tell: Callable[[Found, End, str], None]
    settle_seconds: float = 5.0
    known: dict[str, _Known] = field(default_factory=dict)

    async def pass_over(self) -> list[End]:
        """Look at every file once, and send those that can be sent."""
        files = await asyncio.to_thread(lambda: list(self.folder.found()))
        there = {str(file.path) for file in files}
        self.known = {path: known for path, known in self.known.items() if path in there}
        return [await self._look(file) for file in files]

    async def _look(self, file: Found) -> End:
        now = time.monotonic()
        known = self.known.get(str(file.path))
        if known is None or known.mark != file.mark:
            known = self.known[str(file.path)] = _Known(file.mark, now)
        age = max(now - known.since, time.time() - file.changed)
        if age < self.settle_seconds:
            return End.UNSETTLED
        if now < known.again:
            return End.TROUBLE
        try:
            end, where = await self._send(file)
        except (UnreachableError, Problem, EvidenceError, OSError) as error:
            known.failures += 1
            most = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** (known.failures - 1))
            known.again = time.monotonic() + _CHANCE.uniform(most / 2, most)
            end, where = End.TROUBLE, str(error)
        self.tell(file, end, where)
        return end

    async def _send(self, file: Found) -> tuple[End, str]:
        """Send a file and put it away; raises what is not about the file."""
        meant = of_folder(file.folder)
        told: dict[str, Any] = {
            "file": file.path.name,
            "request": meant.request,
            "completes": meant.completes,
            "sha256": await asyncio.to_thread(digest_of, file.path),
        }
        begun = await asyncio.to_thread(self.folder.go_on, file, str(told["sha256"]))
        if begun is not None:
            return End(begun[1]["end"]), str(begun[0])
        results: dict[str, bytes] = {}
        try:
            if is_archive(file.path) and not file.folder:
                end = _of_archive(await self.client.submit_archive(file.path), told)
            else:
                outcome = await self.client.submit(
                    file.path, request=meant.request, completes=meant.completes
                )
                end = await self._of_outcome(outcome, told, results)
        except Problem as problem:
            if _is_passing(problem):
                raise
            end = _of_problem(problem, told, results)
        except MediaTypeError as error:
            end = End.REFUSED
            told |= {"state": "refused", "detail": str(error)}
        if not file.is_same():
            raise OSError("it changed while it was sent; it is sent again as it is now")
        told["end"] = end.value
        where = REFUSED if end is End.REFUSED else DONE
        put = await asyncio.to_thread(self.folder.put_away, file, where, told, results)
        return end, str(put)

    async def _of_outcome(
        self, outcome: Outcome, told: dict[str, Any], results: dict[str, bytes]
    ) -> End:
        told |= msgspec.to_builtins(outcome)
        results[RECEIPT] = told.pop("receipt").encode()
        if outcome.rows.refused:
            results[ERRORS] = row_errors_csv(await self.client.errors(outcome.id)).encode()
            return End.PARTIAL
        return End.ACCEPTED


def _of_problem(problem: Problem, told: dict[str, Any], results: dict[str, bytes]) -> End:
    names = ("type", "title", "status", "detail", "fix", "error_count", "submission")
    told |= {"state": "refused"} | {name: getattr(problem, name) for name in names}
    if problem.errors:
        results[ERRORS] = row_errors_csv(problem.errors).encode()
    if problem.receipt is not None:
        results[RECEIPT] = problem.receipt.encode()
    return End.REFUSED


def _of_archive(files: tuple[ArchiveFile, ...], told: dict[str, Any]) -> End:
    """The worst of its files; raises Problem where one of them has to be sent again."""
    told["files"] = msgspec.to_builtins(files)
    ends = {End.ACCEPTED}
    for file in files:
        if file.problem is not None:
            problem = Problem(file.status, file.problem, None)
            if _is_passing(problem):
                raise problem
            ends.add(End.REFUSED)
        elif file.outcome is not None and file.outcome.state == "refused":
            ends.add(End.REFUSED)
        elif file.outcome is not None and file.outcome.rows.refused:
            ends.add(End.PARTIAL)
    return next(end for end in (End.REFUSED, End.PARTIAL, End.ACCEPTED) if end in ends)


def _is_passing(problem: Problem) -> bool:
    """Whether a problem is not the file's, so that the same file may be taken another time."""
    return problem.status in {401, 409, 429} or problem.status >= 500 or problem.slug in _PASSING
