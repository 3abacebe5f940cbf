"""A chart of rows as SVG: bars by quarter, one colour and one word for each kind.

It is to be read without colours, without a mouse and by a screen reader: every bar has its figure
above it, the legend is text, and the description tells every figure in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal
from xml.sax.saxutils import escape

import msgspec

from gateway.consumers.proposal import pounds
from gateway.consumers.statistics.rows import Row, Unit

WIDTH: Final = 860
HEIGHT: Final = 460
# Each has a contrast of 3 to 1 or more with white, and differs from its neighbours in lightness.
COLOURS: Final = (
    "#12436D", "#28A197", "#801650", "#F46A25", "#3D3D3D", "#A285D1", "#5694CA", "#7A5C00",
)  # fmt: skip
_LEFT: Final = 96
_RIGHT: Final = 24
_BOTTOM: Final = 56
_SUBTITLE: Final = 50
_LEGEND_TOP: Final = 66
_LEGEND_LINE: Final = 22
_LINES: Final = 4
_TEXT: Final = "#0B0C0C"
_GRID: Final = "#B1B4B6"
# Above narrower bars figures of several digits are turned.
_NARROW: Final = 48
_FITS: Final = 2
_PENCE_A_POUND: Final = 100
# From where on a figure is shown by a size, to what the smaller one rounds, the size, and its mark.
_SIZES: Final = (
    (10**9, 10**5, 10**9, "bn"), (10**6, 10**2, 10**6, "m"), (10**4, 1, 10**3, "k"),
)  # fmt: skip
_OTHER: Final = "other_kinds"


class _Frame(msgspec.Struct, frozen=True):
    """What is drawn, and how far up the plot goes."""

    quarters: tuple[str, ...]
    kinds: tuple[str, ...]
    values: dict[tuple[str, str], int]
    unit: Unit
    most: int
    top: int

    @property
    def floor(self) -> int:
        return HEIGHT - _BOTTOM

    def height(self, value: int) -> float:
        return (self.floor - self.top) * max(value, 0) / self.most


def as_svg(rows: Sequence[Row], title: str, description: str) -> str:
    """A bar chart of rows of one unit; raises ValueError where there are none, or of two units.

    `description` says what is to be seen; the figures themselves are added to it. Of more kinds than
    there are colours the smallest are shown as one.
    """
    units = {row.unit for row in rows}
    if len(units) != 1:
        raise ValueError("a chart shows rows of one unit")
    kinds, values = _folded(rows)
    legend, below = _legend(kinds)
    frame = _Frame(
        tuple(dict.fromkeys(row.quarter for row in rows)),
        kinds,
        values,
        rows[0].unit,
        _round_up(max(1, *values.values())),
        # Room for the figure above the highest bar.
        below + 44,
    )
    told = "; ".join(
        f"{quarter} {_words(kind)} {_figure(value, frame.unit)}"
        for (quarter, kind), value in values.items()
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-labelledby="title desc" '
        f'font-family="Arial, Helvetica, sans-serif" font-size="14" fill="{_TEXT}">'
    )
    parts = [
        head,
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(description)} {escape(told)}.</desc>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#FFFFFF"/>',
        _text(_LEFT, 28, title, "start", more='font-size="18" font-weight="bold"'),
        _text(_LEFT, _SUBTITLE, description, "start"),
        *legend,
        *_axis(frame),
        *_bars(frame),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _folded(rows: Sequence[Row]) -> tuple[tuple[str, ...], dict[tuple[str, str], int]]:
    """The kinds to be shown, and the value of each in each quarter."""
    totals: dict[str, int] = {}
    for row in rows:
        totals[row.kind] = totals.get(row.kind, 0) + row.value
    shown = set(totals)
    if len(totals) > len(COLOURS):
        ranked = sorted(totals, key=lambda kind: (-totals[kind], kind))
        shown = set(ranked[: len(COLOURS) - 1])
    values: dict[tuple[str, str], int] = {}
    for row in rows:
        place = (row.quarter, row.kind if row.kind in shown else _OTHER)
        values[place] = values.get(place, 0) + row.value
    kinds = tuple(kind for kind in totals if kind in shown)
    return (kinds if len(shown) == len(totals) else (*kinds, _OTHER)), values


def _text(
    x: float,
    y: float,
    words: str,
    anchor: Literal["start", "middle", "end"] = "middle",
    *,
    more: str = "",
) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(words)}</text>'


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _figure(value: int, unit: Unit) -> str:
    return f"£{pounds(value)}" if unit == "pence" else f"{value:,}"


def _short(value: int, unit: Unit) -> str:
    """A figure that fits above a bar: whole pounds, in thousands or millions where it is long."""
    sign = "£" if unit == "pence" else ""
    whole = _half_up(value, _PENCE_A_POUND) if unit == "pence" else value
    for least, shown_by, size, mark in _SIZES:
        # What a smaller size would show as a thousand of it is one of this.
        if _half_up(whole, shown_by) * shown_by >= least:
            tenths = _half_up(whole, size // 10)
            return f"{sign}{tenths // 10}.{tenths % 10}".removesuffix(".0") + mark
    return f"{sign}{whole:,}"


def _half_up(value: int, size: int) -> int:
    """How many of a size there are, to the nearest, a half upwards."""
    return (2 * value + size) // (2 * size)


def _round_up(value: int) -> int:
    """The next of 1, 2, 4, 8 or 10 of its size, so that the lines stand at plain figures."""
    size = int(10 ** (len(str(value)) - 1))
    return next(size * step for step in (1, 2, 4, 8, 10) if size * step >= value)


def _legend(kinds: Sequence[str]) -> tuple[list[str], int]:
    """A colour and a word for each kind, in as many lines as they need; and where it ends."""
    found = []
    x, y = _LEFT, _LEGEND_TOP
    for kind, colour in zip(kinds, COLOURS, strict=False):
        words = _words(kind)
        # About eight units a letter at this size.
        width = 34 + 8 * len(words)
        if x + width > WIDTH - _RIGHT:
            x, y = _LEFT, y + _LEGEND_LINE
        found.append(f'<rect x="{x}" y="{y}" width="14" height="14" fill="{colour}"/>')
        found.append(_text(x + 20, y + 12, words, "start"))
        x += width
    return found, y + 14


def _axis(frame: _Frame) -> list[str]:
    """A line at each plain figure: half of something that is counted, or of a pound, is none."""
    found = []
    whole = _PENCE_A_POUND if frame.unit == "pence" else 1
    for line in range(_LINES + 1):
        value, part = divmod(frame.most * line, _LINES)
        if part or value % whole:
            continue
        y = frame.floor - (frame.floor - frame.top) * line / _LINES
        found.append(
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}" stroke="{_GRID}"/>'
        )
        found.append(_text(_LEFT - 8, y + 5, _short(value, frame.unit), "end"))
    return found


def _bars(frame: _Frame) -> list[str]:
    """The bars of each quarter, then the figures, which no bar may cover."""
    bars, figures = [], []
    step = (WIDTH - _LEFT - _RIGHT) / len(frame.quarters)
    width = step * 0.84 / len(frame.kinds)
    for place, quarter in enumerate(frame.quarters):
        left = _LEFT + step * (place + 0.08)
        figures.append(_text(left + step * 0.42, frame.floor + 24, quarter))
        for number, kind in enumerate(frame.kinds):
            value = frame.values.get((quarter, kind))
            if value is None:
                continue
            height = frame.height(value)
            x, y = left + width * number, frame.floor - height
            bars.append(
                f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{width - 2:.1f}" '
                f'height="{height:.1f}" fill="{COLOURS[number]}"/>'
            )
            figures.append(_above(x + width / 2, y, _short(value, frame.unit), width))
    return bars + figures


def _above(x: float, y: float, words: str, width: float) -> str:
    """A figure above a bar, with a white edge where a line passes; turned above a narrow one.

    One of a digit or two stands as it is: it fits above any bar.
    """
    edge = 'font-size="13" stroke="#FFFFFF" stroke-width="3" paint-order="stroke"'
    if width >= _NARROW or len(words) <= _FITS:
        return _text(x, y - 6, words, more=edge)
    turned = f'{edge} transform="rotate(-90 {x + 5:.1f} {y - 6:.1f})"'
    return _text(x + 5, y - 6, words, "start", more=turned)
