"""Messages in chunks as a machine: whatever comes, in whatever order, it is what was sent or nothing."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from certs import development
from gateway import mailbox
from gateway.administration.carrying_out import carry_out
from gateway.administration.orders import AddMailbox, AddParty
from gateway.config import Settings
from gateway.core.mesh import Labels
from gateway.core.refusal import Reason, Refused
from gateway.edge import keyring
from gateway.inboxes import post
from gateway.installed import law
from gateway.store.sqlite.store import Store
from gateway.wiring import clock, new_id, office, open_store
from tests.conftest import settings_in

TOTAL = 3
RIGHT = [b"first " * 20_000, b"second", b"third"]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.integers(1, TOTAL + 1), st.booleans(), st.sampled_from([TOTAL, TOTAL, 4])),
        st.none(),  # a restart
    ),
    max_size=12,
)


async def arriving(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 50_000):
        yield data[at : at + 50_000]


def expected(known: int, number: int, total: int, *, is_right: bool) -> Reason | None:
    """What a step is refused for, by the words of MESH."""
    if number > TOTAL:
        return Reason.CHUNK_BEYOND_LAST
    if total != TOTAL:
        return Reason.MESSAGE_HEADER_NOT_VALID
    if number <= known:
        return None if is_right else Reason.MESSAGE_LOCKED
    if number != known + 1:
        return Reason.MESSAGE_HEADER_NOT_VALID
    return None if is_right else Reason.BODY_TOO_LARGE


async def opened(chosen: Settings, ring: keyring.KeyRing) -> tuple[Store, mailbox.Post]:
    store = open_store(chosen, ring, law())
    await store.start()
    return store, post(chosen, ring, store, clock, os.urandom, new_id)


async def play(directory: Path, pki: development.DevelopmentPki, steps: list[object]) -> None:
    size = sum(map(len, RIGHT))
    chosen = settings_in(directory, pki, body_limit_bytes=size)
    keyring.create(chosen.keys)
    ring = keyring.open_ring(chosen.keys, origin=chosen.origin)
    store, post = await opened(chosen, ring)
    desk = office(chosen, store, law(), ring)
    shop = AddParty(id="shop", kind="organisation", name="A shop", classes=("employer",))
    await carry_out(shop, desk)
    await carry_out(AddMailbox(id="SHOP1", organisation="shop"), desk)
    sent = mailbox.draft("SHOP1", Labels(workflow="CMS_SUBMISSION"), TOTAL, None, post)
    assert not await mailbox.add(sent, 1, TOTAL, arriving(RIGHT[0]), post)
    known = 1
    for step in steps:
        if step is None:
            await store.stop()
            store, post = await opened(chosen, ring)
            continue
        assert isinstance(step, tuple)
        number, is_right, total = step
        data = RIGHT[min(number, TOTAL) - 1] if is_right else b"x" * (size + 1)
        reason = None
        try:
            complete = await mailbox.add(sent, number, total, arriving(data), post)
        except Refused as refusal:
            reason = refusal.reason
        assert reason == expected(known, number, total, is_right=is_right)
        if reason is None:
            known = max(known, number)
            assert complete == (known == TOTAL)
    names = {path.name for path in post.files.directory.iterdir()}  # type: ignore[attr-defined]
    assert names == {f"{sent.id}_{number}.body" for number in range(1, known + 1)}
    if known == TOTAL:
        found = [part async for part in mailbox.content(sent, post)]
        assert b"".join(found) == b"".join(RIGHT)
    await store.stop()


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_chunks_are_what_was_sent_or_nothing(pki_template: Path, steps: list[object]) -> None:
    pki = development.open_existing(pki_template)
    with tempfile.TemporaryDirectory() as held:
        asyncio.run(play(Path(held), pki, steps))
