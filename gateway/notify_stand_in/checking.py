"""Is a call to send something formed as Notify wants it? In Notify's words where it is not."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from gateway.core.identifiers import IdentifierError, postcode
from gateway.core.reachable import ADDRESS_LINES
from gateway.edge.notify import Way
from gateway.notify_stand_in.refusals import bad_request, not_valid

_EMAIL: Final = re.compile(r"[^\s@,;<>()\"]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_MEMBERS: Final[dict[Way, tuple[str, ...]]] = {
    "email": (
        "email_address", "template_id", "personalisation", "reference", "email_reply_to_id",
        "one_click_unsubscribe_url", "sanitise_content_for", "scheduled_for",
    ),
    "letter": ("template_id", "personalisation", "reference"),
}  # fmt: skip
_REQUIRED: Final[dict[Way, tuple[str, ...]]] = {
    "email": ("email_address", "template_id"),
    "letter": ("template_id", "personalisation"),
}
_TEXTS: Final = ("email_address", "template_id", "reference")


class Wanted(msgspec.Struct, frozen=True):
    """A message that somebody wants to be sent."""

    template: str
    values: dict[str, Any]
    reference: str | None
    to: dict[str, str]


def read_wanted(way: Way, body: bytes) -> Wanted:
    """What a call to send asks for; raises NotifyRefusal."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise bad_request("Invalid JSON supplied in POST data") from None
    if not isinstance(told, dict):
        raise not_valid(f"{told} is not of type object")
    wrong = list(_wrong(way, told))
    if wrong:
        raise not_valid(*wrong)
    values = told.get("personalisation") or {}
    to = {"email_address": told["email_address"]} if way == "email" else _address(values)
    return Wanted(str(uuid.UUID(told["template_id"])), values, told.get("reference"), to)


def _wrong(way: Way, told: dict[str, Any]) -> Iterable[str]:
    for name in _REQUIRED[way]:
        if name not in told:
            yield f"{name} is a required property"
    for name in told:
        if name not in _MEMBERS[way]:
            yield f"Additional properties are not allowed ({name} was unexpected)"
    for name in _TEXTS:
        if name in told and not isinstance(told[name], str):
            yield f"{name} {told[name]} is not of type string"
            return
    if "template_id" in told and not is_uuid(told["template_id"]):
        yield "template_id is not a valid UUID"
    if "email_address" in told and not _EMAIL.fullmatch(told["email_address"]):
        yield "email_address Not a valid email address"
    if not isinstance(told.get("personalisation", {}), dict):
        yield f"personalisation {told['personalisation']} is not of type object"


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _address(values: dict[str, Any]) -> dict[str, str]:
    names = [f"address_line_{number}" for number in range(1, ADDRESS_LINES[1] + 1)]
    lines = [" ".join(str(values.get(name) or "").split()) for name in (*names, "postcode")]
    lines = [line for line in lines if line]
    least, most = ADDRESS_LINES
    if len(lines) < least:
        raise not_valid(f"Address must be at least {least} lines")
    if len(lines) > most:
        raise not_valid(f"Address must be no more than {most} lines")
    try:
        postcode(lines[-1])
    except IdentifierError:
        # The real one has a list of countries; the stand-in takes what has no digit for one.
        if len(lines[-1]) < 4 or any(char.isdigit() for char in lines[-1]):
            raise not_valid(
                "Last line of address must be a real UK postcode or another country"
            ) from None
    if any(line[0] in "@()=[]”\\/,<>" for line in lines):
        raise not_valid(
            "Address lines must not start with any of the following characters: "
            "@ ( ) = [ ] ” \\ / , < >"
        )
    return dict(zip(names, lines, strict=False))
