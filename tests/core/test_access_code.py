"""Access codes: what people make of them on the way from a letter to a keyboard."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.access_code import MOST_WRITTEN_CHARS, fresh_code, plain, tag_of

# Crockford's: every digit, and every letter but I, L, O and U.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MISREAD = {"0": "0Oo", "1": "1IiLl"}
numbers = st.binary(min_size=10, max_size=10)


class Plain:
    """Tags that anybody could make; what is tested is what they are made of."""

    def tag(self, purpose: str, *parts: bytes) -> bytes:
        return hashlib.sha256(b"\0".join((purpose.encode(), *parts))).digest()


TAGS = Plain()


def code_of(number: bytes) -> str:
    return fresh_code(lambda count: number[:count])


def test_a_code_is_sixteen_letters_in_groups_of_four() -> None:
    assert code_of(bytes(10)) == "0000-0000-0000-0000"
    assert code_of(b"\xff" * 10) == "ZZZZ-ZZZZ-ZZZZ-ZZZZ"


@given(numbers, numbers)
def test_every_number_is_a_code_and_no_two_are_the_same(one: bytes, other: bytes) -> None:
    code = code_of(one)
    groups = code.split("-")
    assert [len(group) for group in groups] == [4, 4, 4, 4]
    assert set("".join(groups)) <= set(ALPHABET)
    assert (code == code_of(other)) == (one == other)


@given(numbers, st.data())
def test_a_code_is_read_however_it_was_typed(number: bytes, data: st.DataObject) -> None:
    code = code_of(number)
    typed = ""
    for letter in code.replace("-", ""):
        seen = MISREAD.get(letter, letter + letter.lower())
        typed += data.draw(st.sampled_from(seen)) + data.draw(st.sampled_from(["", "", " ", "-"]))
    assert plain(typed) == plain(code) == code.replace("-", "")
    assert tag_of(typed, TAGS) == tag_of(code, TAGS)


@given(numbers, numbers)
def test_two_codes_have_two_tags(one: bytes, other: bytes) -> None:
    tags = {tag_of(code_of(number), TAGS) for number in (one, other)}
    assert len(tags) == len({one, other})


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "0000-0000-0000-000",
        "0000-0000-0000-00000",
        "0000-0000-0000-000U",
        "0000-0000-0000-000!",
        "0000_0000_0000_0000",
        "0000-0000-0000-000\N{FULLWIDTH DIGIT ZERO}",
        "0000-0000-0000-000\N{LATIN SMALL LETTER DOTLESS I}",
        "0" * 16 + " " * MOST_WRITTEN_CHARS,
    ],
)
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    assert plain(typed) is None


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_code_in_its_one_form_or_none(typed: str) -> None:
    found = plain(typed)
    if found is not None:
        assert plain(found) == found
        assert len(found) == 16
        assert set(found) <= set(ALPHABET)
