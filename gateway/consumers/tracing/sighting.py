"""What the events of a feed say of one person: each fact with its days, its source, and how sure it is.

| How an event is tied to a person | |
|---|---|
| `number` | the same National Insurance number or child maintenance reference |
| `request` | its sender named a request about the person, and nothing speaks against it |
| `name` | neither number is there; surname and date of birth are the same |

Another number speaks against it, whatever else agrees.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from gateway.client.events import Event
from gateway.consumers.standing import Stands
from gateway.consumers.tracing.book import Subject

Tied = Literal["number", "request", "name"]
Kind = Literal["address", "employer", "account", "contact", "custody", "vehicle"]


class Who(msgspec.Struct, frozen=True):
    """Of `who`, what tells people apart."""

    kind: str = "person"
    name: str | None = None
    surname: str | None = None
    forenames: str | None = None
    date_of_birth: dt.date | None = None
    nino: str | None = None
    cms_reference: str | None = None


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """One fact about a person from one source.

    `key` is the same for the same thing however it is written; `text` is for people. `since` and
    `until` are the days it held, `seen` the last on which its source vouches for it.
    """

    kind: Kind
    key: str
    text: str
    since: dt.date | None
    until: dt.date | None
    seen: dt.date
    tied: Tied
    possible: bool
    disputed: bool
    organisation: str
    organisation_class: str
    seq: int


def tie(event: Event, subject: Subject) -> Tied | None:
    """How an event is tied to a person; None where it is not."""
    who = who_of(event)
    if who is not None:
        if who.kind != "person":
            return None
        for told, known in (
            (who.nino, subject.nino), (who.cms_reference, subject.cms_reference),
        ):  # fmt: skip
            if told and known:
                return "number" if _plain(told) == _plain(known) else None
    if event.request is not None and event.request in subject.requests:
        return "request"
    if who is None or who.surname is None or who.date_of_birth is None:
        return None
    same = (
        _plain(who.surname) == _plain(subject.surname)
        and who.date_of_birth == subject.date_of_birth
    )
    return "name" if same else None


def who_of(event: Event) -> Who | None:
    """Whom an event is about."""
    who = event.groups.get("who")
    return None if who is None else msgspec.convert(who, Who)


def sightings(subject: Subject, stands: Iterable[Stands]) -> list[Sighting]:
    """Every fact that the events show about a person, in the order of the feed."""
    found: list[Sighting] = []
    for stand in stands:
        tied = tie(stand.event, subject)
        if tied is not None:
            found += _facts(stand, tied)
    return found


def _facts(stand: Stands, tied: Tied) -> Iterator[Sighting]:
    event, groups = stand.event, stand.event.groups

    def sighting(kind: Kind, key: str, text: str, **days: Any) -> Sighting:
        dated = {name: _day(value) for name, value in days.items()}
        until = dated.get("until")
        seen = dated.get("seen") or event.recorded_at.date()
        return Sighting(
            kind=kind,
            key=key,
            text=text,
            since=dated.get("since"),
            until=until,
            seen=min(seen, until) if until is not None else seen,
            tied=tied,
            possible=event.confidence == "possible",
            disputed=stand.disputed,
            organisation=event.organisation,
            organisation_class=event.organisation_class,
            seq=event.seq,
        )

    where = groups.get("where")
    if where and (where.get("lines") or where.get("postcode")):
        confirmed = groups.get("credit", {}).get("last_confirmed")
        days = {"since": where.get("since"), "until": where.get("until"), "seen": confirmed}
        yield sighting("address", address_key(where), address_text(where), **days)
    work = groups.get("work")
    if work:
        name = work.get("employer_name") or work.get("paye_reference") or event.organisation
        key = _plain(str(work.get("employer_reference") or work.get("paye_reference") or name))
        days = {"since": work.get("start_date"), "until": work.get("leave_date")}
        yield sighting("employer", key, str(name), **days)
    account = groups.get("account")
    if account:
        text = _account(account)
        days = {"since": account.get("opened"), "until": account.get("closed")}
        yield sighting("account", _plain(text), text, **days)
    for text in _contacts(groups.get("contact") or {}):
        yield sighting("contact", _plain(text), text)
    custody = groups.get("custody")
    if custody:
        held = custody["status"] in {"remand", "sentenced"}
        text = f"{custody['status']} {custody.get('establishment') or ''}".strip()
        until = custody.get("released") or (None if held else custody.get("since"))
        yield sighting("custody", _plain(text), text, since=custody.get("since"), until=until)
    vehicle = groups.get("vehicle")
    if vehicle:
        text = str(vehicle["registration"])
        days = {"since": vehicle.get("keeper_since"), "until": vehicle.get("keeper_until")}
        yield sighting("vehicle", _plain(text), text, **days)


def address_key(where: dict[str, Any]) -> str:
    """An address so that two ways of writing it are one: postcode, and the first thing that tells."""
    lines = [str(line) for line in where.get("lines", ())]
    postcode = _plain(str(where.get("postcode") or where.get("town") or ""))
    number = re.search(r"\d+[a-z]?", " ".join(lines).lower())
    return f"{postcode} {number[0] if number else _plain(lines[0]) if lines else ''}"


def address_text(where: dict[str, Any]) -> str:
    """An address in one line."""
    parts = [
        *where.get("lines", ()),
        where.get("town"),
        where.get("postcode"),
        where.get("country"),
    ]
    return ", ".join(str(part) for part in parts if part)


def _account(account: dict[str, Any]) -> str:
    if account.get("iban"):
        return str(account["iban"])
    parts = [account.get("sort_code"), account.get("number")]
    return " ".join(str(part) for part in parts if part) or str(account.get("other") or "unnamed")


def _contacts(contact: dict[str, Any]) -> list[str]:
    mail = [str(contact["email"]).lower()] if contact.get("email") else []
    return [*map(str, contact.get("phones", ())), *mail]


def _day(value: Any) -> dt.date | None:
    return dt.date.fromisoformat(value) if isinstance(value, str) else value


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
