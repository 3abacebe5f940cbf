"""Sending refused rows again: what closes a submission, and what is never counted twice."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.core.cursor import write_cursor
from tests.conftest import House
from tests.schedules import schedule

CSV = "text/csv"


def row(reference: str, name: str = "Marsh", due: str = "150.00") -> str:
    return f"E1,M,2026-10-01,2026-10-31,2026-10-30,{reference},{name},{due},{due},"


GOOD = [row(f"{n:012d}", f"Good{n}") for n in range(1, 4)]
BAD = row("WRONG-1", "Okafor")
WORSE = row("WRONG-2", "Reyes")
MENDED = row("000000000044", "Okafor")
MENDED_TOO = row("000000000055", "Reyes")


async def names(house: House) -> list[str]:
    lines = await house.enforcement.feed("enforcement", after=write_cursor("enforcement", 0))
    return [
        line["record"]["groups"]["who"]["value"]["surname"] for line in lines if "record" in line
    ]


async def whole(house: House) -> dict[str, Any]:
    _, answer, _ = await house.employer.submit(schedule(*GOOD, BAD, WORSE), CSV)
    assert answer["rows"] == {"accepted": 3, "refused": 2, "nil": 0}
    assert answer["open"] == 2
    return dict(answer)


async def show(house: House, submission: str) -> dict[str, Any]:
    _, found, _ = await house.employer.call("GET", f"/v1/submissions/{submission}")
    return dict(found)


async def test_the_whole_file_mended_brings_only_the_rows_that_were_refused(house: House) -> None:
    first = await whole(house)
    mended = schedule(*GOOD, MENDED, MENDED_TOO)
    status, second, _ = await house.employer.submit(mended, CSV, Completes=first["id"])
    assert status == 201, second
    assert second["rows"] == {"accepted": 2, "refused": 0, "nil": 0}
    assert "ROWS_NOT_OPEN" in {note["code"] for note in second["notes"]}
    assert (await show(house, first["id"]))["open"] == 0
    assert await names(house) == ["Good1", "Good2", "Good3", "Okafor", "Reyes"]


async def test_a_row_that_is_still_wrong_stays_open(house: House) -> None:
    first = await whole(house)
    half = schedule(*GOOD, MENDED, WORSE)
    _, second, _ = await house.employer.submit(half, CSV, Completes=first["id"])
    assert second["rows"] == {"accepted": 1, "refused": 1, "nil": 0}
    assert (await show(house, first["id"]))["open"] == 1
    last = schedule(*GOOD, MENDED, MENDED_TOO)
    _, third, _ = await house.employer.submit(last, CSV, Completes=first["id"])
    assert third["rows"] == {"accepted": 1, "refused": 0, "nil": 0}
    assert (await show(house, first["id"]))["open"] == 0
    _, told, _ = await house.employer.call("GET", f"/v1/submissions/{first['id']}/amendments")
    assert [(a["submission"], a["how"]) for a in told["amendments"]] == [
        (second["id"], "completes"),
        (third["id"], "completes"),
    ]


def keyed(*rows: tuple[str, str]) -> bytes:
    """A schedule whose rows have their sender's own names."""
    plain = schedule(*(text for _, text in rows)).decode().splitlines()
    names = ["row_key", *(key for key, _ in rows)]
    lines = [f"{line},{name}" for line, name in zip(plain, names, strict=False)]
    return "\r\n".join([*lines, plain[-1], ""]).encode()


async def test_only_the_refused_rows_need_be_sent_again_by_their_keys(house: House) -> None:
    named = [(f"K-{n}", text) for n, text in enumerate(GOOD)]
    _, first, _ = await house.employer.submit(keyed(*named, ("K-7", BAD), ("K-8", WORSE)), CSV)
    assert [error["key"] for error in first["errors"]] == ["K-7", "K-8"]
    assert first["open"] == 2
    again = keyed(("K-8", MENDED_TOO), named[0], ("K-9", row("000000000099", "Stranger")))
    _, second, _ = await house.employer.submit(again, CSV, Completes=first["id"])
    assert second["rows"] == {"accepted": 1, "refused": 0, "nil": 0}
    assert (await show(house, first["id"]))["open"] == 1
    _, third, _ = await house.employer.submit(keyed(("K-7", MENDED)), CSV, Completes=first["id"])
    assert third["rows"]["accepted"] == 1
    assert (await show(house, first["id"]))["open"] == 0
    assert sorted(await names(house)) == ["Good1", "Good2", "Good3", "Okafor", "Reyes"]


async def test_rows_that_had_no_keys_are_named_by_their_numbers(house: House) -> None:
    first = await whole(house)
    _, text, _ = await house.employer.call(
        "GET", f"/v1/submissions/{first['id']}/errors", headers={"Accept": "text/csv"}
    )
    named = [line.rpartition(",")[2] for line in text.decode().splitlines()[1:]]
    assert named == ["row:5", "row:6"]
    again = keyed(("row:6", MENDED_TOO), ("row:5", MENDED))
    _, second, _ = await house.employer.submit(again, CSV, Completes=first["id"])
    assert second["rows"]["accepted"] == 2
    assert (await show(house, first["id"]))["open"] == 0


async def test_rows_without_keys_in_another_number_are_not_guessed_at(house: House) -> None:
    first = await whole(house)
    some = schedule(MENDED, MENDED_TOO)
    status, answer, _ = await house.employer.submit(some, CSV, Completes=first["id"])
    assert (status, answer["type"].rpartition("/")[2]) in {
        (422, "file-rule"),
        (422, "nothing-accepted"),
    }
    assert (await show(house, first["id"]))["open"] == 2


async def test_a_row_is_not_counted_twice_where_blank_lines_have_gone(house: House) -> None:
    lines = schedule(GOOD[0], BAD, *GOOD[1:]).splitlines(keepends=True)
    with_blank = b"".join([*lines[:2], b"\r\n", *lines[2:]])
    _, first, _ = await house.employer.submit(with_blank, CSV)
    assert first["rows"] == {"accepted": 3, "refused": 1, "nil": 0}, first
    without = schedule(GOOD[0], MENDED, *GOOD[1:])
    status, answer, _ = await house.employer.submit(without, CSV, Completes=first["id"])
    assert (status, answer["type"].rpartition("/")[2]) == (422, "file-rule")
    assert sorted(await names(house)) == ["Good1", "Good2", "Good3"]


async def test_what_is_closed_cannot_be_completed_again(house: House) -> None:
    first = await whole(house)
    body = schedule(*GOOD, MENDED, MENDED_TOO)
    _, second, _ = await house.employer.submit(body, CSV, Completes=first["id"])
    status, repeat, headers = await house.employer.submit(body, CSV, Completes=first["id"])
    assert status == 404, "nothing is open any more"
    assert repeat["type"].endswith("/not-open")
    assert "Idempotency-Replayed" not in headers
    assert len(await names(house)) == 5
    assert second["repeat"] is False


async def test_only_ones_own_submission_with_open_rows_is_completed(house: House) -> None:
    first = await whole(house)
    other = schedule(*GOOD)
    _, clean, _ = await house.employer.submit(other, CSV)
    body = schedule(*GOOD, MENDED, MENDED_TOO)
    for party, name in (
        (house.employer, clean["id"]),
        (house.employer, "sub_00000000000000000000000000"),
        (house.employer, "../" + first["id"]),
        (house.hmrc, first["id"]),
    ):
        status, answer, _ = await party.submit(body, CSV, Completes=name)
        assert status in {403, 404}
        assert answer["type"].endswith(("/not-open", "/class-not-entitled"))


async def test_two_that_complete_at_once_count_no_row_twice(house: House) -> None:
    first = await whole(house)
    bodies = [schedule(*GOOD, MENDED, row(f"00000000006{n}", f"Twin{n}")) for n in range(4)]
    answers = await asyncio.gather(
        *(house.employer.submit(body, CSV, Completes=first["id"]) for body in bodies)
    )
    accepted = sum(answer["rows"]["accepted"] for status, answer, _ in answers if status == 201)
    assert accepted == 2
    assert all(status in {201, 404, 409, 422} for status, _, _ in answers)
    assert (await names(house)).count("Okafor") == 1


async def test_a_large_file_completes_a_large_file(house: House) -> None:
    many = [row(f"{n:012d}", f"S{n}") for n in range(1, 1_500)]
    many[700], many[900] = BAD, WORSE
    first_body = schedule(*many)
    assert len(first_body) > 65_536
    _, first, _ = await house.employer.submit(first_body, CSV, Prefer="wait=30")
    assert first["rows"] == {"accepted": 1_497, "refused": 2, "nil": 0}
    assert first["open"] == 2
    many[700], many[900] = row("000000009701", "Okafor"), row("000000009901", "Reyes")
    _, second, _ = await house.employer.submit(
        schedule(*many), CSV, Completes=first["id"], Prefer="wait=30"
    )
    assert second["rows"] == {"accepted": 2, "refused": 0, "nil": 0}
    assert (await show(house, first["id"]))["open"] == 0


async def test_a_summary_counts_each_rule_and_names_its_first_rows(house: House) -> None:
    wrong = [row(f"WRONG-{n}") for n in range(30)]
    nameless = [row("000000000099", "")]
    _, answer, _ = await house.employer.submit(schedule(*GOOD, *wrong, *nameless), CSV)
    assert [(r["code"], r["field"], r["count"], r["rows"]) for r in answer["rules"]] == [
        ("CMS_REFERENCE_NOT_VALID", "employee_cm_ref", 30, [5, 6, 7]),
        ("VALUE_MISSING", "surname", 1, [35]),
    ]
    _, refused, _ = await house.employer.submit(schedule(*wrong), CSV)
    assert refused["rules"][0]["count"] == 30


async def test_a_completion_answers_the_request_of_the_first(house: House) -> None:
    request = await house.ask("enforcement", "employer", "deduction")
    _, first, _ = await house.employer.submit(schedule(*GOOD, BAD), CSV, Request_Id=request)
    body = schedule(*GOOD, MENDED)
    other = await house.ask("enforcement", "employer", "deduction")
    status, answer, _ = await house.employer.call(
        "POST", "/v1/submissions", data=body,
        headers={"Request-Id": other, "Completes": first["id"], "Content-Type": CSV},
    )  # fmt: skip
    assert (status, answer["type"].rpartition("/")[2]) == (400, "parameter-not-valid")
    _, second, _ = await house.employer.submit(body, CSV, Completes=first["id"])
    assert second["rows"]["accepted"] == 1
    _, sent, _ = await house.employer.call("GET", "/v1/submissions")
    assert {line["request"] for line in sent["submissions"]} == {request}


async def test_a_key_names_one_row_of_a_file_and_no_other(house: House) -> None:
    body = keyed(("K", GOOD[0]), ("K", BAD), ("L", WORSE), ("L", GOOD[1]), ("row:2", GOOD[2]))
    _, first, _ = await house.employer.submit(body, CSV)
    assert first["rows"] == {"accepted": 1, "refused": 4, "nil": 0}
    codes = [(error["row"], error.get("key"), error["code"]) for error in first["errors"]]
    assert codes == [
        (3, None, "CMS_REFERENCE_NOT_VALID"),
        (4, "L", "CMS_REFERENCE_NOT_VALID"),
        (5, None, "ROW_KEY_TWICE"),
        (6, None, "ROW_KEY_TWICE"),
    ]
    again = keyed(("K", GOOD[0]), ("row:3", MENDED), ("L", MENDED_TOO), ("row:6", GOOD[2]))
    _, second, _ = await house.employer.submit(again, CSV, Completes=first["id"])
    assert second["rows"]["accepted"] == 3
    assert sorted(await names(house)) == ["Good1", "Good3", "Okafor", "Reyes"]
    assert (await show(house, first["id"]))["open"] == 1
