"""Why a consumer cannot use a record: the reasons, and what each asks of whoever sent it.

There is no free text: what goes into the ledger is for ever, and what reaches an organisation must
say what to do. Where `correct` holds, the organisation is told and asked to put it right.
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple, get_args

import msgspec

from gateway.core.groups.group import Group
from gateway.core.limits import REJECTIONS_AT_A_TIME
from gateway.core.records import RECORD_TYPES
from gateway.core.refusal import Reason, Refused


class Ground(NamedTuple):
    """A reason: what it means, whether the organisation is asked to mend it, and how."""

    message: str
    fix: str
    correct: bool


GROUNDS: Final[dict[str, Ground]] = {
    "OTHER_PERSON": Ground(
        "The record is about somebody else than was asked about.",
        "Compare name, date of birth and National Insurance number with the request; withdraw the "
        "record, and send that of the person who was meant.",
        correct=True,
    ),
    "IMPLAUSIBLE": Ground(
        "A value cannot be right.",
        "Compare the record with your own; correct it, or say with a correction that it stands.",
        correct=True,
    ),
    "INCOMPLETE": Ground(
        "Something that is needed to use the record is missing.",
        "Send the record again with what is missing, and say that it supersedes this one.",
        correct=True,
    ),
    "CONTRADICTORY": Ground(
        "The record contradicts another that you sent.",
        "Say with a correction which of the two holds.",
        correct=True,
    ),
    "WRONG_PERIOD": Ground(
        "The record is about another time than was asked about.",
        "Send the record for the period that the request names.",
        correct=True,
    ),
    "ALREADY_KNOWN": Ground("The team had it already.", "There is nothing to mend.", correct=False),
    "NOT_NEEDED": Ground(
        "The team does not need it any more.", "There is nothing to mend.", correct=False
    ),
    "NOT_UNDERSTOOD": Ground(
        "The team's own system could not take it.", "There is nothing to mend.", correct=False
    ),
}


def _fields() -> frozenset[str]:
    """Every name that a field can have: a group of a record type, or a member of one."""
    found: set[str] = set()
    for record in RECORD_TYPES.values():
        for group in msgspec.structs.fields(record):
            for kind in (group.type, *get_args(group.type)):
                if isinstance(kind, type) and issubclass(kind, Group):
                    members = msgspec.structs.fields(kind)
                    found |= {group.name, *(f"{group.name}.{each.name}" for each in members)}
    return frozenset(found)


# Names of the schemas and no others: what is written of a rejection is for ever.
FIELDS: Final = _fields()


class Rejection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record that a consumer cannot use: its number on the feed, why, and which field is meant."""

    seq: Annotated[int, msgspec.Meta(ge=1)]
    code: str
    field: str | None = None


class Uptake(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a consumer says of what it was shown: up to where it has it, up to where it uses it.

    `delivered` and `used` are cursors; `errors` are records that it cannot use.
    """

    delivered: str | None = None
    used: str | None = None
    errors: tuple[Rejection, ...] = ()


def uptake(body: dict[str, object]) -> Uptake:
    """Read what a consumer says; raises Refused(PARAMETER_NOT_VALID)."""
    try:
        said = msgspec.convert(body, Uptake)
    except msgspec.ValidationError as error:
        raise Refused(Reason.PARAMETER_NOT_VALID, SHAPE) from error
    if said == Uptake() or len(said.errors) > REJECTIONS_AT_A_TIME:
        raise Refused(Reason.PARAMETER_NOT_VALID, SHAPE)
    numbers = {each.seq for each in said.errors}
    if len(numbers) != len(said.errors):
        raise Refused(Reason.PARAMETER_NOT_VALID, "A record stands in 'errors' twice.")
    for each in said.errors:
        if each.code not in GROUNDS:
            known = ", ".join(GROUNDS)
            raise Refused(Reason.PARAMETER_NOT_VALID, f"A code is one of {known}.")
        if each.field is not None and each.field not in FIELDS:
            raise Refused(
                Reason.PARAMETER_NOT_VALID,
                "A field is a group of the record, or a member of one as in pay.net_pence.",
            )
    return said


SHAPE: Final = (
    'Send {"delivered": cursor, "used": cursor, "errors": [{"seq", "code", "field"}]}, or some of '
    f"these; at most {REJECTIONS_AT_A_TIME} errors at a time."
)
