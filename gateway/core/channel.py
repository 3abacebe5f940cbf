"""Which way a notice goes. Where nothing certain speaks for an electronic way, it goes by post.

The law lets a notice go electronically only where its recipient has agreed to the address, the form
and the purpose, all three (SI 2009/3151 Sch 1 para 2). So an agreement here covers one purpose, in one
form, at one address, and there is no word for "everything": who agrees to all of it has one
agreement for each purpose. A party may ask for post at any time, and post then beats every agreement.

Days are UK days; an agreement or a preference holds from `since` until the day before `until`.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable
from typing import Final, Literal, get_args

import msgspec

Form = Literal["api", "webhook", "sftp", "email", "post"]
Electronic = Literal["api", "webhook", "sftp", "email"]
# What a notice is sent for, and so what an agreement is to.
Purpose = Literal["requests", "orders", "reminders", "receipts", "corrections"]

PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)

# Of several agreed ways the first counts: where a party proves itself before it is shown anything
# comes first, and what travels in the open comes last.
ORDER: Final[tuple[Electronic, ...]] = ("api", "sftp", "webhook", "email")


class Why(enum.StrEnum):
    """Why a form was chosen: a code that may stand in the ledger. `TOLD` has the sentences."""

    AGREED = "agreed"
    PREFERS_POST = "prefers_post"
    NO_AGREEMENT = "no_agreement"
    NOT_FOR_THIS_PURPOSE = "not_for_this_purpose"
    ENDED = "ended"
    NOT_REACHABLE = "not_reachable"


TOLD: Final = {
    Why.AGREED: "The party agreed to this form and address, for this purpose.",
    Why.PREFERS_POST: "The party asked for post.",
    Why.NO_AGREEMENT: "The party has agreed to no electronic way.",
    Why.NOT_FOR_THIS_PURPOSE: "The party agreed to electronic ways, but not for this purpose.",
    Why.ENDED: "No agreement for this purpose holds today.",
    Why.NOT_REACHABLE: "What was agreed for this purpose cannot be reached now.",
}


class NoWayError(Exception):
    """A notice has to go by post and there is no postal address: somebody must find one.

    `why` says why no electronic way was open.
    """

    def __init__(self, why: Why) -> None:
        super().__init__(f"No postal address is known. {TOLD[why]}")
        self.why = why


class _Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From a day, until before another; open at the end where that is None."""

    since: dt.date
    until: dt.date | None = None

    def holds(self, day: dt.date) -> bool:
        """Whether it is live on a day."""
        return self.since <= day and (self.until is None or day < self.until)


class Agreement(_Span, frozen=True):
    """A party's agreement to be sent notices of one purpose, in one form, at one address.

    `address` names the address without being it: an id or a digest.
    """

    purpose: Purpose
    form: Electronic
    address: str


class Preference(_Span, frozen=True):
    """What a party said about post. One that does not ask for post opens no electronic way."""

    post: bool


class Chosen(msgspec.Struct, frozen=True):
    """The form a notice goes by, the agreement that allows it (none for post), and why."""

    form: Form
    agreement: Agreement | None
    why: Why


def choose(
    purpose: Purpose,
    day: dt.date,
    agreements: Iterable[Agreement],
    preferences: Iterable[Preference],
    reachable: frozenset[Form],
) -> Chosen:
    """The way of a notice of a purpose on a day, to one party with these agreements.

    `reachable` has the forms that can be used now: `post` where a postal address is known, an
    electronic form unless its address has failed. Of several live agreements the first form in
    `ORDER` counts, then the newest. Any live preference for post decides. Raises NoWayError where it
    has to be post and there is no address.
    """
    held = list(agreements)
    if any(each.post and each.holds(day) for each in preferences):
        return _by_post(Why.PREFERS_POST, reachable)
    fitting = [each for each in held if each.purpose == purpose]
    live = [each for each in fitting if each.holds(day)]
    open_now = [each for each in live if each.form in reachable]
    if open_now:
        best = min(open_now, key=_rank)
        return Chosen(best.form, best, Why.AGREED)
    if live:
        return _by_post(Why.NOT_REACHABLE, reachable)
    if fitting:
        return _by_post(Why.ENDED, reachable)
    return _by_post(Why.NOT_FOR_THIS_PURPOSE if held else Why.NO_AGREEMENT, reachable)


def _rank(agreement: Agreement) -> tuple[int, int, str]:
    return ORDER.index(agreement.form), -agreement.since.toordinal(), agreement.address


def _by_post(why: Why, reachable: frozenset[Form]) -> Chosen:
    if "post" not in reachable:
        raise NoWayError(why)
    return Chosen("post", None, why)
