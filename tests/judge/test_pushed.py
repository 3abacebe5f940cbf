"""The judge on feeds that are pushed: what cannot have happened, by entries alone."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.judge.pushed import Pushed

ADDED = {"kind": "subscription.added", "id": "s", "consumer": "c", "feed": "f", "after": 0}
STREAM, HOOK = ADDED | {"by": "jetstream", "target": None}, ADDED | {"by": "webhook", "target": "t"}


def went(first: int, last: int, push: str = "p", **changes: Any) -> dict[str, Any]:
    return {"kind": "feed.pushed", "subscription": "s", "push": push, "feed": "f",
            "consumer": "c", "first": first, "last": last} | changes  # fmt: skip


def parked(push: str, first: int, last: int) -> dict[str, Any]:
    return {"kind": "push.parked", "id": push, "subscription": "s", "first": first, "last": last,
            "reason": "GONE"}  # fmt: skip


def act(kind: str, **members: Any) -> dict[str, Any]:
    return {"kind": f"subscription.{kind}", "id": "s"} | members


REPLAYED = {"kind": "push.replayed", "id": "p", "subscription": "s"}


def said(*entries: dict[str, Any], shown: tuple[int, int] = (1, 9)) -> list[str]:
    found: list[str] = []
    pushed = Pushed(lambda where, what: found.append(f"{where}: {what}"))
    pushed.shown("f", "c", "jetstream", *shown)
    for index, entry in enumerate(entries):
        pushed.take(index, entry)
    return found


@pytest.mark.parametrize(
    "entries",
    [
        (STREAM, went(1, 3), went(4, 9)),
        (STREAM, went(1, 3), act("rewound", upto=1), went(2, 9)),
        (HOOK, went(1, 3), act("paused"), act("resumed"), went(4, 30)),
        (
            HOOK,
            parked("p", 1, 3),
            act("disabled"),
            REPLAYED,
            act("resumed"),
            went(1, 3),
            went(4, 5),
        ),
        (HOOK, parked("p", 1, 3), went(4, 5, "q"), REPLAYED, went(1, 3), went(6, 6)),
        (STREAM, parked("p", 1, 3), act("disabled"), REPLAYED, went(1, 3), went(4, 4)),
        (HOOK, act("changed", target="u"), act("removed")),
    ],
)
def test_what_can_have_happened_is_not_spoken_of(entries: tuple[dict[str, Any], ...]) -> None:
    assert said(*entries) == []


@pytest.mark.parametrize(
    "entries",
    [
        (went(1, 3),),
        (STREAM, went(2, 3)),
        (STREAM, went(1, 3), went(3, 4)),
        (STREAM, went(1, 3), went(5, 6)),
        (STREAM, went(1, 10)),
        (HOOK, went(1, 3, feed="g")),
        (HOOK, went(1, 3, consumer="d")),
        (HOOK, REPLAYED),
        (HOOK, parked("p", 1, 3), REPLAYED, went(1, 2)),
        (HOOK, act("removed"), went(1, 3)),
        (HOOK, act("removed"), act("resumed")),
        (STREAM, act("changed", target="t")),
        (HOOK, act("rewound", upto="1")),
        (HOOK, parked("p", 1, "x")),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_have_happened_is_named(entries: tuple[dict[str, Any], ...]) -> None:
    assert any(f"entry {len(entries) - 1}: " in each for each in said(*entries)), said(*entries)
