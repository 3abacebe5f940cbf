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

    def broken(self, row: int, field: str, key: str | None = None) -> RowError:
        """The error of one row that breaks it; `key` is the sender's own name for the row."""
        return RowError(
            row=row, key=key, field=field, code=self.code, message=self.message, fix=self.fix
        )


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
ROW_KEY_TWICE: Final = Rule(
    "ROW_KEY_TWICE",
    "The row has the key of another row of the file, or one that begins with row: as numbers do.",
    "Give each row a key of its own, or none.",
)
CODE_NOT_KNOWN: Final = Rule(
    "CODE_NOT_KNOWN",
    "The code is not one of the list.",
    "Use a code from the published list for this column.",
)
DATE_AMBIGUOUS: Final = Rule(
    "DATE_AMBIGUOUS",
    "The date can be read with the day or the month first, and nothing else in the column says which.",
    "Write the date as in 2026-10-31.",
)
MONEY_AMBIGUOUS: Final = Rule(
    "MONEY_AMBIGUOUS",
    "The amount can be read as thousands or as a fraction, and nothing else in the column says which.",
    "Write pounds, a point and two digits of pence, as in 1234.50.",
)
SIGNED_MONEY_NOT_VALID: Final = Rule(
    "MONEY_NOT_VALID",
    "The amount is not pounds and pence.",
    "Write pounds, a point and two digits of pence, as in 1234.50, or -1234.50 for what is owed.",
)
NUMBER_NOT_VALID: Final = Rule(
    "NUMBER_NOT_VALID",
    "The value is not a whole number within the limits of its column.",
    "Write digits only, as in 12.",
)
YES_NO_NOT_VALID: Final = Rule(
    "YES_NO_NOT_VALID",
    "The value is not yes or no.",
    "Write yes or no.",
)
NINO_TEMPORARY: Final = Rule(
    "NINO_TEMPORARY",
    "The National Insurance number is a temporary one.",
    "Leave it out, and give the name and the date of birth.",
)
SORT_CODE_NOT_VALID: Final = Rule(
    "SORT_CODE_NOT_VALID",
    "The sort code is not valid.",
    "Write its six digits, as in 01-02-03.",
)
ACCOUNT_NUMBER_NOT_VALID: Final = Rule(
    "ACCOUNT_NUMBER_NOT_VALID",
    "The account number is not valid.",
    "Write its eight digits, with the noughts it begins with.",
)
IBAN_NOT_VALID: Final = Rule(
    "IBAN_NOT_VALID",
    "The IBAN is not valid: its check digits or its national form are wrong.",
    "Copy it from the account's own papers.",
)
ISIN_NOT_VALID: Final = Rule(
    "ISIN_NOT_VALID",
    "The ISIN is not valid: its check digit or its country is wrong.",
    "Write its twelve characters, as in GB0002634946.",
)
REGISTRATION_NOT_VALID: Final = Rule(
    "REGISTRATION_NOT_VALID",
    "The vehicle's registration mark is not valid.",
    "Write two to seven letters and digits, as in AB12 CDE.",
)
TAX_YEAR_NOT_VALID: Final = Rule(
    "TAX_YEAR_NOT_VALID",
    "The tax year is not two consecutive years.",
    "Write the tax year as in 2025-26.",
)
LEADING_ZEROS_LOST: Final = Rule(
    "LEADING_ZEROS_LOST",
    "The spreadsheet holds a number here, and the noughts it began with may be lost.",
    "Format the column as text, and write the value again with all its digits.",
)
FORMULA_ERROR: Final = Rule(
    "FORMULA_ERROR",
    "The cell holds a formula that ends in an error.",
    "Mend the formula, or write the value itself.",
)
MEMBER_NOT_KNOWN: Final = Rule(
    "MEMBER_NOT_KNOWN",
    "There is a member that the schema does not have.",
    "Write each name exactly as in the schema, and leave out what is not in it.",
)
SHAPE_NOT_VALID: Final = Rule(
    "SHAPE_NOT_VALID",
    "The value is not of the kind that the schema says.",
    "Compare the member with the schema of this record type.",
)
LINE_NOT_VALID: Final = Rule(
    "LINE_NOT_VALID",
    "The line is not one JSON object, or is longer than allowed.",
    "Write each record as one JSON object on a line of its own, each name in it once.",
)
RECORD_TYPE_NOT_KNOWN: Final = Rule(
    "RECORD_TYPE_NOT_KNOWN",
    "The type of the record is missing, or is not one that is read.",
    "Give the type by its name in the list of record types.",
)
KEY_NOT_VALID: Final = Rule(
    "KEY_NOT_VALID",
    "The name of the row is too long, or is not plain text.",
    "Write at most 64 printable characters, or leave it out.",
)
TYPED_CELL: Final = Rule(
    "TYPED_CELL",
    "The spreadsheet holds a number, a date or a yes-or-no where a text belongs.",
    "Format the column as text, and write the value again.",
)
