"""A deduction-from-earnings payment schedule, whatever its syntax: one row, and the whole file.

The syntax readers hand over a row as texts, empty where there is nothing, in the order and parts of
`adapters.employers.columns`. Rules for one row refuse that row; rules for the whole file refuse the
file, and look only at the rows that were accepted:

    one employer                 FILE_MIXES_EMPLOYERS
    one period per frequency     FILE_MERGES_PERIODS
    control totals, of all rows  CONTROL_TOTAL_MISSING, CONTROL_TOTAL_MISMATCH

Sources: SI 1992/1989 regs 8 to 16; the payroll requirements of 2012 for upload to employer
self-service (12-digit employee reference, reason where the amount differs, no merged periods).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from adapters.employers.columns import BARE, HEAD, RARE, USUAL, Head, Rare, Usual
from adapters.employers.law import schedule_law
from adapters.employers.period import Fault, Period, period_of
from adapters.employers.row_faults import faults_of, unexplained
from adapters.employers.spelled import Spelled
from adapters.syntax.values import TEXT_CHARS, are_texts, day_of, pence_of, total_pence_of
from gateway.core import identifiers, rules
from gateway.core.adapter import ReadContext
from gateway.core.groups.person import Answer, Where, Who
from gateway.core.groups.work import Deducted, Pay, Work
from gateway.core.identifiers import IdentifierError
from gateway.core.key_table import KeyTable
from gateway.core.record import Item, Note, RowError
from gateway.core.records import Deduction, NilReturn
from gateway.core.refusal import Reason, Refused
from gateway.core.rules import Rule

CONTROL_TOTAL_MISSING: Final = Rule(
    "CONTROL_TOTAL_MISSING",
    "The control totals are missing.",
    "End the file with the number of rows and their sum.",
)
CONTROL_TOTAL_MISMATCH: Final = Rule(
    "CONTROL_TOTAL_MISMATCH",
    "The control totals are not those of the rows.",
    "Check that no row was lost, and add the amounts up again.",
)
FILE_MIXES_EMPLOYERS: Final = Rule(
    "FILE_MIXES_EMPLOYERS",
    "The rows are of several employers.",
    "Send one file for each employer reference.",
)
FILE_MERGES_PERIODS: Final = Rule(
    "FILE_MERGES_PERIODS",
    "One frequency has several periods.",
    "Send one file for each period of a frequency.",
)

# Errors told of one row; beyond them it is another kind of file.
ROW_FAULTS_TOLD: Final = 20

# Pay-days and frequencies of one employer in one file; real files have a handful.
PERIODS: Final = 1_000


class Schedule:
    """Judges the rows of one file and keeps what the rules for the whole file need."""

    def __init__(self, context: ReadContext, spelled: Spelled | None = None) -> None:
        self._now = context.now
        self._spelled = Spelled() if spelled is None else spelled
        self._law = schedule_law()
        self._head: Head = ()
        self._period: Period | None = None
        self._head_faults: tuple[Fault, ...] = ()
        self._periods: dict[Head, Period] = {}
        self._pay_days: dict[dt.date, int] = {}
        self._charge_text = ""
        self._charge: int | None = 0
        self._seen = KeyTable()
        self._rows = 0
        self._pence = 0
        self._unreadable = 0

    def row(
        self,
        number: int,
        head: Head,
        usual: Usual,
        rare: Rare,
    ) -> Deduction | list[RowError]:
        """One row: its record, or its errors.

        It runs a million times for a large file. So it takes canonical cells only; a row that has
        others is made canonical and tried again, and if that changes nothing, it is wrong.
        """
        if head != self._head:
            self._turn_to(head)
        period = self._period
        reference, surname, due_text, taken_text, nino, forename, payroll, net, charge_text = usual
        taken = pence_of(taken_text)
        due = taken if due_text == taken_text else pence_of(due_text)
        net_pence = pence_of(net) if net else -1
        # Most rows have the charge of the row before.
        if charge_text != self._charge_text:
            self._charge_text = charge_text
            self._charge = pence_of(charge_text) if charge_text else 0
        charge = self._charge
        family, given, staff = surname.strip(), forename.strip(), payroll.strip()
        texts = family + given + staff
        if (
            period is None
            or taken is None
            or due is None
            or net_pence is None
            or charge is None
            or charge > period.charge_limit_pence
            or not family
            or (
                (len(texts) > TEXT_CHARS or not texts.isprintable())
                and not are_texts(family, given, staff)
            )
            or not (len(reference) == 12 and reference.isascii() and reference.isdigit())
            or (nino and not _is_canonical(nino, identifiers.nino))
        ):
            return self._again(number, head, usual, rare)
        if rare == BARE and due == taken:
            deducted, work, where = _taken(period, due, taken, charge), period.work, None
        else:
            rest = self._rest(period, due, taken, charge, rare)
            if rest is None:
                return self._again(number, head, usual, rare)
            deducted, work, where = rest
        self._rows += 1
        self._pence += taken
        # 12 digits fit in 40 bits and the number of a pay-day in 10.
        if not self._seen.add(int(reference) << 10 | period.place):
            return [rules.DUPLICATE_ROW.broken(number, "employee_cm_ref")]
        period.stands = True
        return Deduction(
            row=number,
            who=Who(
                surname=family,
                forenames=given or None,
                nino=nino or None,
                cms_reference=reference,
                payroll_number=staff or None,
            ),
            work=work,
            pay=period.pay if net_pence < 0 else _pay(period, net_pence),
            where=where,
            deduction=deducted,
            case=period.case,
        )

    def unreadable_row(self) -> None:
        """Count a row that could not be taken apart."""
        self._rows += 1
        self._unreadable += 1

    def end(self, rows: str | None, total: str | None) -> Iterator[Item]:
        """The rules for the whole file, and what the outcome should say of it.

        `rows` and `total` are the control totals as sent. Raises Refused(FILE_RULE).
        """
        self._check_totals(rows, total)
        if self._rows == 0:
            yield NilReturn(row=1, answer=Answer(code="NOTHING_DEDUCTED"))
            return
        standing = [period for period in self._periods.values() if period.stands]
        _check_whole(standing)
        deadlines = [self._law.due_to_be_paid(period.pay_date) for period in standing]
        deadline = min((day for day in deadlines if day is not None), default=None)
        if deadline is not None and self._now.date() > deadline:
            yield Note(
                code="RECEIVED_LATE",
                message=f"Received after {deadline.isoformat()}, the day by which these "
                "deductions were to be paid over (SI 1992/1989 reg 14(1)).",
            )

    def _turn_to(self, head: Head) -> None:
        """Make the period of these cells the one that `row` sees."""
        self._head = head
        known = self._periods.get(head)
        self._head_faults = ()
        if known is None:
            cells = self._spelled.canonical(map(str.strip, head), HEAD)
            known, faults = period_of(cells, self._law)
            self._head_faults = self._told(faults, dict(zip(HEAD, cells, strict=True)))
            if known is not None:
                if len(self._periods) == PERIODS:
                    raise Refused(Reason.FILE_RULE, f"The file has more than {PERIODS} periods.")
                known.place = self._pay_days.setdefault(known.pay_date, len(self._pay_days))
                self._periods[head] = known
        self._period = known

    def _rest(
        self,
        period: Period,
        due: int,
        taken: int,
        charge: int,
        rare: Rare,
    ) -> tuple[Deducted, Work, Where | None] | None:
        """The groups of a row with more than the usual cells, or nothing where they are wrong."""
        reason, note, left, reference, method, paid, *address, postcode = rare
        told, reference_told, method_told, *lines = texts = tuple(
            map(str.strip, (note, reference, method, *address))
        )
        left_on = day_of(left) if left else None
        paid_on = day_of(paid) if paid else None
        if (
            not are_texts(*texts)
            or (left and left_on is None)
            or (paid and paid_on is None)
            or unexplained(due != taken, reason, told, self._law)
            or (postcode and not _is_canonical(postcode, identifiers.postcode))
        ):
            return None
        where = None
        if postcode or any(lines):
            where = Where(
                lines=tuple(line for line in lines[:3] if line),
                town=lines[3] or None,
                postcode=postcode or None,
            )
        deducted = Deducted(
            due_pence=due,
            deducted_pence=taken,
            deducted_on=period.pay_date,
            charge_pence=charge,
            reason=reason or None,
            note=told or None,
            payment_reference=reference_told or None,
            payment_method=method_told or None,
            payment_date=paid_on,
        )
        work = period.work
        if left_on is not None:
            work = Work(employer_reference=period.employer, leave_date=left_on)
        return deducted, work, where

    def _again(
        self, number: int, head: Head, usual: Usual, rare: Rare
    ) -> Deduction | list[RowError]:
        """Try a row again with its cells in canonical form; if they are, say what is wrong."""
        plain = self._spelled.canonical(map(str.strip, usual), USUAL)
        reference, surname, due, taken, nino, *others = plain
        clean_usual = (
            _canonical(reference, identifiers.cms_reference),
            *(surname, due, taken),
            _canonical(nino, identifiers.nino),
            *others,
        )
        *most, postcode = self._spelled.canonical(map(str.strip, rare), RARE)
        clean_rare = (*most, _canonical(postcode, identifiers.postcode))
        if clean_usual != usual or clean_rare != rare:
            return self.row(number, head, clean_usual, clean_rare)
        self._rows += 1
        pence = pence_of(taken)
        if pence is None:
            self._unreadable += 1
        else:
            self._pence += pence
        faults: dict[str, Rule] = {}
        limit = None if self._period is None else self._period.charge_limit_pence
        cells = dict(zip((*USUAL, *RARE), (*usual, *rare), strict=True))
        found = self._told(faults_of(usual, rare, limit, self._law), cells)
        for rule, field in (*self._head_faults, *found):
            faults.setdefault(field, rule)
        assert faults, "a row was turned down that breaks no rule"
        told = list(faults.items())[:ROW_FAULTS_TOLD]
        return [rule.broken(number, field) for field, rule in told]

    def _told(self, faults: Iterable[Fault], cells: dict[str, str]) -> tuple[Fault, ...]:
        """The same faults, and of each cell with two readings that it has them."""
        spelled = self._spelled
        return tuple((spelled.rule(rule, cells[name], name), name) for rule, name in faults)

    def _check_totals(self, rows: str | None, total: str | None) -> None:
        if not (rows and rows.strip() and total and total.strip()):
            raise _refused(CONTROL_TOTAL_MISSING)
        count, sum_text = rows.strip(), total.strip()
        pence = total_pence_of(sum_text)
        if pence is None:
            pence = total_pence_of(self._spelled.total(sum_text))
        agrees = (
            count == str(self._rows)
            and pence is not None
            and (pence == self._pence if not self._unreadable else pence >= self._pence)
        )
        if not agrees:
            raise _refused(CONTROL_TOTAL_MISMATCH)


def _check_whole(standing: list[Period]) -> None:
    if len({period.employer for period in standing}) > 1:
        raise _refused(FILE_MIXES_EMPLOYERS)
    spans = {(period.frequency, period.start, period.end) for period in standing}
    if len(spans) > len({frequency for frequency, _, _ in spans}):
        raise _refused(FILE_MERGES_PERIODS)


def _taken(period: Period, due: int, taken: int, charge: int) -> Deducted:
    return Deducted(
        due_pence=due, deducted_pence=taken, deducted_on=period.pay_date, charge_pence=charge
    )


def _pay(period: Period, net_pence: int) -> Pay:
    return Pay(
        frequency=period.frequency,
        period_start=period.start,
        period_end=period.end,
        pay_date=period.pay_date,
        net_pence=net_pence,
    )


def _is_canonical(text: str, canonical: Callable[[str], str]) -> bool:
    try:
        return canonical(text) == text
    except IdentifierError:
        return False


def _canonical(text: str, canonical: Callable[[str], str]) -> str:
    """The canonical form of an identifier, or the text itself where it is none."""
    try:
        return canonical(text) if text else ""
    except IdentifierError:
        return text


def _refused(rule: Rule) -> Refused:
    error = RowError(row=0, field="file", code=rule.code, message=rule.message, fix=rule.fix)
    return Refused(Reason.FILE_RULE, f"{rule.code}: {rule.message}", errors=(error,))
