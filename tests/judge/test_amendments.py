"""Amendments in a ledger: what can be, and what is named although it is signed."""

from __future__ import annotations

import json

import pytest

from tests.judge import build
from tests.judge.test_ledger import verdict_on


def amended(**changed):
    entry = {
        "v": 1,
        "kind": "submission.amended",
        "time": build.instant(11),
        "submission": "sub-1",
        "by": "sub-2",
        "how": "completes",
        "open": 0,
    }
    return build.canonical(entry | changed)


LEDGER = build.small_ledger()
# It stands behind the entries of the submission that amends, before anything else.
WITH = [*LEDGER[:10], amended(), build.delivered(4, 5, 12)]


def test_a_submission_may_complete_an_earlier_one(tmp_path):
    assert verdict_on(tmp_path, WITH).ok
    assert verdict_on(tmp_path, [*WITH[:10], amended(how="disputed", open=None), *WITH[11:]]).ok


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (amended(by="sub-1"), "amends itself"),
        (amended(by="sub-9"), "does not follow"),
        (amended(open=-1), "open"),
        (amended(extra=1), "unknown field"),
        (amended(how=""), "how"),
        (build.canonical({k: v for k, v in json.loads(amended()).items() if k != "open"}), "open"),
    ],
    ids=range(6),
)
def test_an_amendment_that_cannot_be_is_named(tmp_path, entry, expected):
    verdict = verdict_on(tmp_path, [*WITH[:10], entry, *WITH[11:]])
    found = [str(each) for each in verdict.findings if each.where == "entry 10"]
    assert any(expected in text for text in found), verdict.findings
