"""Every class that is in force answers whatever it may be asked for, with a sample that we ship."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from certs.development import DevelopmentPki
from gateway.core.cursor import write_cursor
from gateway.installed import law
from tests.conftest import SAMPLES, House, house_in
from tests.party import enrol

TABLE = law()
TODAY = dt.datetime.now(dt.UTC).date()
ON = [slug for slug in TABLE.classes if TABLE.in_force(slug, TODAY) is not None]
CONSUMERS = ("tracing", "calculation", "enforcement")
CSV = "application/vnd.cms-gateway.records+csv"


async def answer(house: House, slug: str, record_type: str, use: str) -> None:
    """Ask for a record type, for one use, and answer with its sample."""
    feed = next(name for name, feed in TABLE.feeds.items() if feed.use == use)
    purpose = next(
        code
        for code, purpose in TABLE.purposes.items()
        if purpose.use == use and code not in TABLE.classes[slug].barred
    )
    request = await house.ask(feed, "answerer", record_type, purposes=[purpose])
    before = house.gateway.store.shelf.end(feed)
    body = (SAMPLES / "records" / f"{record_type}.csv").read_bytes()
    status, told, _ = await house.parties["answerer"].submit(body, CSV, Request_Id=request)
    assert status == 201, (slug, record_type, told)
    assert told["rows"]["refused"] == 0
    assert told["rows"]["accepted"] == house.gateway.store.shelf.end(feed) - before
    lines = await house.parties[feed].feed(feed, after=write_cursor(feed, before - 1))
    shown = [line["record"] for line in lines if "record" in line]
    needed = set(
        next(s for s in TABLE.classes[slug].sends if s.record_type == record_type).groups(use)
    )
    for record in shown:
        assert record["type"] == record_type
        assert set(record["groups"]) <= needed
        assert not set(record["withheld"]) & needed


@pytest.mark.parametrize("slug", ON)
async def test_a_class_answers_whatever_it_may_be_asked_for(
    slug: str, tmp_path: Path, pki: DevelopmentPki
) -> None:
    async with house_in(tmp_path, pki, names=CONSUMERS) as house:
        house.parties["answerer"] = await enrol(
            house.gateway, pki, "organisation", "answerer", [slug], house.url
        )
        for line in TABLE.classes[slug].sends:
            for use in ("trace", "calculate", "enforce"):
                if line.groups(use):  # type: ignore[arg-type]
                    await answer(house, slug, line.record_type, use)


def test_the_day_is_one_on_which_something_is_in_force() -> None:
    assert len(ON) >= 17
