"""A correction as its sender writes it, and the records it becomes.

It is JSON like any other body, so that its exact bytes are kept, digested and receipted as those of
a file are; the gateway alone reads it, since what it says depends on what was sent before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

import msgspec

from gateway.core.adapter import EVERY_CLASS, Adapter, Body, ReadContext
from gateway.core.groups.person import Change
from gateway.core.limits import CORRECTED_ROWS, CORRECTION_BYTES
from gateway.core.record import Item
from gateway.core.records import Correction
from gateway.core.refusal import Reason, Refused
from gateway.core.strict_json import strict_object

MEDIA_TYPE: Final = "application/vnd.cms-gateway.correction+json"

Row = Annotated[int, msgspec.Meta(ge=1)]


class Wording(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a correction says: what holds now, of which rows (none: of all), why, and what instead."""

    submission: str
    status: Literal["disputed", "incorrect", "withdrawn", "superseded"]
    rows: Annotated[tuple[Row, ...], msgspec.Meta(max_length=CORRECTED_ROWS)] = ()
    reason: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    replaced_by: str | None = None


def wording(data: bytes) -> Wording:
    """Read a correction; raises Refused(JSON_NOT_WELL_FORMED) and Refused(JSON_NOT_VALID)."""
    try:
        return msgspec.convert(strict_object(data), Wording)
    except msgspec.ValidationError as error:
        raise Refused(
            Reason.JSON_NOT_VALID,
            "A correction has submission and status (disputed, incorrect, withdrawn or superseded), "
            f"and may have rows (at most {CORRECTED_ROWS}), reason and replaced_by.",
        ) from error


def _read(body: Body, _context: ReadContext) -> Iterator[Item]:
    with body.open() as stream:
        said = wording(stream.read())
    for number, row in enumerate(sorted(set(said.rows)) or (None,), start=1):
        yield Correction(
            row=number,
            change=Change(
                submission=said.submission,
                row=row,
                status=said.status,
                reason=said.reason,
                replaced_by=said.replaced_by,
            ),
        )


CORRECTION: Final = Adapter(
    name="correction",
    title="Correction of what was sent before",
    media_types=(MEDIA_TYPE,),
    general_media_types=(),
    provider_classes=EVERY_CLASS,
    record_types=frozenset({"correction"}),
    partial=False,
    limit_bytes=CORRECTION_BYTES,
    read=_read,
    recognises=lambda _: False,
)
