from __future__ import annotations

from tests.conftest import SAMPLES, House


async def test_a_schedule_goes_the_whole_way(house: House) -> None:
    body = (SAMPLES / "schedule.csv").read_bytes()
    status, answer, _ = await house.employer.submit(body, "text/csv")
    assert status == 201, answer
    assert answer["rows"] == {"accepted": 3, "refused": 0, "nil": 0}
    lines = await house.tracing.feed("tracing")
    print(lines)
    assert 0
