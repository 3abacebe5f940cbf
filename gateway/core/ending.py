"""What became of a file that came in parts: enough to say the same again to whoever asks again."""

from __future__ import annotations

from typing import Self

import msgspec

from gateway.core.limits import ROW_ERRORS_SHOWN
from gateway.core.reason import Reason
from gateway.core.record import RowError, RuleCount
from gateway.core.refusal import Refused

# Neither trouble of the gateway's own, nor a twin under way, nor a caller who has to knock again
# says anything of the file: the same bytes may well be taken the next time.
_PASSING_STATUS = frozenset({401, 409, 429})


class Fault(msgspec.Struct, frozen=True):
    """A refusal, as it can be kept."""

    reason: Reason
    detail: str
    errors: tuple[RowError, ...]
    rules: tuple[RuleCount, ...]
    error_count: int
    submission: str | None
    receipt: str | None

    @classmethod
    def of(cls, refusal: Refused, shown: int = ROW_ERRORS_SHOWN) -> Self:
        """What is kept of a refusal, with as many of its row errors as an answer shows."""
        return cls(
            refusal.reason,
            refusal.detail,
            tuple(error for error in refusal.errors if isinstance(error, RowError))[:shown],
            tuple(rule for rule in refusal.rules if isinstance(rule, RuleCount)),
            refusal.error_count,
            refusal.submission,
            refusal.receipt,
        )

    def refusal(self) -> Refused:
        """The same refusal again."""
        made = Refused(
            self.reason,
            self.detail,
            errors=self.errors,
            rules=self.rules,
            error_count=self.error_count,
        )
        made.submission, made.receipt = self.submission, self.receipt
        return made


class End(msgspec.Struct, frozen=True):
    """What became of one file: a submission, which may have been there before, or a fault."""

    submission: str | None = None
    repeat: bool = False
    fault: Fault | None = None
    name: str = ""


class Ending(msgspec.Struct, frozen=True):
    """What became of an upload: of its one file, or of each file of an archive."""

    files: tuple[End, ...]
    archive: bool = False

    @property
    def final(self) -> bool:
        """Whether the same bytes would end the same way the next time."""
        return not any(end.fault is not None and passes(end.fault.reason) for end in self.files)


def passes(reason: Reason) -> bool:
    """Whether what was refused for this reason may be taken the next time."""
    status = Refused(reason).meaning.status
    return status >= 500 or status in _PASSING_STATUS
