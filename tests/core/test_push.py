"""Feeds that are pushed: what follows a try, what a stream is behind by, and how it is written."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import SettingsError, load
from gateway.core.backoff import DELAYS, next_try_of_stream
from gateway.core.push import (
    Dead,
    Held,
    Later,
    Message,
    Push,
    Subscription,
    after_try,
    behind,
    message_id,
    page_headers,
    ready_event,
)
from gateway.edge.courier import RETRY_AFTER_MOST, retry_after
from gateway.edge.jetstream import durable_name, last_in, stream_name, subject_of

NOW = dt.datetime(2026, 11, 27, 10, tzinfo=dt.UTC)


def push(tries: int = 1, first: int = 1, last: int = 3) -> Push:
    return Push(
        id="psh_1", subscription="sub_1", first=first, last=last, state="waiting", replayed=False,
        made="2026-11-27T10:00:00.000000Z", begun="", tries=tries, next_try="", reason=None,
    )  # fmt: skip


def subscription(upto: int = 0, since: int = 0, rewinds: int = 0) -> Subscription:
    return Subscription(
        id="sub_1", consumer="tracing", feed="tracing", kind="jetstream", state="active",
        wrapped_key=None, target=None, since=since, upto=upto, rewinds=rewinds, page=256, rests="",
        added="",
    )  # fmt: skip


@given(st.integers(1, 1_000), st.floats(0, 1))
def test_a_stream_is_tried_within_a_minute_or_so_and_for_ever(tries: int, jitter: float) -> None:
    found = after_try("jetstream", push(tries), NOW, NOW, jitter)
    assert isinstance(found, Later)
    assert dt.timedelta(seconds=1) <= found.at - NOW <= dt.timedelta(seconds=66)


@given(st.integers(1, 20), st.floats(0, 1), st.none() | st.integers(0, 10**9))
def test_a_webhook_is_tried_by_the_schedule_and_given_up(
    tries: int, jitter: float, asked: int | None
) -> None:
    found = after_try("webhook", push(tries), NOW, NOW, jitter, code="REFUSED", retry_after=asked)
    if tries > len(DELAYS):
        assert found == Dead("REFUSED", disable=False)
    else:
        assert isinstance(found, Later)
        assert found.at >= NOW + min(dt.timedelta(seconds=asked or 5), dt.timedelta(days=1))
        assert found.at <= NOW + dt.timedelta(days=5)


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        ("webhook", "GONE", Dead("GONE", disable=True)),
        ("webhook", "REDIRECTED", Dead("REDIRECTED", disable=False)),
        ("jetstream", "TOO_LARGE", Dead("TOO_LARGE", disable=True)),
    ],
)
def test_what_time_cannot_mend_is_given_up_at_once(kind, code: str, expected: Dead) -> None:
    assert after_try(kind, push(), NOW, NOW, 0.5, code=code, temporary=False) == expected


def test_a_try_counts_from_1() -> None:
    with pytest.raises(ValueError, match="counts from 1"):
        next_try_of_stream(0, NOW, 0.0)


@pytest.mark.parametrize(
    ("last", "wiped", "upto", "since", "to"),
    [
        (None, True, 0, 0, None),
        (None, True, 9, 0, 0),
        (None, True, 9, 4, 4),
        (None, True, 4, 4, None),
        (None, False, 9, 0, None),
        (9, False, 9, 0, None),
        (7, False, 9, 0, 7),
        (2, False, 9, 4, 4),
        (12, False, 9, 0, None),
    ],
)
def test_how_far_to_go_back(
    *, last: int | None, wiped: bool, upto: int, since: int, to: int | None
) -> None:
    assert behind(Held(1, None, last, wiped, 1), subscription(upto, since)) == to


def test_the_id_of_a_message_is_that_of_its_stretch_until_it_is_rewound() -> None:
    assert message_id(push(), subscription()) == "tracing:1-3"
    assert message_id(push(), subscription(rewinds=2)) == "tracing:1-3:2"
    headers = page_headers(push(), subscription(), "https://gateway.test")
    assert (headers["ce-first"], headers["ce-last"], headers["ce-count"]) == ("1", "3", "3")
    message = Message(headers, b"x" * 10)
    wire = (
        b"NATS/1.0\r\n" + b"".join(f"{k}: {v}\r\n".encode() for k, v in headers.items()) + b"\r\n"
    )
    assert message.size == len(wire) + 10


def test_the_event_is_small_and_the_same_at_every_try() -> None:
    whole = ready_event(push(last=10**15), "tracing", "https://gateway.test")
    assert whole == ready_event(push(tries=7, last=10**15), "tracing", "https://gateway.test")
    assert len(whole) < 1_000
    event = json.loads(whole)
    assert sorted([event["sequence"], f"{9:016d}", f"{9 * 10**15:016d}"])[1] == event["sequence"]


@given(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True),
       st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True))  # fmt: skip
def test_no_two_consumers_share_a_stream(one: str, other: str) -> None:
    for name in (stream_name, subject_of):
        assert (name("cms", one, "tracing") == name("cms", other, "tracing")) == (one == other)
    assert "." not in stream_name("cms", one, "tracing")
    assert subject_of("cms", one, "a.b").count(".") == 3
    assert "." not in durable_name(one)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120), ("0", 0), ("999999999", RETRY_AFTER_MOST), ("9" * 40, None), ("", None),
        ("-1", None), ("1.5", None), ("soon", None), ("\u0661", None),
        ("Fri, 27 Nov 2026 10:02:00 GMT", 120), ("Fri, 27 Nov 2026 09:00:00 GMT", 0),
        ("Fri, 27 Nov 2099 09:00:00 GMT", RETRY_AFTER_MOST),
        (f"Fri, {'9' * 20} Nov 2026 10:02:00 GMT", None),
        ("10000, -1 Feb 24:60:61 100002147483648", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str, seconds: int | None) -> None:
    assert retry_after(text, NOW) == seconds


@pytest.mark.parametrize(
    ("text", "last"),
    [("7", 7), ("0", 0), ("", 0), ("-1", 0), ("7\n", 0), ("\u0667", 0), ("9" * 5_000, 0)],
)
def test_whatever_a_message_in_a_stream_claims_is_read_as_a_number(text: str, last: int) -> None:
    assert last_in({"ce-last": text}) == last
    assert last_in({}) == 0


SETTINGS = """
origin = "gateway.test/ledger"
issuer = "https://gateway.test"
data = "data"
keys = "keys"
[tls]
certificate = "c"
key = "k"
participants = "p"
revocation_lists = []
[jetstream]
"""


@pytest.mark.parametrize(
    "text",
    [
        "servers = []",
        'servers = ["nats://nats.example:4222"]',
        'servers = ["https://nats.example:4222"]',
        'servers = ["tls://u:p@nats.example:4222"]',
        'servers = ["tls://nats.example:4222"]\nreplicas = 2',
        'servers = ["tls://nats.example:4222"]\ncertificate = "c"',
        'servers = ["tls://nats.example:4222"]\nprefix = "a.b"',
        'servers = ["tls://nats.example:4222"]\nmax_age_days = 0',
    ],
)
def test_settings_of_a_broker_that_cannot_be_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(SETTINGS + text)
    with pytest.raises(SettingsError, match=r"jetstream|Expected|Invalid"):
        load(path)


def test_settings_of_a_broker_have_paths_beside_their_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(SETTINGS + 'servers = ["tls://nats.example:4222"]\nca = "ca.pem"')
    found = load(path).jetstream
    assert found is not None
    assert (found.ca, found.replicas, found.max_age_days) == (tmp_path / "ca.pem", 1, 14)
