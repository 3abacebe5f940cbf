"""The catalogue: each format is told from the others by its first bytes, whatever these are."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.banks import camt
from adapters.banks.faults import RULES
from adapters.banks.sums import StatementFaults
from adapters.catalogue import every_adapter
from adapters.employers import fps, fps_elements, fps_employee
from gateway.core.record import Note
from gateway.core.rules import Rule
from tests.conftest import ROOT, SAMPLES

HEAD = 4_096
# What a matcher that backtracks could try in more ways than there is time for.
FLOODS = [
    unit * (HEAD // len(unit)) + tail
    for unit in (
        b" ",
        b"\t\n",
        b"<!-- -->",
        b"<?x?>",
        b"<!--",
        b"<a ",
        b"\xef\xbb\xbf",
        b'"',
        b"{",
        b"[",
        b"a,",
        b"a:",
        b"<a:b ",
        b"' ",
        b"<!-- --> ",
        b"\0",
    )
    for tail in (
        b"",
        b"<Schedule xmlns='x'>",
        b"<GovTalkMessage xmlns='x'>",
        b"<",
        b"{",
        b"employee_cm_re",
    )
]
EXPECTED = {
    "bank-answer.xml": "iso20022.auth.002.001.01",
    "bank-answer-soap.xml": "iso20022.auth.002.001.01",
    "fps.xml": "hmrc.fps",
    "open-banking.json": "open-banking.v3.1-v4.0",
    "rti-income.json": "hmrc.rti-income.v1",
    "statement.xml": "iso20022.camt.052-053",
    "schedule.csv": "deduction-schedule.csv.v1",
    "schedule.xml": "deduction-schedule.xml.v1",
}


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Interrupt what does not end."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"it did not end within {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_every_sample_is_recognised_by_exactly_one_format() -> None:
    for path in sorted(path for path in SAMPLES.rglob("*") if path.is_file()):
        head = path.read_bytes()[:HEAD]
        names = [adapter.name for adapter in every_adapter() if adapter.recognises(head)]
        if path.parent == SAMPLES:
            assert names == [EXPECTED[path.name]]
        else:
            assert names == [f"records{path.suffix}.v1"]


@pytest.mark.parametrize("adapter", every_adapter(), ids=lambda adapter: adapter.name)
def test_recognising_ends_soon_on_any_flood(adapter: object) -> None:
    with within(5):
        for flood in FLOODS:
            assert adapter.recognises(flood[:HEAD]) in {True, False}  # type: ignore[attr-defined]


@given(st.binary(max_size=300))
def test_recognising_never_raises(head: bytes) -> None:
    for adapter in every_adapter():
        assert adapter.recognises(head) in {True, False}


def test_names_and_exact_media_types_are_of_one_format_each() -> None:
    adapters = every_adapter()
    assert len({adapter.name for adapter in adapters}) == len(adapters)
    exact = [kind for adapter in adapters for kind in adapter.media_types]
    assert len(set(exact)) == len(exact)


def test_every_code_of_the_sectors_formats_stands_in_the_documents() -> None:
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    codes = StatementFaults.rules.keys() - RULES.keys()
    for module in (camt, fps, fps_elements, fps_employee):
        codes |= {value.code for value in vars(module).values() if isinstance(value, Rule | Note)}
    assert {code for code in codes if f"`{code}`" not in page} == set()
