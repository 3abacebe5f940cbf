"""What is asked of one organisation about one subject, as plain values.

A writer puts a question into the format of a sector (`adapters.banks.write_auth001`); the story of
the request (`gateway.request`) makes it from what it has sealed. It holds personal data.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec

from gateway.core.groups.money import Account
from gateway.core.groups.person import Who

# Answers that any question may meet: nobody has to ask for them.
ANSWERS: Final = frozenset({"nil_return", "refusal", "dispute"})


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One request, ready to be written.

    `id` is the request's own, with which its answer is tied to it. `issued_at` is an aware instant
    in UTC; `due` the last day for the answer. `citation` is the power that obliges it and
    `purposes` the codes of the duty table. `period` is its first and last day, both included.
    `consumer` is the team that asks, `organisation` who is asked, by their ids; `reference` is the
    team's own. `order` is the reference of a deduction order that the question is about.
    """

    id: str
    issued_at: dt.datetime
    due: dt.date | None = None
    citation: str
    purposes: tuple[str, ...] = ()
    record_types: tuple[str, ...]
    subject: Who
    account: Account | None = None
    period: tuple[dt.date, dt.date] | None = None
    consumer: str
    organisation: str
    reference: str | None = None
    order: str | None = None


class NotAskable(ValueError):  # noqa: N818 - like Refused, a decision and not a fault
    """A question that a format has no words for; nothing of it was written.

    `code` is stable: RECORD_TYPE_NOT_ASKABLE, ORDER_NOT_ASKABLE, TEXT_TOO_LONG, TEXT_NOT_VALID,
    TEXT_MISSING, NINO_NOT_VALID and the other codes of identifiers, SUBJECT_UNIDENTIFIED,
    ACCOUNT_NOT_NAMED, ACCOUNT_CONTRADICTED, BIRTH_DATE_IN_FUTURE or PERIOD_REVERSED. `what` names
    the record types or the members that are the reason, never a value.
    """

    def __init__(self, code: str, *what: str, fix: str) -> None:
        super().__init__(f"{', '.join(what)}: {fix}")
        self.code = code
        self.what = what
        self.fix = fix
