"""What evidence is written in has one spelling: RFC 8785 and RFC 4648, by other implementations."""

from __future__ import annotations

import base64
import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gateway.judge.strict import Unsound, bytes_from_b64u, canonical_json, json_object

WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)
# Beyond the basic plane the two sort names otherwise; no evidence has such a name.
NAMES = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=5)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | WHOLE | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, VALUES))
def test_canonical_json_is_that_of_rfc_8785(value):
    data = canonical_json(value)
    assert data == rfc8785.dumps(value)
    assert json_object(data) == value


@pytest.mark.parametrize(
    "literal",
    ["1.0", "1e3", "1E400", "-0.0", "NaN", "-Infinity", "9007199254740992", "-9007199254740992",
     "10000000000000000", "9" * 5_000],
)  # fmt: skip
def test_a_number_that_evidence_may_not_hold_is_refused(literal):
    with pytest.raises(Unsound):
        json_object(f'{{"a":[{literal}]}}')


@pytest.mark.parametrize("literal", ["9007199254740991", "-9007199254740991", "100000000000000"])
def test_the_largest_numbers_are_read(literal):
    assert json_object(f'{{"a":{literal}}}') == {"a": int(literal)}


@pytest.mark.parametrize("text", ['{"a":"\\ud800"}', '{"a":{"\\udfff":1}}'])
def test_half_a_character_has_no_canonical_form(text):
    with pytest.raises(Unsound, match="no canonical form"):
        canonical_json(json.loads(text))


@given(st.binary(max_size=70))
def test_base64url_is_read_back(data):
    text = base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert bytes_from_b64u(text) == data
    assert bytes_from_b64u(text, len(data)) == data


@given(st.text("AQgwBCEIMUYckosx048zyZ-_+/=\n ", max_size=12))
def test_one_spelling_of_bytes_passes(text):
    try:
        data = bytes_from_b64u(text)
    except Unsound:
        return
    assert base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text


def test_bytes_of_another_length_are_refused():
    with pytest.raises(Unsound, match="3 bytes instead of 4"):
        bytes_from_b64u("AAAA", 4)
