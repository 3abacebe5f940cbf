"""A deduction-from-earnings payment schedule, whatever its syntax: one row, and the whole file.

The syntax readers hand over a row as texts in the order of `COLUMNS`, empty where there is nothing.
Rules for one row refuse that row; rules for the whole file refuse the file:

    one employer                 FILE_MIXES_EMPLOYERS
    one period per frequency     FILE_MERGES_PERIODS
    control totals               CONTROL_TOTAL_MISSING, CONTROL_TOTAL_MISMATCH

Sources: SI 1992/1989 regs 8 to 16; the payroll requirements of 2012 for upload to employer
self-service (12-digit employee reference, reason where the amount differs, no merged periods).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final, NamedTuple

from adapters.employers.law import due_to_be_paid, schedule_law
from adapters.employers.values import Faults, date_of, pence_of, text_of
from adapters.syntax.key_table import KeyTable
from gateway.core import identifiers, rules
from gateway.core.adapter import ReadContext
from gateway.core.records import (
    Answer,
    Deducted,
    Deduction,
    Frequency,
    Item,
    NilReturn,
    Note,
    Pay,
    RowError,
    Where,
    Who,
    Work,
)
from gateway.core.refusal import Reason, Refused
from gateway.core.rules import Rule

REQUIRED: Final = (
    "employer_ref",
    "pay_frequency",
    "period_start",
    "period_end",
    "pay_date",
    "employee_cm_ref",
    "surname",
    "ndr_due",
    "amount_deducted",
)
COLUMNS: Final = (
    *REQUIRED,
    "nino",
    "forename",
    "payroll_no",
    "net_earnings",
    "admin_charge",
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

REASON_MISSING: Final = Rule(
    "REASON_MISSING",
    "The amount deducted is not the amount due, and no reason is given.",
    "Give a reason code from the published list.",
)
NOTE_MISSING: Final = Rule(
    "NOTE_MISSING",
    "The reason OTHER needs a note.",
    "Say in reason_note, in a few words, why the amount differs.",
)
CHARGE_TOO_HIGH: Final = Rule(
    "CHARGE_TOO_HIGH",
    "The administration charge is higher than the law allows.",
    "Charge no more than one pound for a deduction (SI 1992/1989 reg 12(6)).",
)
PERIOD_NOT_OF_FREQUENCY: Final = Rule(
    "PERIOD_NOT_OF_FREQUENCY",
    "The period does not have the length of its frequency.",
    "Check the frequency (W, 2W, 4W or M) and the first and last day of the period.",
)
EMPLOYER_NOT_VALID: Final = Rule(
    "EMPLOYER_NOT_VALID",
    "The employer reference is not valid.",
    "Copy it from the schedule: up to 20 letters, digits, strokes and slashes.",
)


class _Period(NamedTuple):
    """What the first five columns say; the same for most rows of a file."""

    employer: str
    frequency: Frequency | None
    place: int
    start: dt.date | None
    end: dt.date | None
    pay_date: dt.date | None
    faults: tuple[tuple[Rule, str], ...]
    work: Work
    pay: Pay


class Schedule:
    """Reads the rows of one file and keeps what the rules for the whole file need."""

    def __init__(self, context: ReadContext) -> None:
        self._now = context.now
        self._law = schedule_law()
        self._periods: dict[tuple[str, ...], _Period] = {}
        self._seen = KeyTable()
        self._amounts: dict[str, int | None] = {}
        self._rows = 0
        self._pence = 0
        self._unreadable = 0

    def row(self, number: int, cells: tuple[str, ...]) -> Iterator[Item]:
        """One row: its record, or its errors."""
        self._rows += 1
        head, rest = cells[:5], cells[5:]
        period = self._periods.get(head)
        if period is None:
            period = self._period(head)
        (
            reference,
            surname,
            due_text,
            taken_text,
            nino,
            forename,
            payroll,
            net,
            charge_text,
            reason,
            note,
            left,
            pay_ref,
            pay_method,
            pay_day,
            line1,
            line2,
            line3,
            town,
            postcode,
        ) = rest
        due, taken = self._amount(due_text), self._amount(taken_text)
        if taken is None:
            self._unreadable += 1
        else:
            self._pence += taken
        faults = Faults(number)
        for rule, field in period.faults:
            faults.add(rule, field)
        if not (len(reference) == 12 and reference.isascii() and reference.isdigit()):
            reference = self._reference(reference, faults)
        if nino:
            nino = self._nino(nino, faults)
        charge = self._charge(charge_text, faults) if charge_text else 0
        if due is None or taken is None:
            _amount_faults(due_text, due, taken_text, taken, faults)
        elif due != taken or reason:
            self._explained(due != taken, reason, note, faults)
        who = Who(
            surname=text_of(surname, "surname", faults, needed=True),
            forenames=text_of(forename, "forename", faults) if forename else None,
            nino=nino or None,
            cms_reference=reference,
            payroll_number=text_of(payroll, "payroll_no", faults) if payroll else None,
        )
        work, pay, where = period.work, period.pay, None
        if left:
            work = Work(
                employer_reference=period.employer,
                leave_date=date_of(left, "left_date", faults),
            )
        if net:
            pay = Pay(
                frequency=period.frequency,
                period_start=period.start,
                period_end=period.end,
                pay_date=period.pay_date,
                net_pence=pence_of(net, "net_earnings", faults),
            )
        if line1 or line2 or line3 or town or postcode:
            where = _where((line1, line2, line3), town, postcode, faults)
        deducted = Deducted(
            due_pence=due or 0,
            deducted_pence=taken or 0,
            charge_pence=charge,
            reason=reason or None,
            note=text_of(note, "reason_note", faults) if note else None,
            payment_reference=text_of(pay_ref, "payment_ref", faults) if pay_ref else None,
            payment_method=text_of(pay_method, "payment_method", faults) if pay_method else None,
            payment_date=date_of(pay_day, "payment_date", faults) if pay_day else None,
        )
        if not faults.found and not self._is_new(reference, period):
            faults.add(rules.DUPLICATE_ROW, "employee_cm_ref")
        if faults.found:
            yield faults.first()
        else:
            yield Deduction(
                row=number,
                who=who,
                work=work,
                pay=pay,
                where=where,
                deduction=deducted,
            )

    def unreadable_row(self) -> None:
        """Count a row that could not be taken apart."""
        self._rows += 1
        self._unreadable += 1

    def end(self, rows: str | None, total: str | None) -> Iterator[Item]:
        """The rules for the whole file, and what the outcome should say of it."""
        self._check_totals(rows, total)
        if self._rows == 0:
            yield NilReturn(row=1, answer=Answer(code="NOTHING_DEDUCTED"))
            return
        self._check_whole()
        deadline = (
            min(
                due_to_be_paid(p.pay_date, self._law.pay_over_day)
                for p in self._periods.values()
                if p.pay_date is not None
            )
            if any(p.pay_date for p in self._periods.values())
            else None
        )
        if deadline is not None and self._now.date() > deadline:
            yield Note(
                code="RECEIVED_LATE",
                message=f"Received after {deadline.isoformat()}, the day by which these "
                "deductions were to be paid over (SI 1992/1989 reg 14(1)).",
            )

    def _period(self, head: tuple[str, ...]) -> _Period:
        employer, frequency, start_text, end_text, pay_text = (cell.strip() for cell in head)
        faults = Faults(0)
        if not _is_employer(employer):
            faults.add(EMPLOYER_NOT_VALID if employer else rules.VALUE_MISSING, "employer_ref")
        known = self._law.frequencies.get(frequency)
        if known is None:
            faults.add(rules.CODE_NOT_KNOWN, "pay_frequency")
        start = date_of(start_text, "period_start", faults)
        end = date_of(end_text, "period_end", faults)
        pay_date = date_of(pay_text, "pay_date", faults)
        if start is not None and end is not None:
            if end < start:
                faults.add(rules.PERIOD_REVERSED, "period_end")
            elif known is not None:
                days = (end - start).days + 1
                if not known.least_days <= days <= known.most_days:
                    faults.add(PERIOD_NOT_OF_FREQUENCY, "period_end")
        name = None if known is None else known.name
        period = _Period(
            employer,
            name,
            0 if known is None else list(self._law.frequencies).index(frequency),
            start,
            end,
            pay_date,
            tuple(faults.found),
            Work(employer_reference=employer),
            Pay(frequency=name, period_start=start, period_end=end, pay_date=pay_date),
        )
        if len(self._periods) > 1_000:
            raise Refused(Reason.FILE_RULE, "The file has more than a thousand periods.")
        self._periods[head] = period
        return period

    def _is_new(self, reference: str, period: _Period) -> bool:
        # 12 digits fit in 40 bits and the day in 22, so the key is exact; 1 keeps it above 0.
        assert period.pay_date is not None
        key = (int(reference) << 22 | period.pay_date.toordinal()) << 2 | period.place
        return self._seen.add(key + 1)

    def _amount(self, text: str) -> int | None:
        if text in self._amounts:
            return self._amounts[text]
        pence = pence_of(text, "", None)
        if len(self._amounts) < 50_000:
            self._amounts[text] = pence
        return pence

    def _reference(self, text: str, faults: Faults) -> str:
        try:
            return identifiers.cms_reference(text)
        except identifiers.IdentifierError:
            faults.add(
                rules.CMS_REFERENCE_NOT_VALID if text.strip() else rules.VALUE_MISSING,
                "employee_cm_ref",
            )
            return ""

    def _nino(self, text: str, faults: Faults) -> str:
        try:
            return identifiers.nino(text)
        except identifiers.IdentifierError:
            faults.add(rules.NINO_NOT_VALID, "nino")
            return ""

    def _charge(self, text: str, faults: Faults) -> int:
        charge = pence_of(text, "admin_charge", faults)
        if charge is not None and charge > self._law.admin_charge_pence:
            faults.add(CHARGE_TOO_HIGH, "admin_charge")
        return charge or 0

    def _explained(self, differs: bool, reason: str, note: str, faults: Faults) -> None:  # noqa: FBT001
        if differs and not reason:
            faults.add(REASON_MISSING, "reason_code")
        elif reason and reason not in self._law.reasons:
            faults.add(rules.CODE_NOT_KNOWN, "reason_code")
        elif reason == "OTHER" and not note.strip():
            faults.add(NOTE_MISSING, "reason_note")

    def _check_totals(self, rows: str | None, total: str | None) -> None:
        if rows is None or total is None:
            raise Refused(
                Reason.FILE_RULE,
                "CONTROL_TOTAL_MISSING: the file does not say its totals.",
                errors=(
                    _file_error(
                        "CONTROL_TOTAL_MISSING",
                        "The control totals are missing.",
                        "End the file with the number of rows and their sum.",
                    ),
                ),
            )
        pence = pence_of(total.strip(), "", None)
        agrees = (
            rows.strip() == str(self._rows)
            and pence is not None
            and (pence == self._pence if not self._unreadable else pence >= self._pence)
        )
        if not agrees:
            raise Refused(
                Reason.FILE_RULE,
                "CONTROL_TOTAL_MISMATCH: the totals are not those of the rows.",
                errors=(
                    _file_error(
                        "CONTROL_TOTAL_MISMATCH",
                        "The control totals are not those of the rows.",
                        "Check that no row was lost, and add the amounts up again.",
                    ),
                ),
            )

    def _check_whole(self) -> None:
        periods = self._periods.values()
        if len({p.employer for p in periods}) > 1:
            raise Refused(
                Reason.FILE_RULE,
                "FILE_MIXES_EMPLOYERS: the rows are of several employers.",
                errors=(
                    _file_error(
                        "FILE_MIXES_EMPLOYERS",
                        "The rows are of several employers.",
                        "Send one file for each employer reference.",
                    ),
                ),
            )
        spans: dict[str | None, set[tuple[dt.date | None, dt.date | None]]] = {}
        for period in periods:
            if not period.faults:
                spans.setdefault(period.frequency, set()).add((period.start, period.end))
        if any(len(span) > 1 for span in spans.values()):
            raise Refused(
                Reason.FILE_RULE,
                "FILE_MERGES_PERIODS: one frequency has several periods.",
                errors=(
                    _file_error(
                        "FILE_MERGES_PERIODS",
                        "One frequency has several periods.",
                        "Send one file for each period of a frequency.",
                    ),
                ),
            )


def _is_employer(text: str) -> bool:
    return (
        0 < len(text) <= 20 and text.isascii() and text.replace("/", "").replace("-", "").isalnum()
    )


def _amount_faults(
    due_text: str,
    due: int | None,
    taken_text: str,
    taken: int | None,
    faults: Faults,
) -> None:
    for text, pence, field in (
        (due_text, due, "ndr_due"),
        (taken_text, taken, "amount_deducted"),
    ):
        if pence is None:
            faults.add(rules.MONEY_NOT_VALID if text.strip() else rules.VALUE_MISSING, field)


def _where(lines: tuple[str, ...], town: str, postcode: str, faults: Faults) -> Where:
    code = None
    if postcode:
        try:
            code = identifiers.postcode(postcode)
        except identifiers.IdentifierError:
            faults.add(rules.POSTCODE_NOT_VALID, "postcode")
    kept = [text_of(line, f"address_{n}", faults) for n, line in enumerate(lines, 1) if line]
    return Where(
        lines=tuple(line for line in kept if line),
        town=text_of(town, "town", faults) if town else None,
        postcode=code,
    )


def _file_error(code: str, message: str, fix: str) -> RowError:
    return RowError(row=0, field="file", code=code, message=message, fix=fix)
