"""One line of a feed as the judge reads it: an event of CloudEvents 1.0, its envelope and its data.

What an envelope says again of its data must be what is proved of the data; what it adds (`source`,
and of a record `confidence` and `request`) is the gateway's word.
"""

from __future__ import annotations

import re
from typing import Any, Final

from gateway.judge.strict import Unsound, json_object
from gateway.judge.verdict import shown

MAX_LINE_BYTES: Final = 8 * 1024 * 1024
_TYPE: Final = re.compile(
    r"uk\.gov\.childmaintenance\.(?:feed\.(block|page)|(record)\.([a-z_]{1,100}))\.v1"
)
_ENVELOPE: Final = frozenset({"specversion", "type", "source", "id", "data"})
_SENT: Final = frozenset({"subject", "time", "organisation", "organisationclass", "ledgerentry"})
_OF_RECORD: Final = frozenset({"purpose", "confidence", "sequence"})
_TIES: Final = frozenset({"named", "matched", "possible", "unasked"})
SEQUENCE_DIGITS: Final = 16


def read_event(line: str | bytes) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Read a line: which of the three events it is, its envelope, and its data."""
    if len(line) > MAX_LINE_BYTES:
        raise Unsound("is too long")
    envelope = json_object(line)
    kind = envelope.get("type")
    known = _TYPE.fullmatch(kind) if isinstance(kind, str) else None
    if known is None:
        raise Unsound("is not a block, a record or a page")
    value = envelope.pop("data", None)
    what = known[1] or known[2]
    if not isinstance(value, dict):
        raise Unsound(f"has a {what} that is not an object")
    if not all(isinstance(text, str) and text for text in envelope.values()):
        raise Unsound("has an envelope that is not of text")
    extra = {"page": frozenset(), "block": _SENT, "record": _SENT | _OF_RECORD}[what]
    names = (_ENVELOPE - {"data"}) | extra
    if what == "record" and "request" in envelope:
        names |= {"request"}
    check_members(envelope, names)
    if envelope["specversion"] != "1.0":
        raise Unsound("is not an event of CloudEvents 1.0")
    if what == "record" and envelope["confidence"] not in _TIES:
        raise Unsound("does not say how it is tied to a request")
    return what, envelope, value


def check_envelope(envelope: dict[str, str], said: dict[str, str]) -> None:
    """Check that an envelope says what is proved of its data."""
    wrong = sorted(name for name, text in said.items() if envelope[name] != text)
    if wrong:
        raise Unsound(f"has an envelope that does not agree on {', '.join(wrong)}")


def check_members(value: dict[str, Any], names: frozenset[str]) -> None:
    """Check that an object has all of these members and no others."""
    if value.keys() != names:
        wrong = sorted(value.keys() ^ names)[:5]
        raise Unsound(f"has too many or too few members: {', '.join(map(shown, wrong))}")
