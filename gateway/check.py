"""THE REHEARSAL: the way in up to its sixth step, and nothing kept.

    1 authenticate, 2 admit, 3 spool, 4 read, 5 validate, 6 seal

It takes the steps of `gateway.submission` themselves, so that its verdict is a submission's. There is
no commit: nothing is entered in the ledger, nothing reaches a feed, and a large body's sealed file is
gone when the verdict is given.
"""

from __future__ import annotations

from typing import Any

from gateway.core import drafting
from gateway.core.stages import Arrival, Grounded, Reading
from gateway.submission import (
    SCOPE,
    Intake,
    admit,
    ground,
    mended_by,
    mending_of,
    read,
    spool,
)


async def check(arrival: Arrival, intake: Intake) -> dict[str, Any]:
    """What a submission of this body would hear; raises Refused as a submission would."""
    caller = await intake.door.authenticate(arrival.credentials, SCOPE)
    admitted = admit(arrival, caller, intake)
    try:
        grounded = ground(await spool(arrival, admitted, intake), intake)
        reading = await _read(grounded, intake)
    finally:
        intake.files.discard(admitted.submission)
    types: dict[str, int] = {}
    for block in reading.blocks:
        for name, count in block.types.items():
            types[name] = types.get(name, 0) + count
    return {
        "state": "accepted",
        "format": grounded.adapter.name,
        "class": grounded.grounds.provider_class,
        "purposes": sorted(grounded.grounds.purposes),
        "rows": reading.rows,
        "records": types,
        "notes": reading.notes,
        "rules": reading.rules,
        "errors": reading.errors,
    }


async def _read(grounded: Grounded, intake: Intake) -> Reading:
    spooled = grounded.spooled
    if spooled.inline:
        return read(grounded, intake)
    mended = mended_by(spooled.admitted.completes, spooled.admitted.caller.party, intake)
    reading = await intake.reader.read(
        spooled.admitted.submission,
        grounded.adapter.name,
        grounded.grounds.record_types,
        spooled.data_key,
        spooled.received_at,
        mending_of(mended, intake),
    )
    return drafting.dated(reading, spooled.admitted.request, spooled.received_at)
