"""From what was spooled to what will be written: pure steps between the stages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import msgspec

from gateway.core.adapter import Adapter
from gateway.core.deadlines import uk_day
from gateway.core.disclosure import View
from gateway.core.duty import NOT_ENTITLED, Law
from gateway.core.duty_table import Ask, Grounds
from gateway.core.envelope import NONCE_BYTES, Envelope
from gateway.core.identity import Caller
from gateway.core.receipt import Content, Sender, Statement
from gateway.core.record import Note
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import Admitted, Amends, Outcome, Reading, Spooled

# Enough of a body to tell one format from another.
_HEAD_BYTES: Final = 4_096

# How a submission amends another whose refused rows it brings.
COMPLETES: Final = "completes"


def check_request(request: Ask | None, name: str | None, caller: Caller) -> None:
    """Refuse what names no request of the caller's, or one that is no longer asked."""
    if (request is None and name is not None) or caller.only not in {None, name}:
        raise Refused(Reason.REQUEST_NOT_FOUND)
    if request is not None and request.withdrawn:
        raise Refused(Reason.REQUEST_WITHDRAWN)


def chosen_format(spooled: Spooled, every: tuple[Adapter, ...]) -> Adapter:
    """The one format of a body; by its first bytes where the media type is a general one.

    `every` are all formats that are read: a body in one that its sender may not send is told from one
    that nobody knows. Raises Refused.
    """
    admitted = spooled.admitted
    formats = admitted.formats
    if len(formats) > 1 or admitted.media_type not in formats[0].media_types:
        with spooled.body.open() as stream:
            head = stream.read(_HEAD_BYTES)
        formats = tuple(item for item in formats if item.recognises(head))
        general = (item for item in every if admitted.media_type in item.general_media_types)
        if not formats and any(item.recognises(head) for item in general):
            raise Refused(Reason.CLASS_NOT_ENTITLED, NOT_ENTITLED)
        if len(formats) != 1:
            raise Refused(
                Reason.CONTENT_TYPE_UNKNOWN,
                "The body is not recognised; name its exact media type in Content-Type.",
            )
    if spooled.body.size > formats[0].limit_bytes:
        raise Refused(
            Reason.BODY_TOO_LARGE,
            f"The limit for this format is {formats[0].limit_bytes} bytes.",
        )
    return formats[0]


def statement_of(
    spooled: Spooled, adapter: Adapter, grounds: Grounds, rules: str, salt: bytes
) -> Statement:
    """What the gateway can state of a submission before it has been read."""
    admitted = spooled.admitted
    return Statement(
        submission=admitted.submission,
        outcome="accepted",
        sender=_sender(admitted),
        provider_class=grounds.provider_class,
        format=adapter.name,
        request=None if admitted.request is None else admitted.request.id,
        content=Content(admitted.media_type, spooled.body.size, spooled.digest, salt),
        rules=rules,
        received_at=spooled.received_at,
        purposes=tuple(sorted(grounds.purposes)),
    )


def views_of(statement: Statement, law: Law) -> dict[str, View]:
    """What each feed may be shown of a submission: by class, purposes, and the day it was received."""
    if statement.provider_class is None:
        return {}
    day = statement.received_at.date()
    return law.views(statement.provider_class, frozenset(statement.purposes), day)


def accepted(statement: Statement, reading: Reading) -> Statement:
    """The statement of a submission that has been read and accepted, at least in part."""
    return msgspec.structs.replace(
        statement,
        outcome="accepted",
        rows=reading.rows,
        records=reading.root,
    )


def refused(statement: Statement, reason: Reason) -> Statement:
    """The statement of a held submission that was refused once it was read."""
    return msgspec.structs.replace(statement, outcome="refused", reason=reason.value)


def refusal_of(
    admitted: Admitted,
    spooled: Spooled | None,
    reason: Reason,
    rules: str,
    salt: bytes,
    now: dt.datetime,
) -> Statement:
    """The statement of a submission refused before its format was known.

    Where the whole body came, the statement names it; where it did not, there is nothing to name.
    """
    content, received_at = None, now
    if spooled is not None:
        content = Content(admitted.media_type, spooled.body.size, spooled.digest, salt)
        received_at = spooled.received_at
    return Statement(
        submission=admitted.submission,
        outcome="refused",
        reason=reason.value,
        sender=_sender(admitted),
        provider_class=None,
        format=None,
        request=None if admitted.request is None else admitted.request.id,
        content=content,
        rules=rules,
        received_at=received_at,
    )


def dated(reading: Reading, ask: Ask | None, received_at: dt.datetime) -> Reading:
    """A reading, with a note where it answers a request after the day it was due."""
    if ask is None or ask.due is None or uk_day(received_at) <= ask.due:
        return reading
    late = Note(
        code="ANSWERED_LATE", message=f"The answer was due by {ask.due}; it is taken all the same."
    )
    return replace(reading, notes=(*reading.notes, late))


def rows_of(completes: str | None, reading: Reading) -> dict[str, Any]:
    """What a reading settles, and which rows are open after it: its own, or those it completes."""
    told = {"covers": reading.covers}
    if completes is None:
        return told | {"open_rows": reading.open_rows, "file_rows": reading.file_rows}
    return told | {"amends": Amends(completes, COMPLETES, reading.version, reading.open_rows)}


def seal_outcome(
    told: Reading | Outcome, envelope: Envelope, entropy: Callable[[int], bytes]
) -> bytes | None:
    """Row errors, notes and counts by rule, sealed; None where there are none."""
    if not told.errors and not told.notes:
        return None
    packed = msgspec.msgpack.encode(Outcome(told.errors, told.notes, told.rules))
    return envelope.seal(b"outcome", 0, packed, entropy(NONCE_BYTES))


def open_outcome(sealed: bytes | None, envelope: Envelope) -> Outcome:
    """The reverse of `seal_outcome`."""
    if sealed is None:
        return Outcome()
    return msgspec.msgpack.decode(envelope.open(b"outcome", 0, sealed), type=Outcome)


def explained(refusal: Refused) -> Note:
    """A refusal as a note, for who asks later why."""
    text = refusal.detail or f"{refusal.meaning.title}."
    return Note(code=refusal.reason.name, message=f"{text} {refusal.meaning.fix}")


def _sender(admitted: Admitted) -> Sender:
    caller = admitted.caller
    return Sender(caller.party, caller.client, caller.thumbprint)
