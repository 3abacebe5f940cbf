"""THE LIST: many requests from one file, and one answer to a list of them.

    raise   each row is a request; those that the law does not allow are named, the others go
    list    what one organisation is asked in one file is a batch, which it can fetch as a list
    hits    it sends one file, about those of the list whom it knows; each record finds its request
    close   whoever is left is unknown to it: one nil return answers for all of them

So an organisation tells us of nobody we did not ask about, which is the least it can tell.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from gateway import request as asking
from gateway.calling import calling_for
from gateway.core.identity import Caller
from gateway.core.limits import REQUESTS_IN_A_FILE
from gateway.core.permission import Asking
from gateway.core.refusal import Reason, Refused
from gateway.core.request_item import Stored
from gateway.core.strict_json import strict_object
from gateway.desk import Desk

CSV: Final = "text/csv"
LINES: Final = ("application/x-ndjson", "application/jsonl")
_LISTS: Final = {"purposes", "record_types"}
_SUBJECT: Final = ("surname", "forenames", "date_of_birth", "nino", "name", "payroll_number")
_ADDRESS: Final = ("line_1", "line_2", "town", "postcode")
_COLUMNS: Final = {
    "organisation", "purposes", "record_types", "citation", "due", "reference", "kind",
    *_SUBJECT, *_ADDRESS,
}  # fmt: skip
_BREATH: Final = 50
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUV"


class Raised(NamedTuple):
    """What became of a file: which row is which request, which rows were refused, and the lists."""

    requests: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    batches: dict[str, str]
    repeat: bool


async def ask_many(caller: Caller, body: bytes, media_type: str, desk: Desk) -> Raised:
    """Raise a request for each row that may be raised, all in one commit, or none.

    The same file again raises nothing, also while it is on its way. Raises Refused for a file that cannot be read as a whole.
    """
    if caller.kind != "consumer":
        raise Refused(Reason.NOT_PERMITTED, "Only consumers ask.")
    rows = list(_rows(body, media_type))
    digest = hashlib.sha256(body).digest()
    made: list[tuple[int, Stored]] = []
    refused: list[dict[str, Any]] = []
    batches: dict[str, str] = {}
    waiting: dict[int, str] = {}
    for number, row in enumerate(rows, start=1):
        if number % _BREATH == 0:
            await asyncio.sleep(0)  # others get their turn
        try:
            wanted = _asking(row)
            batch = _batch(caller, wanted, digest, desk)
            stored = asking.drafted(caller, wanted, desk, batch)
            before = desk.requests.asked_already(stored.question or b"")
            if before is not None:
                waiting[number] = before
            made.append((number, stored))
            batches.setdefault(batch, wanted.organisation)
        except Refused as refusal:
            said = {"row": number, "code": refusal.reason.value}
            refused.append(said | {"message": refusal.detail or refusal.meaning.title})
    requests = [stored for _, stored in made]
    if waiting and not any(desk.requests.requests(batch=batch, limit=1) for batch in batches):
        # A file that was mended and sent whole: what waits already is not asked twice.
        for number, before in waiting.items():
            words = f"This waits for its answer already, as {before}."
            refused.append({"row": number, "code": "already-asked", "message": words})
        made = [(number, stored) for number, stored in made if number not in waiting]
        batches = {stored.batch or "": stored.organisation for _, stored in made}
        requests = [stored for _, stored in made]
    notices = [calling_for(each, desk) for each in requests if each.events > 1]
    if not await desk.requests.raise_requests(requests, notices):
        earlier = [
            stored for batch in batches for stored in desk.requests.requests(
                consumer=caller.party, batch=batch, limit=REQUESTS_IN_A_FILE
            )
        ]  # fmt: skip
        told = [_line(None, stored) for stored in earlier]
        return Raised(told, refused, batches, repeat=True)
    desk.sent()
    return Raised([_line(n, stored) for n, stored in made], refused, batches, repeat=False)


def _line(number: int | None, stored: Stored) -> dict[str, Any]:
    return {"row": number, "id": stored.id, "batch": stored.batch, "due": stored.due}


def _batch(caller: Caller, wanted: Asking, digest: bytes, desk: Desk) -> str:
    """The id of what one organisation is asked by one file: the same file, the same id.

    Who is asked for other records, or for another purpose, is on another list: an answer to a list is
    shown to whom its purposes allow.
    """
    alike = [wanted.kind, sorted(set(wanted.purposes)), sorted(set(wanted.record_types))]
    parts = (caller.party, wanted.organisation, msgspec.json.encode(alike).decode())
    tag = desk.vault.tag("batch", digest, *(part.encode() for part in parts))
    number = int.from_bytes(tag[:17])
    return "bat_" + "".join(_ALPHABET[number >> 5 * at & 31] for at in range(26))


def _rows(body: bytes, media_type: str) -> Iterator[Mapping[str, Any]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(Reason.CHARACTER_SET) from error
    if media_type == CSV:
        found: Iterator[Mapping[str, Any]] = iter(_of_csv(text))
    elif media_type in LINES:
        found = (strict_object(line.encode()) for line in text.splitlines() if line.strip())
    else:
        raise Refused(Reason.CONTENT_TYPE_UNKNOWN, f"Send {CSV} or {LINES[0]}.")
    for number, row in enumerate(found, start=1):
        if number > REQUESTS_IN_A_FILE:
            raise Refused(Reason.BODY_TOO_LARGE, f"A file has at most {REQUESTS_IN_A_FILE} rows.")
        yield row


def _of_csv(text: str) -> list[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        unknown = set(reader.fieldnames or ()) - _COLUMNS
        if unknown or "organisation" not in (reader.fieldnames or ()):
            told = f"Columns are: {', '.join(sorted(_COLUMNS))}."
            raise Refused(Reason.CSV_NOT_WELL_FORMED, told)
        return [_of_row(row) for row in reader]
    except csv.Error as error:
        raise Refused(Reason.CSV_NOT_WELL_FORMED) from error


def _of_row(row: dict[str | Any, str | Any]) -> dict[str, Any]:
    cells = {name: cell.strip() for name, cell in row.items() if isinstance(cell, str) and cell}
    told: dict[str, Any] = {
        name: cell.split() if name in _LISTS else cell
        for name, cell in cells.items()
        if name not in (*_SUBJECT, *_ADDRESS)
    }
    told["subject"] = {name: cells[name] for name in _SUBJECT if name in cells}
    place = {name: cells[name] for name in ("town", "postcode") if name in cells}
    lines = [cells[name] for name in ("line_1", "line_2") if name in cells]
    if place or lines:
        told["addresses"] = [place | {"lines": lines}]
    return told


def _asking(row: Mapping[str, Any]) -> Asking:
    try:
        return msgspec.convert(row, Asking)
    except msgspec.ValidationError as error:
        text = str(error)
        at = text.rfind(" - at `")
        told = f"{text[at + 9 : -1]} is not valid." if at >= 0 else "The row is not complete."
        if text.startswith("Object missing required field"):
            told = f"{text.split('`')[1]} is missing."
        raise Refused(Reason.JSON_NOT_VALID, told) from error


# --- the organisation's side --------------------------------------------------------------------


def listed(caller: Caller, batch: str, desk: Desk) -> list[dict[str, Any]]:
    """What an organisation was asked in one file: each request, and the least of its subject.

    Raises Refused(REQUEST_NOT_FOUND).
    """
    side = "organisation" if caller.kind == "organisation" else "consumer"
    found = desk.requests.requests(
        **{side: caller.party},
        batch=batch,
        limit=REQUESTS_IN_A_FILE,
    )
    if not found:
        raise Refused(Reason.REQUEST_NOT_FOUND)
    return [
        {
            "request": each.id,
            "state": each.state.value,
            "due": each.due,
            "record_types": list(each.record_types),
            "subject": None if each.erased is not None else asking.subject_for(each, caller, desk),
        }
        for each in sorted(found, key=lambda each: each.id)
    ]


def as_csv(lines: Sequence[Mapping[str, Any]]) -> bytes:
    """A list as CSV, a column for each identifier that is told of anybody in it."""
    names = sorted({name for line in lines for name in line["subject"] or {}} - {"kind"})
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    # What a record is tied by; an answer that keeps this column needs no comparing.
    writer.writerow(["reference", "due", *names])
    for line in lines:
        subject = line["subject"] or {}
        cells = [_cell(subject.get(name, "")) for name in names]
        writer.writerow([line["request"], line["due"], *cells])
    return out.getvalue().encode()


def _cell(value: Any) -> str:
    """A value as text that no spreadsheet takes for a formula."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
