"""Strict JSON: the named cases, hostile sizes, any value and any bytes."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core.limits import JSON_BYTES
from gateway.core.refusal import Reason, Refused
from gateway.core.strict_json import loads, strict_object
from tests.core.json_cases import ENCODINGS, I_REFUSED, N_CASES, Y_CASES

MARK = "MARKED-VALUE-7431"
SLOW_SECONDS = 2.0


def refused(data: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        loads(data)
    return caught.value


@pytest.mark.parametrize("name", Y_CASES)
def test_y_is_read(name: str):
    data, expected = Y_CASES[name]
    value = loads(data)
    if expected is not ...:
        assert value == expected
        assert type(value) is type(expected)


@pytest.mark.parametrize("name", N_CASES)
def test_n_is_refused(name: str):
    assert refused(N_CASES[name]).reason is Reason.JSON_NOT_WELL_FORMED


@pytest.mark.parametrize("name", I_REFUSED)
def test_i_that_we_refuse(name: str):
    assert refused(I_REFUSED[name]).reason is Reason.JSON_NOT_WELL_FORMED


@pytest.mark.parametrize("name", ENCODINGS)
def test_only_utf_8_without_a_mark_is_read(name: str):
    assert refused(ENCODINGS[name]).reason is Reason.CHARACTER_SET


def test_the_tables_are_as_long_as_they_should_be():
    assert len(N_CASES) >= 120
    assert len(Y_CASES) >= 60


@pytest.mark.parametrize(
    "data",
    [
        f'{{"{MARK}":1,"{MARK}":2}}',
        f'["{MARK}\\u0000"]',
        f'["{MARK}", {MARK}]',
        f'["{MARK}\n"]',
        f'{{"{MARK}":1e999}}',
        f"[{'7431' * 9}]",
        f'"{MARK}\\ud800"',
    ],
)
def test_a_refusal_tells_the_place_and_never_the_value(data: str):
    refusal = refused(data.encode())
    assert MARK not in str(refusal)
    assert "7431" not in str(refusal)
    assert refusal.detail


def test_a_body_that_must_be_an_object():
    assert strict_object(b'{"a":1}') == {"a": 1}
    for data in (b"[]", b"1", b"null", b'"a"', b"true"):
        with pytest.raises(Refused) as caught:
            strict_object(data)
        assert caught.value.reason is Reason.JSON_NOT_VALID


# --- time and size ------------------------------------------------------------------------------

HOSTILE = {
    "digits": lambda n: b"9" * n,
    "digits_minus": lambda n: b"-" + b"9" * n,
    "fraction": lambda n: b"0." + b"9" * n,
    "exponent": lambda n: b"1e" + b"9" * n,
    "zeros_then_exponent": lambda n: b"0." + b"0" * n + b"1e999",
    "escaped_quotes_unclosed": lambda n: b'"' + b'\\"' * (n // 2),
    "escaped_quotes_out_of_step": lambda n: b'"\\' + b'\\"' * (n // 2),
    "backslashes_unclosed": lambda n: b'"' + b"\\" * n,
    "quotes": lambda n: b'"' * (n | 1),
    "quotes_escaped_outside": lambda n: b'\\"' * (n // 2),
    "text_unclosed": lambda n: b'"' + b"a" * n,
    "opening": lambda n: b"[" * n,
    "closing": lambda n: b"]" * n,
    "spaces": lambda n: b" " * n,
    "lines": lambda n: b"\n" * n,
    "escapes_then_nul": lambda n: b'"' + b"\\u0041" * (n // 6) + b'\\u0000"',
    "names": lambda n: b"{" + b",".join(b'"%d":0' % i for i in range(n // 12)) + b',"0":1}',
    "empty_objects": lambda n: b"[" + b"{}," * (n // 3) + b"]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_refused_in_linear_time(name: str):
    def best(size: int) -> float:
        data, spent = HOSTILE[name](size), []
        for _ in range(3):
            began = time.perf_counter()
            refused(data)
            spent.append(time.perf_counter() - began)
        return min(spent)

    # Twice the size costs about twice the time; four times would be the square.
    whole = best(400_000)
    assert whole < max(3.5 * best(200_000), 0.1)
    assert whole < SLOW_SECONDS


def test_a_million_digits_beside_honest_members():
    assert refused(b'{"a":1,"b":' + b"1" * 1_000_000 + b"}").reason is Reason.JSON_NOT_WELL_FORMED


def test_more_bytes_than_allowed_are_not_looked_at():
    refusal = refused(b"[" + b" " * JSON_BYTES + b"]")
    assert refusal.reason is Reason.BODY_TOO_LARGE
    assert loads(b"[" + b" " * (JSON_BYTES - 2) + b"]") == []


# --- any value, any bytes -----------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.decimals(-(10**9), 10**9, places=2)
    | TEXTS
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=30,
)


def written(value: Any, *, ascii_only: bool) -> bytes:
    """json.dumps, but for amounts: they are written digit for digit, never by way of a float."""
    if isinstance(value, Decimal):
        return str(value).encode()
    if isinstance(value, list):
        return b"[" + b", ".join(written(item, ascii_only=ascii_only) for item in value) + b"]"
    if isinstance(value, dict):
        members = (
            written(name, ascii_only=ascii_only) + b":" + written(item, ascii_only=ascii_only)
            for name, item in value.items()
        )
        return b"{" + b",".join(members) + b"}"
    return json.dumps(value, ensure_ascii=ascii_only).encode()


@given(VALUES)
def test_every_value_reads_back_equal(value: Any):
    for ascii_only in (False, True):
        assert loads(written(value, ascii_only=ascii_only)) == value


@given(st.binary(max_size=200))
@example(b'{"a":1e1000000000000000000}')
def test_any_bytes_give_a_value_or_a_refusal(data: bytes):
    try:
        value = loads(data)
    except Refused:
        return
    assert value == json.loads(data, parse_float=Decimal)


@given(st.text(alphabet='[]{}",:\\u0123456789abcdefDE.+-truefalsn \n', max_size=60))
def test_any_tokens_give_what_the_library_gives_or_a_refusal(text: str):
    data = text.encode()
    try:
        value = loads(data)
    except Refused:
        return
    assert value == json.loads(text, parse_float=Decimal)


@given(VALUES, st.data())
def test_a_cut_text_is_refused(value: Any, data: st.DataObject):
    whole = written([value], ascii_only=True)
    refused(whole[: data.draw(st.integers(0, len(whole) - 1))])
