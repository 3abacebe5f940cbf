"""The refused rows of a file alone, to be mended and sent again.

The file is read once more, by the same rules and as of the same instant: what was wrong then is wrong
again. Of those rows, the ones that are still open go into a file of the same format. A row of a
record type that was not asked for is not in it: nothing in the row would mend that.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.core.adapter import Adapter, Body, ReadContext
from gateway.core.limits import RETURNED_BODY_BYTES, RETURNED_BYTES, RETURNED_ROWS
from gateway.core.mending import OpenRows
from gateway.core.record import Item, RowError
from gateway.core.refusal import Reason, Refused


def refused_rows(body: Body, adapter: Adapter, context: ReadContext, still_open: OpenRows) -> bytes:
    """A file with the rows of a body that are still open.

    Raises Refused(NOT_OFFERED) for a format that cannot give them and for what is beyond the limits,
    and Refused(NOT_OPEN) where there is none.
    """
    if adapter.excerpt is None:
        raise Refused(Reason.NOT_OFFERED, "This format gives no rows back.")
    if body.size > RETURNED_BODY_BYTES:
        raise Refused(
            Reason.NOT_OFFERED,
            f"Rows are given back of files of up to {RETURNED_BODY_BYTES} bytes.",
        )
    wrong: dict[int, list[RowError]] = {}
    for item in _again(body, adapter, context):
        if isinstance(item, RowError) and (item.row in wrong or item in still_open):
            wrong.setdefault(item.row, []).append(item)
            if len(wrong) > RETURNED_ROWS:
                raise Refused(Reason.NOT_OFFERED, f"More than {RETURNED_ROWS} rows are open.")
    if not wrong:
        raise Refused(Reason.NOT_OPEN, "No refused row is open that can be mended.")
    held = bytearray()
    for piece in adapter.excerpt(body, wrong):
        held += piece
        if len(held) > RETURNED_BYTES:
            raise Refused(
                Reason.NOT_OFFERED, f"The rows that are open have more than {RETURNED_BYTES} bytes."
            )
    return bytes(held)


def _again(body: Body, adapter: Adapter, context: ReadContext) -> Iterator[Item]:
    try:
        yield from adapter.read(body, context)
    except Refused:
        # It was accepted once: the rules for whole files have changed since.
        raise Refused(
            Reason.NOT_OFFERED, "By today's rules the file would be refused whole."
        ) from None
