"""Names and paths of an inbox: one form for each, and no way out of it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.file_name import FileNameError, clean, clean_path
from gateway.core.inbox_path import RESULTS, PathError, is_partial, names_of, path_of, place_of

anything = st.binary(max_size=60) | st.text(max_size=60).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)
tricky = st.lists(
    st.sampled_from(
        ["..", ".", "", "inbox", "req_1", "sub_1", "a.csv", "~", "a.csv.errors.csv", "\0"]
    ),
    max_size=8,
).map(lambda names: "/".join(names).encode())


@given(path=anything | tricky)
def test_a_path_leads_to_one_place_inside_or_nowhere(path: bytes) -> None:
    try:
        names = names_of(path)
        place = place_of(path)
    except PathError:
        return
    assert not {"", ".", ".."} & set(names)
    assert not any("/" in name or "\0" in name for name in names)
    assert place_of(path_of(path)) == place
    if place is not None and place.name is not None:
        assert clean(place.name) == place.name
        assert place.inside
        assert place.folder == "" or place.folder.startswith(("req_", "sub_"))


@given(path=tricky)
def test_going_up_from_the_root_stays_at_the_root(path: bytes) -> None:
    try:
        expected = names_of(path)
    except PathError:
        return
    assert names_of(b"/../../.." + b"/" + path) == expected


@given(name=st.text(max_size=250))
def test_a_clean_name_stays_clean_and_a_file_system_can_hold_it(name: str) -> None:
    try:
        text = clean(name)
    except FileNameError as error:
        assert len(name) < 4 or name not in str(error)  # noqa: PT017 - nothing is repeated
        return
    assert clean(text) == text == unicodedata.normalize("NFC", text)
    assert text.isprintable()
    assert all(len((text + ending).encode()) <= 255 for ending in RESULTS)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", "a\0b", "\u202e", " a", "a\n", "x" * 201]
)
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(FileNameError):
        clean(name)


def test_a_path_goes_down_so_far_and_no_further() -> None:
    assert clean_path("a/b", 2) == "a/b"
    with pytest.raises(FileNameError):
        clean_path("a/b/c", 2)


def test_results_and_unfinished_names_are_known_by_their_endings() -> None:
    place = place_of(b"/inbox/req_1/a.csv.tlog-proof")
    assert place is not None
    assert (place.folder, place.name, place.result) == ("req_1", "a.csv", ".tlog-proof")
    assert is_partial("a.PART")
    assert not is_partial("part.csv")
