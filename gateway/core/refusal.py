"""Why something was refused: a closed list, and the one table that says what each reason means.

Inside the gateway a refusal is one exception, `Refused`, with one `Reason`. Only `gateway.edge`
turns it into a problem document (RFC 9457). The detail of a refusal never echoes a value that the
sender sent: it names the place and the rule.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from gateway.core.meaning import MEANINGS
from gateway.core.reason import Meaning, Reason

__all__ = ["MEANINGS", "Meaning", "Reason", "Refused"]


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an error of ours
    """Something was refused, for one reason, with a sentence that is safe to show.

    `errors` are row errors that explain it, `error_count` how many there were before some were left
    out, `rules` counts by rule; `retry_after` is in seconds. `submission` and `receipt` are filled in once the refusal of a known sender stands in the ledger.
    """

    def __init__(
        self,
        reason: Reason,
        detail: str = "",
        *,
        errors: tuple[object, ...] = (),
        rules: tuple[object, ...] = (),
        error_count: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
        self.errors = errors
        self.rules = rules
        self.error_count = len(errors) if error_count is None else error_count
        self.retry_after = retry_after
        self.submission: str | None = None
        self.receipt: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Cross from the process that reads large bodies."""
        made = partial(
            Refused,
            errors=self.errors,
            rules=self.rules,
            error_count=self.error_count,
            retry_after=self.retry_after,
        )
        return made, (self.reason, self.detail)

    @property
    def meaning(self) -> Meaning:
        """The row of the table for this refusal's reason."""
        return MEANINGS[self.reason]
