"""Payment schedules for tests, as CSV."""

from __future__ import annotations

HEADER = (
    b"employer_ref,pay_frequency,period_start,period_end,pay_date,employee_cm_ref,surname,ndr_due,"
    b"amount_deducted,reason_code\r\n"
)


def schedule(*rows: str) -> bytes:
    """A schedule of these rows, with its totals."""
    pence = sum(round(float(row.split(",")[8]) * 100) for row in rows)
    return HEADER + "".join(f"{row}\r\n" for row in rows).encode() + total(len(rows), pence)


def total(rows: int, pence: int) -> bytes:
    """The last row."""
    return f"TOTAL,{rows},{pence // 100}.{pence % 100:02d}\r\n".encode()
