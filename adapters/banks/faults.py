"""The rules that a row of a bank's message can break, in one table, and what a row broke of them.

A fault is a field and a code. What the code means, and how to mend it, is told here once; the
value that was wrong is never kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final, NamedTuple

from gateway.core.record import Record, RowError


class Rule(NamedTuple):
    """What a code says to the sender, and what the sender should do."""

    message: str
    fix: str


RULES: Final[dict[str, Rule]] = {
    "NINO_NOT_VALID": Rule(
        "The National Insurance number is not valid.",
        "Check it: two letters, six digits and A, B, C or D, with a prefix that is in use.",
    ),
    "NINO_TEMPORARY": Rule(
        "The National Insurance number is a temporary one.",
        "Leave it out, and give the name and date of birth.",
    ),
    "NINO_CONTRADICTED": Rule(
        "The party has two different National Insurance numbers.",
        "Send the one that is right.",
    ),
    "CMS_REFERENCE_NOT_VALID": Rule(
        "The CMS reference is not valid.",
        "Copy the twelve digits from the letter or request.",
    ),
    "IBAN_NOT_VALID": Rule(
        "The IBAN is not valid: its check digits or its national form are wrong.",
        "Send the IBAN as the account has it.",
    ),
    "ACCOUNT_NUMBER_NOT_VALID": Rule(
        "The account identification is not a sort code and account number.",
        "Send six digits and eight digits, as in SSSSSSNNNNNNNN.",
    ),
    "DATE_NOT_VALID": Rule(
        "The date is not a day of the calendar that can be kept.",
        "Send it as YYYY-MM-DD, with a year of four digits.",
    ),
    "BIRTH_DATE_IN_FUTURE": Rule(
        "The date of birth is in the future.",
        "Send the date of birth, or leave it out.",
    ),
    "PERIOD_REVERSED": Rule(
        "The period ends before it begins.",
        "Give the earlier date first.",
    ),
    "ROLE_DATES_REVERSED": Rule(
        "The role ends before it begins.",
        "Check StartDt and EndDt.",
    ),
    "CLOSED_BEFORE_OPENED": Rule(
        "The closing date is before the opening date.",
        "Check both dates.",
    ),
    "AMOUNT_NOT_WHOLE_PENCE": Rule(
        "The amount has a fraction of a penny.",
        "Round it to two decimal places.",
    ),
    "AMOUNT_TOO_LARGE": Rule(
        "The amount is larger than any that can be kept exactly.",
        "Check the amount and its unit.",
    ),
    "HOLDER_UNIDENTIFIED": Rule(
        "The party has neither a name nor an identifier.",
        "Send Nm, or an identifier in Id.",
    ),
    "CASE_MISMATCH": Rule(
        "The result belongs to another investigation than the message that carries it.",
        "Send it in the answer to its own investigation.",
    ),
    "RESULT_MISSING": Rule(
        "It says that something was found, but holds no result.",
        "Send the result in Rslt.",
    ),
    "EXTENSION_UNKNOWN": Rule(
        "The extension is not one that is read here.",
        "Send one of the extensions listed for this format.",
    ),
}


class Faults:
    """What is wrong with one row, gathered while the row is read.

    `shared` are the faults of what several rows have in common, such as their account.
    """

    __slots__ = ("_found",)

    rules: ClassVar[dict[str, Rule]] = RULES

    def __init__(self, *shared: Faults) -> None:
        # A dict, because it keeps the order in which faults were found.
        self._found: dict[tuple[str, str], None] = {}
        for faults in shared:
            self._found.update(dict.fromkeys(faults.found))

    @property
    def found(self) -> tuple[tuple[str, str], ...]:
        """The faults as (field, code), in the order in which they were found."""
        return tuple(self._found)

    def add(self, field: str, code: str) -> None:
        """Keep that a field broke the rule of this code."""
        assert code in self.rules
        self._found[field, code] = None

    def settle(self, record: Record) -> Iterator[Record | RowError]:
        """Yield the record if its row has no fault, else an error for each fault."""
        if not self._found:
            yield record
        yield from self.errors(record.row)

    def errors(self, row: int) -> Iterator[RowError]:
        """Yield an error for each fault of this row."""
        for field, code in self._found:
            rule = self.rules[code]
            yield RowError(row=row, field=field, code=code, message=rule.message, fix=rule.fix)
