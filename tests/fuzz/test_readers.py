"""The short form of fuzzing, in the normal suite: a few hundred bodies for each reader."""

from __future__ import annotations

import random
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import ADAPTERS, bodies, measured, mutated, run, samples_of


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_mutated_samples_are_read_or_refused(name: str) -> None:
    for body in islice(bodies(ADAPTERS[name], random.Random(7)), 150):
        run(ADAPTERS[name], body)


@pytest.mark.parametrize("name", sorted(ADAPTERS))
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), data=st.binary(max_size=200))
def test_any_bytes_behind_or_in_front_of_a_sample_are_read_or_refused(
    name: str, seed: int, data: bytes
) -> None:
    adapter = ADAPTERS[name]
    sample = samples_of(adapter)[0]
    for body in (data, data + sample, sample + data, mutated(sample, random.Random(seed))):
        run(adapter, body)


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_a_long_body_of_brackets_quotes_or_lines_takes_little_memory(name: str) -> None:
    for unit in (b"[", b"{", b'{"a":', b"<a>", b'"', b"a,", b"\n", b"\xff\xfe", b"PK\x03\x04"):
        measured(ADAPTERS[name], unit * (200_000 // len(unit)))


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_every_reader_of_ours_has_a_sample_to_start_from(name: str) -> None:
    if name != "iso20022.auth.001.001.01":
        assert samples_of(ADAPTERS[name]) != [b""]
