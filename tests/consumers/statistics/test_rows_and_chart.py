"""A table that no spreadsheet runs, and a chart that is read without seeing it."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.consumers.statistics.chart import COLOURS, HEIGHT, WIDTH, as_svg
from gateway.consumers.statistics.rows import HEADER, Row, as_csv

SVG = "{http://www.w3.org/2000/svg}"
words = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=20)
anyrow = st.builds(
    Row, measure=words, quarter=words, kind=words,
    value=st.integers(0, 10**13), unit=st.sampled_from(["pence", "count"]),
)  # fmt: skip


def row(kind: str, value: int, quarter: str = "2026-Q2", unit: str = "count") -> Row:
    assert unit in {"pence", "count"}
    return Row(measure="m", quarter=quarter, kind=kind, value=value,
               unit="pence" if unit == "pence" else "count")  # fmt: skip


@given(st.lists(anyrow))
def test_a_table_is_read_back_and_holds_no_formula(rows: list[Row]) -> None:
    header, *told = csv.reader(io.StringIO(as_csv(rows), newline=""))
    assert tuple(header) == HEADER
    assert len(told) == len(rows)
    for one, cells in zip(rows, told, strict=True):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
        assert cells[2] in {one.kind, f"'{one.kind}"}
        assert cells[4] == ("pounds" if one.unit == "pence" else "count")


def test_money_is_in_pounds_with_two_decimals() -> None:
    assert as_csv([row("direct_pay", 123450, unit="pence")]) == (
        "measure,quarter,kind,value,unit\r\nm,2026-Q2,direct_pay,1234.50,pounds\r\n"
    )


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'x"])
def test_what_looks_like_a_formula_has_an_apostrophe(text: str) -> None:
    assert as_csv([row(text, 1)]).splitlines()[1].split(",")[2].strip('"') == f"'{text}"


@given(
    st.lists(st.tuples(words, st.integers(0, 10**13)), min_size=1, max_size=14),
    words, words, st.sampled_from(["pence", "count"]),
)  # fmt: skip
def test_a_chart_is_well_formed_and_tells_every_figure(
    parts: list[tuple[str, int]], title: str, description: str, unit: str
) -> None:
    rows = [row(f"{number} {kind}", value, unit=unit) for number, (kind, value) in enumerate(parts)]
    tree = etree.fromstring(as_svg(rows, title, description).encode())
    assert tree.get("role") == "img"
    named = (tree.get("aria-labelledby") or "").split()
    assert [tree.find(f"{SVG}{name}[@id='{name}']") is not None for name in named] == [True, True]
    told = tree.findtext(f"{SVG}desc") or ""
    if len(parts) <= len(COLOURS):
        assert all(one.kind.replace("_", " ") in told for one in rows)
    for bar in tree.findall(f"{SVG}rect")[1:]:
        box = [float(bar.get(name) or "nan") for name in ("x", "y", "width", "height")]
        assert box[0] >= 0
        assert box[1] >= 0
        assert box[0] + box[2] <= WIDTH
        assert box[1] + box[3] <= HEIGHT


def test_a_bar_is_as_high_as_its_figure() -> None:
    tree = etree.fromstring(as_svg([row("a", 50), row("b", 100)], "t", "d").encode())
    low, high = [float(bar.get("height") or "0") for bar in tree.findall(f"{SVG}rect")[3:]]
    assert high == pytest.approx(2 * low, abs=0.2)


def drawn(*rows: Row) -> list[str]:
    tree = etree.fromstring(as_svg(rows, "t", "What it shows.").encode())
    return [text.text or "" for text in tree.findall(f"{SVG}text")]


@pytest.mark.parametrize(
    ("pence", "shown"),
    [
        (97_796, "£978"), (97_750, "£978"), (97_749, "£977"), (999_949, "£9,999"),
        (999_950, "£10k"), (1_004_999, "£10k"), (1_005_000, "£10.1k"), (99_999_999, "£1m"),
    ],
)  # fmt: skip
def test_an_amount_is_rounded_a_half_upwards(pence: int, shown: str) -> None:
    assert shown in drawn(row("a", pence, unit="pence"))


@pytest.mark.parametrize(("most", "lines"), [(1, 2), (2, 3), (4, 5), (8, 5)])
def test_lines_stand_at_whole_figures_alone(most: int, lines: int) -> None:
    tree = etree.fromstring(as_svg([row("a", most)], "t", "d").encode())
    assert len(tree.findall(f"{SVG}line")) == lines
    ends = [text for text in tree.findall(f"{SVG}text") if text.get("text-anchor") == "end"]
    assert len(ends) == lines


def test_what_is_shown_stands_under_the_title() -> None:
    assert drawn(row("a", 1))[:2] == ["t", "What it shows."]


def test_short_figures_are_not_turned_above_narrow_bars() -> None:
    rows = [row(f"kind {number}", 7, f"2026-Q{q}") for number in range(8) for q in range(1, 5)]
    assert "rotate" not in as_svg(rows, "t", "d")
    assert "rotate" in as_svg([*rows[1:], row("kind 0", 123)], "t", "d")


def test_more_kinds_than_colours_are_folded_into_one() -> None:
    rows = [row(f"kind_{number:02}", number) for number in range(12)]
    text = as_svg(rows, "t", "d")
    assert f"other kinds {sum(range(5))}" in text
    assert "kind 11 11" in text
    assert "kind 00" not in text


def test_a_chart_is_of_one_unit() -> None:
    with pytest.raises(ValueError, match="one unit"):
        as_svg([row("a", 1), row("b", 1, unit="pence")], "t", "d")
    with pytest.raises(ValueError, match="one unit"):
        as_svg([], "t", "d")


def light(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_stands_out_from_white(colour: str) -> None:
    """WCAG 2.2, 1.4.11: graphics need a contrast of 3 to 1."""
    assert 1.05 / (light(colour) + 0.05) >= 3
