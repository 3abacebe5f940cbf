"""What a refusal must be: a whole problem document, with nothing kept of what was refused."""

from __future__ import annotations

from typing import Any

from gateway.core.refusal import MEANINGS, Reason
from tests.conftest import SAMPLES, House

SCHEDULE = (SAMPLES / "schedule.csv").read_bytes()
CSV = "text/csv"
XML = "application/xml"
JSON = "application/json"


def slug(answer: dict[str, Any]) -> str:
    """The problem's type, after checking that it is a whole problem document of ours."""
    assert set(answer) >= {"type", "title", "status", "detail", "fix", "instance"}, answer
    found = str(answer["type"]).rsplit("/", 1)[1]
    meaning = MEANINGS[Reason(found)]
    assert (answer["status"], answer["title"]) == (meaning.status, meaning.title)
    return found


def kept(house: House) -> dict[str, int]:
    """How many rows there are that only an accepted submission leaves."""
    reader = house.gateway.store._reader
    tables = ("submission", "body", "block", "feed_item", "idempotency", "upload")
    return {t: reader.execute(f"SELECT count(*) FROM {t}").fetchall()[0][0] for t in tables}


async def refused(house: House, call: Any) -> str:
    """Await a call that must be refused; check that nothing was kept."""
    before = kept(house)
    status, answer, headers = await call
    assert headers["Content-Type"] == "application/problem+json", (status, answer)
    assert status == answer["status"]
    assert kept(house) == before
    assert list(house.gateway.store.bodies.directory.iterdir()) == []
    return slug(answer)
