"""The inbox: each event once, whole up to where it reaches, the same whatever comes when."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import multiprocessing
import os
import random
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.client.events import Event, FeedPage
from gateway.consumers.inbox import AlteredError, Inbox, InboxError, digest_of
from gateway.consumers.plausible import implausible

KEY = bytes(range(32))
SOURCE = "https://gateway.test/v1/feeds/tracing"


def line(kind: str, data: dict[str, object], **more: str) -> bytes:
    head = {"specversion": "1.0", "type": f"uk.gov.childmaintenance.{kind}.v1", "source": SOURCE}
    return json.dumps(head | {"id": "x"} | more | {"data": data}).encode()


def page(first: int, count: int, *, name: str = "Marsh", confidence: str = "unasked") -> FeedPage:
    said = {
        "subject": "sub_1", "time": "2026-11-22T21:30:00.123456Z", "organisation": "bakery",
        "organisationclass": "employer", "ledgerentry": "7",
    }  # fmt: skip
    lines = [line("feed.block", {"submission": "sub_1", "format": "csv"}, **said)]
    for seq in range(first, first + count):
        record = {
            "seq": seq, "leaf": seq, "row": seq, "submission": "sub_1", "type": "identity",
            "purposes": ["IDENTIFY_TRACE"], "withheld": {},
            "groups": {"who": {"salt": "x", "value": {"surname": f"{name} {seq}"}}},
        }  # fmt: skip
        lines.append(
            line("record.identity", record, **said, confidence=confidence, purpose="IDENTIFY_TRACE")
        )
    lines.append(line("feed.page", {"next": f"c{first + count - 1}"}))
    last = f"c{first + count - 1}"
    return FeedPage(tuple(lines), {"Signature": "s"}, "tracing", first, last, count, more=False)


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with Inbox(tmp_path / "inbox.sqlite", "tracing", KEY, os.urandom) as opened:
        yield opened


def test_it_reaches_as_far_as_it_is_whole(inbox: Inbox) -> None:
    assert (inbox.reach, inbox.cursor) == (0, None)
    assert inbox.take(page(4, 3)) == 3
    assert (inbox.reach, inbox.cursor, list(inbox.events())) == (0, None, [])
    assert inbox.take(page(1, 3)) == 3
    assert (inbox.reach, inbox.cursor, inbox.upto) == (6, "c6", 6)
    assert [event.seq for event in inbox.events()] == [1, 2, 3, 4, 5, 6]


def test_a_page_that_comes_again_changes_nothing(inbox: Inbox) -> None:
    inbox.take(page(1, 3))
    before = digest_of(list(inbox.events()))
    assert inbox.take(page(1, 3)) == 0
    assert inbox.take(page(2, 1)) == 0
    assert digest_of(list(inbox.events())) == before


def test_a_page_of_another_cut_lets_it_go_on_from_anywhere_whole(inbox: Inbox) -> None:
    inbox.take(page(1, 5))
    inbox.take(page(4, 4))
    assert (inbox.reach, inbox.cursor) == (7, "c7")


def test_what_is_not_what_it_was_is_not_taken(inbox: Inbox) -> None:
    inbox.take(page(1, 3))
    with pytest.raises(AlteredError, match="Record 2 of tracing"):
        inbox.take(page(2, 4, name="Other"))
    assert inbox.reach == 3, "nothing of the page was kept"


def test_a_page_of_another_feed_is_not_taken(inbox: Inbox) -> None:
    """A broker could put a genuine page of one feed into the stream of another."""
    with pytest.raises(InboxError, match="of calculation, and this is the inbox of tracing"):
        inbox.take(msgspec.structs.replace(page(1, 3), feed="calculation"))
    assert inbox.reach == 0
    inbox.take(page(1, 3))


def test_how_it_is_tied_to_a_request_may_be_found_out_later(inbox: Inbox) -> None:
    inbox.take(page(1, 2))
    inbox.take(page(1, 2, confidence="matched"))
    assert {event.confidence for event in inbox.events()} == {"matched"}


def test_it_opens_with_its_own_key_and_for_its_own_feed(tmp_path: Path) -> None:
    path = tmp_path / "inbox.sqlite"
    with Inbox(path, "tracing", KEY, os.urandom) as inbox:
        inbox.take(page(1, 1))
    with pytest.raises(InboxError, match="not its key"):
        Inbox(path, "tracing", bytes(32), os.urandom)
    with pytest.raises(InboxError, match="the inbox of tracing"):
        Inbox(path, "calculation", KEY, os.urandom)
    with Inbox(path, "tracing", KEY, os.urandom) as inbox:
        assert inbox.reach == 1


def test_nothing_of_a_person_lies_in_the_clear(tmp_path: Path) -> None:
    with Inbox(tmp_path / "inbox.sqlite", "tracing", KEY, os.urandom) as inbox:
        inbox.take(page(1, 50, name="Canary"))
        found = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert b"Canary" not in found
        assert next(inbox.events()).groups["who"]["surname"] == "Canary 1"
    assert (tmp_path / "inbox.sqlite").stat().st_mode & 0o077 == 0


def test_an_event_that_was_exchanged_does_not_open(tmp_path: Path) -> None:
    path = tmp_path / "inbox.sqlite"
    with Inbox(path, "tracing", KEY, os.urandom) as inbox:
        inbox.take(page(1, 3))
    with sqlite3.connect(path) as db:
        db.execute(
            "UPDATE event SET sealed = (SELECT sealed FROM event WHERE seq = 3) WHERE seq = 2"
        )
    db.close()
    with (
        Inbox(path, "tracing", KEY, os.urandom) as inbox,
        pytest.raises(InboxError, match="Event 2"),
    ):
        list(inbox.events())


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60))
def test_any_order_with_any_repeats_ends_in_the_same_state(
    tmp_path_factory: pytest.TempPathFactory, seed: int, last: int
) -> None:
    chance = random.Random(seed)
    cuts = sorted({1, last + 1, *(chance.randint(1, last) for _ in range(6))})
    pages = [page(a, b - a) for a, b in itertools.pairwise(cuts)]
    pages += chance.choices(pages, k=5)
    pages.append(page(1, chance.randint(1, last)))
    chance.shuffle(pages)
    directory = tmp_path_factory.mktemp("inbox")
    with Inbox(directory / "a", "tracing", KEY, os.urandom) as inbox:
        for each in pages:
            before = inbox.reach
            inbox.take(each)
            assert inbox.reach >= before
        assert inbox.reach == last
        with Inbox(directory / "b", "tracing", KEY, os.urandom) as other:
            other.take(page(1, last))
            assert digest_of(list(inbox.events())) == digest_of(list(other.events()))


def event(**groups: dict[str, object]) -> Event:
    return Event(
        seq=1, type="employment", submission="sub_1", row=1, organisation="o",
        organisation_class="employer", format="csv", purposes=("A",), entry=1,
        recorded_at=dt.datetime(2026, 11, 22, 23, 30, tzinfo=dt.UTC), confidence="named",
        groups=msgspec.to_builtins(groups),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("groups", "field"),
    [
        ({"work": {"start_date": "2020-01-02", "leave_date": "2020-01-01"}}, "work.leave_date"),
        ({"work": {"start_date": "2020-01-01", "leave_date": "2020-01-01"}}, None),
        ({"work": {"leave_date": "2020-01-01"}}, None),
        ({"where": {"since": "2027-01-01", "until": "2026-01-01"}}, "where.until"),
        ({"who": {"date_of_birth": "2026-11-23"}}, None),
        ({"who": {"date_of_birth": "2026-11-24"}}, "who.date_of_birth"),
        ({"pay": {"period_start": "2026-02-01", "period_end": "2026-01-31"}}, "pay.period_end"),
        ({"change": {"status": "withdrawn"}}, None),
    ],
)
def test_what_cannot_be_right_is_named(
    groups: dict[str, dict[str, object]], field: str | None
) -> None:
    assert implausible(event(**groups)) == field


def test_an_event_that_was_removed_is_missed(inbox: Inbox, tmp_path: Path) -> None:
    inbox.take(page(1, 9))
    with sqlite3.connect(tmp_path / "inbox.sqlite") as db:
        db.execute("DELETE FROM event WHERE seq = 5")
    with pytest.raises(InboxError, match="Event 5 is gone"):
        list(inbox.events())
    assert [event.seq for event in inbox.events(6)] == [6, 7, 8, 9]


def test_nothing_can_be_guessed_from_a_digest(tmp_path: Path) -> None:
    digests = set()
    for key in (KEY, bytes(reversed(KEY))):
        path = tmp_path / f"{key[0]}.sqlite"
        with Inbox(path, "tracing", key, os.urandom) as opened:
            opened.take(page(1, 1))
        with sqlite3.connect(path) as db:
            digests |= {row[0] for row in db.execute("SELECT digest FROM event")}
    assert len(digests) == 2


def test_processes_that_write_at_once_wait_for_each_other(inbox: Inbox, tmp_path: Path) -> None:
    paths = [tmp_path / "inbox.sqlite"] * 3
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        assert max(pool.map(_fill, paths)) == 200
    assert len(list(inbox.events())) == 200


def _fill(path: Path) -> int:
    with Inbox(path, "tracing", KEY, os.urandom) as opened:
        for first in range(1, 200, 5):
            opened.take(page(first, 5))
        return opened.reach


def test_what_cannot_be_used_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"not a database" * 100)
    with pytest.raises(InboxError, match="cannot be used"):
        Inbox(tmp_path / "other", "tracing", KEY, os.urandom)
    with pytest.raises(InboxError, match="not whole"):
        Inbox(tmp_path / "new", "tracing", KEY[:7], os.urandom)
    with Inbox(tmp_path / "full", "tracing", KEY, os.urandom) as opened:
        opened.take(page(1, 5))
        pages = opened._db.pragma("page_count")
        opened._db.pragma("max_page_count", pages)
        with pytest.raises(InboxError, match="full"):
            opened.take(page(6, 500))
        opened._db.pragma("max_page_count", pages + 1_000)
        opened.take(page(6, 5))
        assert opened.reach == 10
