"""An answer without facts, as the lines an organisation would have sent: nothing held, or a refusal.

One call stands for a file: it takes the same way in, and has the same receipt.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from gateway.core.duty import Law
from gateway.core.refusal import Reason, Refused
from gateway.core.request_item import Stored
from gateway.core.request_life import left

MEDIA_TYPE: Final = "application/vnd.cms-gateway.records+jsonl"


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """That nothing is held: of all that is still to come, or of some record types."""

    record_types: tuple[str, ...] = ()
    code: Literal["NOT_HELD", "NO_MATCH"] = "NOT_HELD"


class Excuse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """That there will be no answer, and why: a code of the duty table, and words if need be."""

    code: str
    detail: Annotated[str, Meta(max_length=1_000)] | None = None
    record_types: tuple[str, ...] = ()


def nil_lines(stored: Stored, said: Nothing) -> bytes:
    """A nil return for each record type, as JSON lines; raises Refused."""
    return _lines(stored, "nil_return", said.record_types, {"code": said.code})


def refusal_lines(stored: Stored, said: Excuse, law: Law, day: dt.date) -> bytes:
    """A refusal for each record type, as JSON lines; raises Refused for a code that is none."""
    codes = law.excuses(day)
    if said.code not in codes:
        raise Refused(Reason.PARAMETER_NOT_VALID, f"code is one of: {', '.join(sorted(codes))}.")
    told = {"code": said.code} | ({} if said.detail is None else {"detail": said.detail})
    return _lines(stored, "refusal", said.record_types, told)


def _lines(stored: Stored, kind: str, types: tuple[str, ...], answer: dict[str, str]) -> bytes:
    waited_for = left(stored.record_types, stored.covered)
    # Said again, because the answer was lost: it is the same, and gets the same receipt.
    before = tuple(t for t in sorted(stored.record_types) if f"{kind}:{t}" in stored.covered)
    chosen = tuple(sorted(set(types))) or waited_for or before
    if not chosen or not set(chosen) <= set(stored.record_types):
        told = f"Still to come are: {', '.join(waited_for)}." if waited_for else "All has come."
        raise Refused(Reason.PARAMETER_NOT_VALID, f"record_types are those asked for. {told}")
    case = {"reference": stored.id}
    return b"".join(
        msgspec.json.encode({"type": kind, "answer": answer | {"asked": name}, "case": case})
        + b"\n"
        for name in chosen
    )


def batch_line(batch: str) -> bytes:
    """The nil return that answers for whoever of a list is not known, as a JSON line."""
    told = {"type": "nil_return", "answer": {"code": "NO_MATCH"}, "case": {"reference": batch}}
    return msgspec.json.encode(told) + b"\n"
