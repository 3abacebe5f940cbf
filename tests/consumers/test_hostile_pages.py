"""Whatever a gateway answers instead of a page, the client says so and gives nothing of it on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.client.collecting import Collecting
from gateway.client.connection import Reply
from gateway.client.events import FeedPage
from gateway.client.problem import EvidenceError
from gateway.client.profile import Profile
from tests.conftest import House
from tests.stories.test_uptake import sent


class Hostile(Collecting):
    """The client's part about feeds, before a gateway that answers as it likes."""

    def __init__(self, *bodies: bytes, vkey: str | None = None, **headers: str) -> None:
        self.profile = Profile(url="https://gateway.test", vkey=vkey)
        self._bodies, self._headers = list(bodies), headers
        self._connection = self  # type: ignore[assignment]

    async def call(self, *_: Any, **__: Any) -> Reply:
        return Reply(200, self._headers, self._bodies.pop(0))


async def read(hostile: Hostile, name: str = "tracing") -> list[FeedPage]:
    return [page async for page in hostile.feed(name)]


def changed(raw: bytes, at: int, change: Callable[[Any], Any]) -> bytes:
    lines = raw.splitlines()
    event = json.loads(lines[at])
    change(event)
    lines[at] = json.dumps(event).encode()
    return b"\n".join(lines) + b"\n"


def put(*path: str, value: Any) -> Callable[[Any], None]:
    def change(event: Any) -> None:
        for name in path[:-1]:
            event = event[name]
        event[path[-1]] = value

    return change


CHANGES = [
    (1, put("data", "seq", value=2**70)),
    (1, put("data", "seq", value=0)),
    (1, put("data", "seq", value="1")),
    (1, put("data", "groups", "who", value={"salt": "x"})),
    (1, put("data", "groups", "who", value=None)),
    (1, put("data", "submission", value="sub_other")),
    (1, put("time", value="yesterday")),
    (1, put("time", value="2026-11-01T10:00:00")),
    (1, put("ledgerentry", value="9" * 5000)),
    (1, put("ledgerentry", value="x")),
    (1, put("confidence", value="sure")),
    (0, put("data", value={})),
    (0, put("data", value=[])),
    (-1, put("data", "next", value=7)),
    (-1, put("data", "count", value=5)),
    (-1, put("data", "count", value=2**62)),
    (-1, put("data", "count", value=2**70)),
    (-1, put("data", "count", value=-1)),
    (-1, put("data", "first", value=9)),
    (-1, put("data", value={})),
    (-1, lambda event: event.pop("data")),
]


async def test_what_is_no_page_is_refused(house: House) -> None:
    await sent(house, 3)
    _, raw, _ = await house.tracing.call("GET", "/v1/feeds/tracing")
    assert len(await read(Hostile(raw))) == 1
    deep = b'{"type":"x","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    bodies = [b"", b"\n", b"{}", b"null", b"\xff", deep, raw[: len(raw) // 2]]
    for body in [*bodies, *(changed(raw, at, change) for at, change in CHANGES)]:
        with pytest.raises(EvidenceError):
            await read(Hostile(body))


async def test_a_page_of_another_feed_or_place_is_refused(house: House) -> None:
    await sent(house, 3)
    vkey = house.gateway.ring.evidence.vkey
    _, raw, headers = await house.tracing.call("GET", "/v1/feeds/tracing?limit=1")
    assert json.loads(raw.splitlines()[-1])["data"]["more"] is True
    with pytest.raises(EvidenceError, match="calculation"):
        await read(Hostile(raw, vkey=vkey, **headers), "calculation")
    with pytest.raises(EvidenceError, match="asked for"):
        await read(Hostile(raw, raw, vkey=vkey, **headers))


async def test_a_page_without_a_record_leads_no_further(house: House) -> None:
    _, raw, _ = await house.tracing.call("GET", "/v1/feeds/tracing")
    (page,) = await read(Hostile(changed(raw, -1, put("data", "more", value=True))))
    assert (page.count, page.more) == (0, True)


async def test_a_page_is_signed_where_a_key_is_pinned(house: House) -> None:
    await sent(house, 3)
    vkey = house.gateway.ring.evidence.vkey
    _, raw, headers = await house.tracing.call("GET", "/v1/feeds/tracing")
    _, bare, signed = await house.tracing.call("GET", "/v1/feeds/tracing?proofs=0")
    assert len(await read(Hostile(raw, vkey=vkey, **headers))) == 1
    for name in ("Signature", "Signature-Input", "Content-Digest"):
        stripped = {key: value for key, value in headers.items() if key != name}
        with pytest.raises(EvidenceError):
            await read(Hostile(raw, vkey=vkey, **stripped))
    with pytest.raises(EvidenceError):  # the proofs that were asked for are not there
        await read(Hostile(bare, vkey=vkey, **signed))
