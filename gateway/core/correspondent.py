"""Whom notices go to, how they are reached, and what they agreed to."""

from __future__ import annotations

import datetime as dt
from itertools import zip_longest
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from gateway.core.channel import Agreement, Electronic, Form, Preference, Purpose
from gateway.core.deadlines import Nation

Kind = Literal["organisation", "consumer", "parent"]
Language = Literal["en", "cy"]
Line = Annotated[str, Meta(min_length=1, max_length=200)]

# What an organisation's own door is called where an address is asked for: it needs none.
DOORS: Final[frozenset[Form]] = frozenset({"api", "sftp"})


class Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How somebody is reached; personal data, so it is sealed where it is kept.

    `address` is what stands on an envelope, from the name to the postcode; `secret` signs what is
    sent to the webhook.
    """

    address: Annotated[tuple[Line, ...], Meta(max_length=7)] = ()
    email: Annotated[str, Meta(max_length=254)] | None = None
    webhook: Annotated[str, Meta(max_length=500)] | None = None
    secret: Annotated[str, Meta(max_length=200)] | None = None

    def address_of(self, form: Form) -> str | None:
        """The address that an agreement to a form would be about; None where there is none."""
        match form:
            case "email":
                return None if self.email is None else self.email.strip().lower()
            case "webhook":
                return self.webhook
            case "post":
                return "\n".join(self.address) or None
            case "api" | "sftp":
                return form


class Correspondent(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody notices go to; `contact` is sealed under the wrapped key."""

    id: str
    kind: Kind
    nation: Nation
    language: Language
    wrapped_key: bytes
    contact: bytes


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """An agreement as it is kept: `address` is a keyed hash of the one it was made for."""

    id: str
    purpose: Purpose
    form: Electronic
    address: bytes
    since: dt.date
    until: dt.date | None
    evidence: str

    def as_rule(self) -> Agreement:
        """What the choice of a channel needs of it."""
        return Agreement(
            purpose=self.purpose,
            form=self.form,
            address=self.id,
            since=self.since,
            until=self.until,
        )


class Preferred(msgspec.Struct, frozen=True, kw_only=True):
    """A preference as it is kept; it holds until the next."""

    since: dt.date
    post: bool


def as_rules(history: list[Preferred]) -> list[Preference]:
    """Preferences with their ends, from a history in order."""
    ends = [each.since for each in history[1:]]
    return [
        Preference(post=each.post, since=each.since, until=end)
        for each, end in zip_longest(history, ends)
        if end is None or end > each.since
    ]
