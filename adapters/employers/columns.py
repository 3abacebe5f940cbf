"""The columns of a payment schedule, in the order in which every syntax hands them over.

Source: the payroll requirements of 2012 for upload to employer self-service, whose exact header
was not found; the names are ours.
"""

from __future__ import annotations

from typing import Final

# Who pays, how often, for which days: the same in most rows of a file.
HEAD: Final = ("employer_ref", "pay_frequency", "period_start", "period_end", "pay_date")

# What differs from row to row and is there in most.
USUAL: Final = (
    "employee_cm_ref",
    "surname",
    "ndr_due",
    "amount_deducted",
    "nino",
    "forename",
    "payroll_no",
    "net_earnings",
    "admin_charge",
)

# What few rows have.
RARE: Final = (
    "reason_code",
    "reason_note",
    "left_date",
    "payment_ref",
    "payment_method",
    "payment_date",
    "address_1",
    "address_2",
    "address_3",
    "town",
    "postcode",
)

# The sender's own name of a row, by which it is sent again once it is mended; CSV only.
ROW_KEY: Final = "row_key"

REQUIRED: Final = (*HEAD, *USUAL[:4])
COLUMNS: Final = (*HEAD, *USUAL, *RARE)

# The cells of a row that has none of the rare ones.
BARE: Final = ("",) * len(RARE)

Head = tuple[str, ...]
Usual = tuple[str, ...]
Rare = tuple[str, ...]
