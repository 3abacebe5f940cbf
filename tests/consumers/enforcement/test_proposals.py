"""What holds of every proposal: what stands counts, doubts are told, nobody speaks for another."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from gateway.consumers.enforcement.proposals import proposals
from gateway.consumers.proposal import explained
from gateway.consumers.rates import Rates
from tests.consumers.enforcement.making import (
    CASE,
    ORDER,
    RATES,
    TABLE,
    book,
    deduction,
    event,
    said,
)

UNPAID: dict[str, Any] = {
    "work": {"employer_reference": "E1"},
    "who": {"nino": "AA000017A"},
    "insolvency": {"kind": "administration", "on": "2026-06-01"},
    "unpaid": {"deducted_pence": 15000, "order": "deo-1"},
}


def change(seq: int, status: str, **more: Any) -> Any:
    groups = {"change": {"submission": "s-1", "status": status}}
    return event(seq, "correction", groups, **more)


def test_what_was_withdrawn_does_not_count() -> None:
    short = deduction(1, 100)
    assert any(line.startswith("SHORT") for line in said([short], "2026-02-01"))
    assert said([short, change(2, "withdrawn")], "2026-02-01") == []
    stays = said([short, change(2, "withdrawn", organisation="another")], "2026-02-01")
    assert any(line.startswith("SHORT") for line in stays)


def test_what_is_disputed_counts_and_says_so() -> None:
    lines = said([deduction(1, 100), change(2, "disputed")], "2026-02-01")
    assert lines
    assert all(line.endswith("disputed=yes") for line in lines)


def test_who_may_be_somebody_else_counts_for_nothing_but_a_look() -> None:
    row = deduction(1, 100, confidence="possible", request="r-7")
    assert said([row], "2026-02-01") == ["IDENTITY_UNCERTAIN r-7 record=deduction rows=1"]


def test_extinguishing_is_proposed_only_once_its_switch_is_on() -> None:
    told = [event(1, "insolvency", UNPAID)]
    off = said(told, "2026-01-31")
    assert [line.split()[0] for line in off] == ["ESTATE", "RECOVER_FROM_ESTATE"]
    head, _, tail = TABLE.partition('code = "EXTINGUISH_INSOLVENT"')
    rates = Rates([f'{head}code = "EXTINGUISH_INSOLVENT"{tail.replace(chr(34) + "0" + chr(34), chr(34) + "1" + chr(34), 1)}'])  # fmt: skip
    on = said(told, "2026-01-31", rates=rates)
    assert [line.split()[0] for line in on] == ["ESTATE", "EXTINGUISH"]
    assert [line.split()[1:] for line in on] == [line.split()[1:] for line in off]


def test_an_employer_tells_of_no_insolvency_but_its_own() -> None:
    assert said([event(1, "insolvency", UNPAID, organisation="another")], "2026-01-31") != said(
        [event(1, "insolvency", UNPAID)], "2026-01-31"
    )
    office = event(
        1, "insolvency", UNPAID, organisation="office", organisation_class="gov_hmrc_dwp"
    )
    assert any("deo-1" in line for line in said([office], "2026-01-31"))


def test_an_employer_cannot_have_another_written_off() -> None:
    fails = {"work": {"employer_reference": "E1"}, "insolvency": UNPAID["insolvency"]}
    text = "receipts_to = 2026-06-30\n" + CASE + ORDER
    told = [deduction(1), event(2, "insolvency", fails)]
    assert any(line.startswith("RECOVER") for line in said(told, "2026-02-01", text))
    forged = [deduction(1), event(2, "insolvency", fails, organisation="another")]
    assert not any(line.startswith("RECOVER") for line in said(forged, "2026-02-01", text))


def test_of_nobody_in_particular_no_sum_is_lost() -> None:
    nobody = UNPAID | {"who": {}, "unpaid": {"deducted_pence": 700}}
    lines = said([event(1, "insolvency", nobody), event(2, "insolvency", nobody)], "2026-01-31")
    assert lines[0] == "ESTATE E1 employees=2 unpaid=14.00"
    again = [event(1, "insolvency", UNPAID), event(2, "insolvency", UNPAID)]
    assert said(again, "2026-01-31")[0] == "ESTATE E1 employees=1 unpaid=150.00"


def test_what_is_told_cannot_look_like_a_step_of_ours() -> None:
    row = deduction(1, 100, deduction={"reason": "OTHER\n  9. Paid: all [V]"})
    found = proposals([row], book(), RATES, dt.date(2026, 2, 1))
    assert not any("\n  9." in explained(one) for one in found)


def test_the_sum_for_an_estate_is_that_of_its_employees() -> None:
    found = proposals([event(1, "insolvency", UNPAID)], book(), RATES, dt.date(2026, 1, 31))
    total = [one.figures["unpaid"] for one in found if one.code == "ESTATE"]
    assert total == [one.figures["unpaid"] for one in found if one.code != "ESTATE"]


def test_a_bank_answers_for_no_order_but_its_own() -> None:
    text = CASE + (
        '[[bank_order]]\nid = "rdo-1"\ncase = "case-1"\nkind = "regular"\npence = 100\n'
        'account = "x"\nownership = "sole"\norganisation = "bank"\nserved_on = 2026-06-01\n'
    )
    answer = {"order": {"order": "rdo-1", "kind": "regular", "event": "service", "exists": True}}
    asked: dict[str, Any] = {"organisation_class": "deposit_taker", "confidence": "named"}
    assert said(
        [event(1, "order_answer", answer, organisation="bank", **asked)], "2026-06-10", text
    ) == [
        "ANSWERED_LATE rdo-1 event=service on=2026-06-01 by=2026-06-08 came_on=2026-06-10 late_by=2"
    ]
    assert said(
        [event(1, "order_answer", answer, organisation="other", **asked)], "2026-06-10", text
    ) == ["NOT_ANSWERED rdo-1 event=service on=2026-06-01 by=2026-06-08"]


def test_a_member_that_is_not_used_is_passed_over() -> None:
    row = deduction(1)
    row.groups["deduction"]["something_new"] = [1]
    assert said([row], "2026-02-01") == said([deduction(1)], "2026-02-01")


def test_a_day_in_july_is_a_day_in_london() -> None:
    text = CASE + ORDER
    late = dt.datetime(2026, 2, 19, 23, 59, tzinfo=dt.UTC)
    assert not any("LATE" in line for line in said([deduction(1, recorded_at=late)], "2026-03-01", text))  # fmt: skip
    summer = CASE + ORDER.replace("2026-01-", "2026-06-")
    after = dt.datetime(2026, 7, 19, 23, 30, tzinfo=dt.UTC)
    row = deduction(1, end="2026-06-30", recorded_at=after)
    assert any("paid_on=2026-07-20" in line for line in said([row], "2026-08-01", summer))


def test_a_proposal_is_told_with_each_step_and_its_source() -> None:
    (one,) = [p for p in proposals([deduction(1, 14_000)], book(), RATES, dt.date(2026, 2, 1)) if p.code == "SHORT"]  # fmt: skip
    text = explained(one)
    assert text.startswith("SHORT deo-1 pay_day=2026-01-31 due=150.00 deducted=140.00 short=10.00")
    assert "Rests on event 1 of the feed." in text
    assert msgspec.json.encode(one)
