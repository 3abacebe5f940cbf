"""Which accounts a deduction order may reach, by whose they are and what they are for.

Whether an account is used for a business is for the Secretary of State to decide (SI 1992/1989 reg
25X(2)); what a deposit taker calls it is where an officer begins.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from gateway.consumers.enforcement.book import BankOrder, Case
from gateway.consumers.enforcement.matter import Law, Matter, fact
from gateway.consumers.enforcement.told import Account, AccountRow, Told, on_one_line
from gateway.consumers.proposal import Proposal, Step, day, pounds, sterling

# Of more than one holder: each is given notice, and time to represent.
SHARED: Final = frozenset({"joint", "partnership_england_wales"})


def proposed(matter: Matter) -> Iterator[Proposal]:
    """For each account that was told of a case with something to collect: within reach, or why not."""
    for one in matter.told("account", AccountRow):
        for case in matter.cases_of(one.said.who, one.said.case):
            if _collects(case, matter.today):
                yield _account(matter, case, one)
    for order in matter.book.bank_order:
        if order.made_on is not None and not reaches(matter.law, order.ownership, order.made_on):
            yield _order(matter, order, order.made_on)


def reaches(law: Law, ownership: str, on: dt.date) -> bool:
    """Whether an order made on a day may reach an account of a kind."""
    return law.allows(_code(ownership), on)


def _code(ownership: str) -> str:
    return f"REACH_{ownership.upper()}"


def _collects(case: Case, today: dt.date) -> bool:
    return case.arrears_pence > 0 or _is_ongoing(case, today)


def _is_ongoing(case: Case, today: dt.date) -> bool:
    return case.maintenance_until is None or case.maintenance_until >= today


def _use(account: Account) -> str | None:
    """Whose the account is for the law.

    One that is for a business, and not told to be a sole trader's or a partnership's, is of other use.
    """
    if account.ownership in {"sole", "joint"} and "business" in (account.kind or "").lower():
        return "other"
    return account.ownership


def _account(matter: Matter, case: Case, one: Told[AccountRow]) -> Proposal:
    account = one.said.account
    use = _use(account)
    figures = {"account": account.label(), "ownership": account.ownership or "not_told"}
    barred = _barred(account, use, matter.today)
    if barred is not None:
        code, why, how = barred
        figures["why"] = why
        steps = [fact("Not to be reached as it stands", why, how)]
    elif reaches(matter.law, use or "", matter.today):
        code = "ACCOUNT_WITHIN_REACH"
        steps = [_reach(matter, use or "", matter.today)]
        steps += _what_may_be_ordered(matter, case, use or "", figures)
    else:
        code = "ACCOUNT_OUT_OF_REACH"
        figures["why"] = use or ""
        line = matter.law.line(_code(use or ""), matter.today)
        how = "No line of the law lets an order reach it on this day."
        steps = (
            [_reach(matter, use or "", matter.today)]
            if line
            else [fact("Not reached on this day", day(matter.today), how)]
        )
    return Proposal(
        code=code,
        about=case.reference,
        figures=figures,
        steps=tuple(steps),
        evidence=(one.seq,),
    )


def _barred(account: Account, use: str | None, today: dt.date) -> tuple[str, str, str] | None:
    if account.closed is not None and account.closed <= today:
        return "ACCOUNT_OUT_OF_REACH", "closed", f"It was closed on {day(account.closed)}."
    if account.role is not None and "holder" not in account.role.lower():
        return (
            "ACCOUNT_OUT_OF_REACH",
            "not_holder",
            f"The person is its {on_one_line(account.role)}.",
        )
    if account.role_to is not None and account.role_to < today:
        return "ACCOUNT_OUT_OF_REACH", "not_holder", f"Holder until {day(account.role_to)}."
    if use is None:
        return "ACCOUNT_UNCLEAR", "ownership", "Ask the deposit taker whose account it is."
    return None


def _reach(matter: Matter, use: str, on: dt.date) -> Step:
    rate = matter.law.rates.at(_code(use), on)
    what = "Within reach" if rate.value == 1 else "Out of reach"
    return matter.law.step(
        _code(use), on, what, f"since {day(rate.in_force)}", f"{rate.title}, as told."
    )


def _what_may_be_ordered(
    matter: Matter, case: Case, use: str, figures: dict[str, str]
) -> Iterator[Step]:
    """What an order could take: weekly at most so much, and all the arrears as a lump sum."""
    law, today = matter.law, matter.today
    most = ceiling(matter, case)
    figures["weekly_most"] = "not_known" if most is None else pounds(most)
    lump_sum = sterling(case.arrears_pence) if case.arrears_pence else "no"
    figures["lump_sum"] = pounds(case.arrears_pence) if case.arrears_pence else "no"
    figures["notice"] = "joint" if use in SHARED else "none"
    yield ceiling_step(matter, case, most)
    yield law.step(
        "RDO_MINIMUM_KNOWN", today, "Left in the account", "not known",
        "The regulations leave a minimum amount in the account; how much is not in these tables.",
    )  # fmt: skip
    yield Step(
        what="As a lump sum", value=lump_sum, citation="CSA 1991 s32E", confidence="V",
        how="A lump sum order is for arrears only: first an interim order, then a final one.",
    )  # fmt: skip
    if use in SHARED:
        days = law.number("RDO_REPRESENTATIONS", today)
        yield law.step(
            "RDO_REPRESENTATIONS", today, "Notice to every holder", f"{days} days",
            "Before an order is made each holder is told why and may represent.",
        )  # fmt: skip


def ceiling(matter: Matter, case: Case) -> int | None:
    """The most that a regular order may take a week, in pence; None where income is not known."""
    if case.is_default:
        return matter.law.number("RDO_CEILING_DEFAULT", matter.today)
    if case.gross_weekly_income_pence is None:
        return None
    # A part of a penny is not taken.
    share = matter.law.number("RDO_CEILING", matter.today)
    return case.gross_weekly_income_pence * share // 100


def ceiling_step(matter: Matter, case: Case, most: int | None) -> Step:
    """The step of that ceiling."""
    value = "not known" if most is None else f"{sterling(most)} a week"
    if case.is_default:
        return matter.law.step("RDO_CEILING_DEFAULT", matter.today, "At most", value,
                               "The maintenance rests on a default decision.")  # fmt: skip
    share = matter.law.number("RDO_CEILING", matter.today)
    income = case.gross_weekly_income_pence
    words = "The book has no income." if income is None else f"It was {sterling(income)}."
    return matter.law.step("RDO_CEILING", matter.today, "At most", value,
                           f"{share}% of gross weekly income at the calculation date. {words}")  # fmt: skip


def _order(matter: Matter, order: BankOrder, made_on: dt.date) -> Proposal:
    """An order that was made on an account that it could not reach."""
    line = matter.law.line(_code(order.ownership), made_on)
    later = matter.law.line(_code(order.ownership), matter.today)
    steps = []
    if line is not None:
        steps = [_reach(matter, order.ownership, made_on)]
    elif later is not None and later.value == 1:
        steps = [
            matter.law.step(
                later.code, matter.today, "Not yet within reach", day(made_on),
                f"Such accounts are within reach of orders made from {day(later.in_force)}.",
            )
        ]  # fmt: skip
    return Proposal(
        code="ORDER_OUT_OF_REACH",
        about=order.id,
        figures={"made_on": day(made_on), "ownership": order.ownership},
        steps=(*steps, fact("To be discharged", order.id, "An officer looks at it at once.")),
    )
