"""No personal data in logs, metrics, problem documents, or in anything at rest in the clear."""

from __future__ import annotations

import io
import json
from pathlib import Path

from gateway.edge import logs
from tests.conftest import House
from tests.schedules import HEADER, schedule

MARK = "Zyxwvut"
NINO = "AB987654C"


async def test_marked_values_are_found_nowhere_but_in_the_feeds(
    house: House,
    tmp_path: Path,
) -> None:
    stream = io.StringIO()
    logs.configure(stream)
    columns = b"nino," + HEADER
    row = f"{NINO},E1,M,2026-10-01,2026-10-31,2026-10-30,{{:012d}},{MARK},150.00,150.00,"
    good = columns + row.format(1).encode() + b"\r\nTOTAL,1,150.00\r\n"
    bad = columns + row.format(2).replace("150.00,150.00", f"{MARK},150.00").encode()
    bad += b"\r\nTOTAL,1,150.00\r\n"
    answers = []
    for body, kind in (
        (good, "text/csv"),
        (bad, "text/csv"),
        (bad[:-20], "text/csv"),
        (f'{{"{MARK}":1}}'.encode(), "application/json"),
        (f"<{MARK}>".encode(), "application/xml"),
        (good.replace(MARK.encode(), b'"' + MARK.encode()), "text/csv"),
    ):
        for party in (house.employer, house.bank, house.hmrc):
            _, answer, _ = await party.submit(body, kind)
            answers.append(json.dumps(answer))
    large = schedule(
        *(
            f"E1,M,2026-10-01,2026-10-31,2026-10-30,{n:012d},{MARK},150.00,150.00,"
            for n in range(1, 1_500)
        )
    )
    await house.employer.submit(large, "text/csv", Prefer="wait=30")
    await house.tracing.call("GET", f"/v1/submissions/{MARK}")
    await house.tracing.call("GET", "/v1/feeds/tracing", params={"after": MARK})
    await house.ask("tracing", "bank", "account", subject={"surname": MARK, "nino": NINO})
    lines = await house.tracing.feed("tracing", limit=10_000)
    _, metrics, _ = await house.tracing.call("GET", "/metrics")

    assert MARK in json.dumps(lines), "the marks do arrive where they belong"
    for place, text in {
        "logs": stream.getvalue(),
        "answers": "".join(answers),
        "metrics": metrics.decode(),
    }.items():
        assert text, place
        assert MARK not in text, place
        assert NINO not in text, place
    for path in (house.settings.data, tmp_path):
        for file in path.rglob("*"):
            if file.is_file() and "pki" not in file.parts:
                data = file.read_bytes()
                assert MARK.encode() not in data, file
                assert NINO.encode() not in data, file


async def test_every_log_line_is_json_with_known_members_only(house: House) -> None:
    stream = io.StringIO()
    logs.configure(stream)
    await house.employer.submit(b"x", "text/csv")
    for line in stream.getvalue().splitlines():
        assert set(json.loads(line)) <= logs.ALLOWED | {"cut"}
