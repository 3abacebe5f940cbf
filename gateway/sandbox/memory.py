"""What a sandbox remembers from one start to the next: its seed, its time, and what was observed."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from certs import private_files
from gateway.core.refusal import Reason, Refused

FILE: Final = "sandbox.json"

# The development PKI's authorities end before this; beyond it nobody could speak any more.
MOST_SECONDS: Final = 5 * 365 * 86_400
PARTIES: Final = 1_000


class Kept(msgspec.Struct, forbid_unknown_fields=True):
    """The file: what is kept. Secrets are kept as hashes."""

    seed: int
    moved_seconds: int = 0
    raised: int = 0
    secrets: dict[str, str] = {}
    classes: dict[str, list[str]] = {}
    passed: dict[str, dict[str, str]] = {}


class Memory:
    """A sandbox's memory; every change is on the disk when the call returns."""

    def __init__(self, directory: Path, seed: int, wall: Callable[[], dt.datetime]) -> None:
        self._path = directory / FILE
        self._wall = wall
        if self._path.exists():
            self.kept = msgspec.json.decode(self._path.read_bytes(), type=Kept)
        else:
            self.kept = Kept(seed)
            self._save()

    def _save(self) -> None:
        private_files.replace(self._path, msgspec.json.format(msgspec.json.encode(self.kept)))

    def now(self) -> dt.datetime:
        """The sandbox's time: the wall's, and as much as it was moved."""
        return self._wall() + dt.timedelta(seconds=self.kept.moved_seconds)

    def wall(self) -> dt.datetime:
        """The time on the wall, which moves nothing."""
        return self._wall()

    def move(self, seconds: int) -> dt.datetime:
        """Move time forward; never back, since a ledger's times only grow."""
        if not 0 < seconds <= MOST_SECONDS - self.kept.moved_seconds:
            raise Refused(
                Reason.PARAMETER_NOT_VALID,
                f"seconds is from 1 to {MOST_SECONDS - self.kept.moved_seconds}: time moves forward, "
                "and not beyond the end of the sandbox's authorities.",
            )
        self.kept.moved_seconds += seconds
        self._save()
        return self.now()

    def next_subject(self) -> int:
        """The number of the next made-up subject."""
        self.kept.raised += 1
        self._save()
        return self.kept.raised

    def check_room(self) -> None:
        """Raises Refused(BUSY) where no party more can join."""
        if len(self.kept.secrets) >= PARTIES:
            raise Refused(
                Reason.BUSY, f"This sandbox has its {PARTIES} parties.", retry_after=3_600
            )

    def join(self, party: str, classes: list[str]) -> str:
        """Remember a party; returns the secret with which it can ask for another certificate."""
        self.check_room()
        secret = secrets.token_urlsafe(24)
        self.kept.secrets[party] = _hash(secret)
        self.kept.classes[party] = classes
        self._save()
        return secret

    def check_secret(self, party: str, secret: str) -> None:
        """Raises Refused(NOT_PERMITTED) unless it is the party's."""
        known = self.kept.secrets.get(party, "")
        if not hmac.compare_digest(known, _hash(secret)):
            raise Refused(Reason.NOT_PERMITTED, "This is not the secret that joining gave out.")

    def passes(self, party: str, step: str) -> None:
        """Remember that a party passed a step, the first time it does."""
        passed = self.kept.passed.setdefault(party, {})
        if step not in passed:
            passed[step] = self._wall().isoformat(timespec="seconds")
            self._save()

    def passed(self, party: str) -> dict[str, str]:
        """The steps a party has passed, and when by the clock on the wall."""
        return self.kept.passed.get(party, {})


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
