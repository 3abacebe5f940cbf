"""THE OUTCOME: what becomes of a large submission once its bytes are safe.

It is the rest of the way in (`gateway.submission`), from step 4 to the end, for a body that was held.
"""

from __future__ import annotations

import msgspec

from gateway.core import drafting
from gateway.core.envelope import Envelope
from gateway.core.receipt import Statement
from gateway.core.record import RowError, RuleCount
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import Draft, Outcome, Pending, Recorded
from gateway.submission import Intake, mended_by, mending_of


async def conclude(submission: str, data_key: bytes, sealed: bytes, intake: Intake) -> Recorded:
    """Steps 4 to 9 for a body that was held; safe to run again after a crash.

    `sealed` is the draft's `pending`. A refusal leaves the reasons for the sender, and no content.
    """
    envelope = Envelope(data_key, submission)
    pending = msgspec.msgpack.decode(envelope.open(b"pending", 0, sealed), type=Pending)
    statement = pending.statement
    organisation, request = statement.sender.organisation, statement.request
    ask = None if request is None else intake.journal.request_of(organisation, request)
    try:
        if ask is not None and ask.withdrawn:
            raise Refused(Reason.REQUEST_WITHDRAWN)
        mended = mended_by(pending.completes, organisation, intake)
        reading = await intake.reader.read(
            submission,
            pending.adapter,
            frozenset(pending.record_types),
            data_key,
            statement.received_at,
            mending_of(mended, intake),
        )
    except Refused as refusal:
        return await _refuse(refusal, statement, envelope, intake)
    reading = drafting.dated(reading, ask, statement.received_at)
    try:
        return await intake.journal.record(
            Draft(
                statement=drafting.accepted(statement, reading),
                key=pending.key,
                blocks=reading.blocks,
                views=drafting.views_of(statement, intake.law),
                outcome=drafting.seal_outcome(reading, envelope, intake.entropy),
                **drafting.rows_of(pending.completes, reading),
            ),
        )
    except Refused as refusal:
        if refusal.reason is not Reason.REQUEST_WITHDRAWN:
            raise  # to be read again, against what has changed meanwhile
        return await _refuse(refusal, statement, envelope, intake)


async def _refuse(
    refusal: Refused, statement: Statement, envelope: Envelope, intake: Intake
) -> Recorded:
    """Leave the reasons, and no content."""
    errors = tuple(error for error in refusal.errors if isinstance(error, RowError))
    rules = tuple(rule for rule in refusal.rules if isinstance(rule, RuleCount))
    told = Outcome(errors, (drafting.explained(refusal),), rules)
    outcome = drafting.seal_outcome(told, envelope, intake.entropy)
    draft = Draft(drafting.refused(statement, refusal.reason), outcome=outcome)
    recorded = await intake.journal.refuse(draft)
    intake.files.discard(statement.submission)
    return recorded
