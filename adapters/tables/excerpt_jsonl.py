"""The refused lines of JSON alone, each with its name under `key`.

A line that is no JSON object at all stands as a text under `line`, to be put in its own words again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from adapters.syntax.lines import lines
from gateway.core.adapter import Body, Wrong
from gateway.core.limits import RECORD_LINE_BYTES
from gateway.core.mending import name_of
from gateway.core.refusal import Refused
from gateway.core.strict_json import strict_object

_ENCODE: Final = msgspec.json.Encoder(decimal_format="number").encode


def excerpt(body: Body, wrong: Wrong) -> Iterator[bytes]:
    """The lines with these numbers."""
    for number, line in enumerate(lines(body, RECORD_LINE_BYTES), start=1):
        if number in wrong:
            yield _ENCODE(_named(line, name_of(wrong[number][0]))) + b"\n"


def _named(line: bytes | None, name: str) -> dict[str, Any]:
    if line is None:
        return {"key": name}
    try:
        told = strict_object(line)
    except Refused:
        return {"key": name, "line": line.decode("utf-8", "replace").strip()}
    # What it is comes first, by which the file is known as JSON lines of records.
    first = {"type": told.pop("type")} if "type" in told else {}
    return first | {"key": name} | {member: told[member] for member in told if member != "key"}
