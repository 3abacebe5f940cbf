"""Rules a row can break: a stable code, what it means, and how to mend it.

Those that several formats share are here; a format's own stand beside its reader. A code, once
published, keeps its meaning.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.core.record import RowError


class Rule(NamedTuple):
    """One rule; its words never hold a value from the file."""

    code: str
    message: str
    fix: str

    def broken(self, row: int, field: str) -> RowError:
        """The error of one row that breaks it."""
        return RowError(row=row, field=field, code=self.code, message=self.message, fix=self.fix)


NINO_NOT_VALID: Final = Rule(
    "NINO_NOT_VALID",
    "The National Insurance number is not valid.",
    "Check it: two letters, six digits and A, B, C or D, with a prefix that is in use.",
)
CMS_REFERENCE_NOT_VALID: Final = Rule(
    "CMS_REFERENCE_NOT_VALID",
    "The employee's child maintenance reference is not valid.",
    "Copy the twelve digits from the schedule or the order.",
)
POSTCODE_NOT_VALID: Final = Rule(
    "POSTCODE_NOT_VALID",
    "The postcode is not a UK postcode.",
    "Write it as in SW1H 9DA, or leave it out for an address abroad.",
)
PAYE_REFERENCE_NOT_VALID: Final = Rule(
    "PAYE_REFERENCE_NOT_VALID",
    "The PAYE reference is not valid.",
    "Write the three digits of the office and the reference, as in 123/AB456.",
)
DATE_NOT_VALID: Final = Rule(
    "DATE_NOT_VALID",
    "The date is not a day of the calendar in the form YYYY-MM-DD.",
    "Write the date as in 2026-10-31.",
)
MONEY_NOT_VALID: Final = Rule(
    "MONEY_NOT_VALID",
    "The amount is not pounds and pence.",
    "Write pounds, a point and two digits of pence, as in 1234.50, without signs or spaces.",
)
TEXT_NOT_VALID: Final = Rule(
    "TEXT_NOT_VALID",
    "The text is too long or holds control characters.",
    "Write it on one line, shorter.",
)
VALUE_MISSING: Final = Rule(
    "VALUE_MISSING",
    "A value that is needed is missing.",
    "Fill it in.",
)
DUPLICATE_ROW: Final = Rule(
    "DUPLICATE_ROW",
    "The same employee and pay-day are in the file twice.",
    "Leave one of the rows out, or put the sums together.",
)
RAGGED_ROW: Final = Rule(
    "RAGGED_ROW",
    "The row does not have as many cells as the header.",
    "Check for a missing or extra separator, or a quote that is not closed.",
)
PERIOD_REVERSED: Final = Rule(
    "PERIOD_REVERSED",
    "The period ends before it begins.",
    "Give the earlier date first.",
)
CODE_NOT_KNOWN: Final = Rule(
    "CODE_NOT_KNOWN",
    "The code is not one of the list.",
    "Use a code from the published list for this column.",
)
