"""Whom notices go to: how they are reached, what they agreed to, and what they prefer.

The law lets a notice go electronically only where its recipient agreed to the address, the form and
the purpose (SI 2009/3151 Sch 1 para 2). So an agreement is made for the address that is known at that
moment, and covers no other: whoever moves agrees anew. Nothing that was said is ever taken away.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Final

import msgspec

from gateway.administration.office import Office, refused
from gateway.administration.orders import Agree, Prefer, PutCorrespondent
from gateway.administration.webhooks import check_secret, check_url, new_secret
from gateway.core.agreement_words import FORM_WORDS, PURPOSE_WORDS
from gateway.core.correspondent import DOORS, Agreed, Contact, Correspondent
from gateway.core.deadlines import uk_day
from gateway.core.envelope import KEY_BYTES, NONCE_BYTES, Envelope
from gateway.core.notices import Value, written_day
from gateway.core.reachable import AddressError, email_address, postal_lines

LISTED: Final = 1_000
# What can be seen in the folders of an inbox.
_IN_FOLDERS: Final = frozenset({"requests", "orders", "reminders"})
_PARENT: Final = re.compile(r"par_[0-9A-Za-z_-]{1,60}", re.ASCII)
_EVIDENCE_CHARS: Final = 200


# --- how somebody is reached --------------------------------------------------------------------


async def put(order: PutCorrespondent, office: Office) -> dict[str, Any]:
    """Say how somebody is reached; the answer alone has a secret that was made."""
    before = office.post.people.correspondent(order.id)
    _check_who(order, before, office)
    held = Contact() if before is None else office.post.open(before)
    contact, made = _contact(order, held, office)
    key = office.entropy(KEY_BYTES)
    packed = msgspec.json.encode(contact)
    nonce = office.entropy(NONCE_BYTES)
    await office.post.people.put(
        Correspondent(
            id=order.id,
            kind=order.kind,
            nation=order.nation,
            language=order.language,
            wrapped_key=office.vault.wrap(key, order.id.encode()),
            contact=Envelope(key, order.id).seal(b"contact", 0, packed, nonce),
        )
    )
    agreements = _agreements(order.id, contact, office)
    lost = [each["id"] for each in agreements if each["live"] and not each["covers"]]
    return {"id": order.id, "kind": order.kind, "secret": made, "no_longer_covered": lost}


def _check_who(order: PutCorrespondent, before: Correspondent | None, office: Office) -> None:
    if order.kind == "parent":
        if not _PARENT.fullmatch(order.id):
            raise refused("A parent's id is 'par_' and 1 to 60 of a-z, A-Z, 0-9, '_' and '-'.")
    else:
        party = office.registry.party(order.id, office.clock().date())
        if party is None or party.kind != order.kind:
            raise refused(f"There is no {order.kind} with this id; add it with 'org add'.")
    if before is not None and before.kind != order.kind:
        raise refused(f"This id is that of a correspondent of another kind, {before.kind}.")


def _contact(order: PutCorrespondent, held: Contact, office: Office) -> tuple[Contact, str | None]:
    """What is to be kept, and the secret that was made for it, if one was; raises Refused."""
    try:
        address = postal_lines(order.address) if order.address else ()
        email = None if order.email is None else email_address(order.email)
    except AddressError as error:
        raise refused(str(error)) from error
    secret, made = order.secret, None
    if order.webhook is None:
        if secret is not None:
            raise refused("A secret goes with a webhook; give its URL too.")
    else:
        check_url(order.webhook, office)
        if secret is None and order.webhook == held.webhook:
            secret = held.secret
        if secret is None:
            made = secret = new_secret(office)
        check_secret(secret)
    return Contact(address=address, email=email, webhook=order.webhook, secret=secret), made


# --- what somebody agreed to --------------------------------------------------------------------


async def agree(order: Agree, office: Office) -> dict[str, Any]:
    """Keep an agreement to the address that is known now, and confirm it; raises Refused."""
    person = _person(order.correspondent, office)
    contact = office.post.open(person)
    evidence = order.evidence.strip()
    if not 0 < len(evidence) <= _EVIDENCE_CHARS or not evidence.isprintable():
        raise refused(
            f"The evidence is one line of 1 to {_EVIDENCE_CHARS} characters: where the agreement "
            "itself can be seen. It names nobody."
        )
    address = contact.address_of(order.form)
    if address is None:
        raise refused(
            f"No address for '{order.form}' is known, and an agreement is to an address. Give it "
            "with 'correspondent put' first."
        )
    _check_door(order, office)
    since = order.since or uk_day(office.clock())
    agreed = Agreed(
        id=office.post.new_id("agr"),
        purpose=order.purpose,
        form=order.form,
        address=office.post.tag(person.id, order.form, address),
        since=since,
        until=None,
        evidence=evidence,
    )
    if any(_says_the_same(each, agreed) for each in office.post.people.agreements(person.id)):
        raise refused("This was agreed already, and holds; 'correspondent show' has it.")
    await office.post.people.agree(person.id, agreed)
    values = {
        "purpose": PURPOSE_WORDS[person.language][order.purpose],
        "form": FORM_WORDS[person.language][order.form],
        "since": written_day(since, person.language),
    }
    await office.post.notices.add(office.post.word(person.id, "agreement_confirmed", values))
    return _told(agreed) | {"correspondent": person.id}


def _check_door(order: Agree, office: Office) -> None:
    """Refuse a way that leads nowhere: what is announced has to be collected by a door of ours."""
    doors = office.registry.doors(order.correspondent)
    if order.form in DOORS and order.form not in doors:
        with_what = "a client or a mailbox" if order.form == "api" else "an SSH key"
        raise refused(f"It has no door '{order.form}'; it comes in once it has {with_what}.")
    if order.form == "sftp" and order.purpose not in _IN_FOLDERS:
        raise refused(
            "By SFTP there are requests, orders and their reminders, each in its folder. Agree to "
            "another form for the rest, or to none: then it goes by post."
        )
    if order.form == "webhook" and "api" not in doors:
        raise refused(
            "A webhook only says that something waits, which is collected over the API. Give it a "
            "client first, with 'client add'."
        )


def _says_the_same(held: Agreed, new: Agreed) -> bool:
    return (held.purpose, held.form, held.address) == (new.purpose, new.form, new.address) and (
        held.since <= new.since and held.until is None
    )


async def end_agreement(identity: str, until: dt.date | None, office: Office) -> dict[str, Any]:
    """End an agreement from a day on; raises Refused.

    Not from a day that is past: what was sent on it then was sent rightly.
    """
    found = office.post.people.agreement(identity)
    if found is None:
        raise refused("There is no agreement with this id; 'correspondent show' names them.")
    correspondent, agreed = found
    today = uk_day(office.clock())
    day = max(until or today, agreed.since)
    if until is not None and until != day:
        raise refused(f"The agreement holds from {agreed.since}; it cannot end before.")
    if agreed.until is not None and agreed.until <= day:
        raise refused(f"The agreement ended on {agreed.until} already; make a new one.")
    if day < today:
        raise refused("An agreement ends today or later; what was sent until now was sent on it.")
    await office.post.people.end(identity, day)
    return {"id": identity, "correspondent": correspondent, "until": day.isoformat()}


# --- what somebody prefers ----------------------------------------------------------------------


async def prefer(order: Prefer, office: Office) -> dict[str, Any]:
    """Keep what somebody says about post, and confirm what that changes; raises Refused."""
    person = _person(order.correspondent, office)
    since = order.since or uk_day(office.clock())
    history = office.post.people.preferences(person.id)
    last = history[-1] if history else None
    if last is not None and since < last.since:
        raise refused(
            f"What holds since {last.since} was said later; give that day or a later one."
        )
    await office.post.people.prefer(person.id, since, post=order.post)
    changed = order.post != (last is not None and last.post)
    if changed:
        values: dict[str, Value] = {
            "to_post": order.post,
            "to_electronic": not order.post,
            "since": written_day(since, person.language),
        }
        await office.post.notices.add(office.post.word(person.id, "preference_changed", values))
    told = {"correspondent": person.id, "post": order.post, "since": since.isoformat()}
    return told | {"changed": changed}


# --- looking ------------------------------------------------------------------------------------


async def show(identity: str, office: Office) -> dict[str, Any]:
    """How somebody is reached, what they said, and what was sent to them; raises Refused.

    Of a webhook's secret it says only that there is one.
    """
    person = _person(identity, office)
    await office.post.people.looked_at(identity)  # every look at personal data is an entry
    contact = office.post.open(person)
    sent = office.post.notices.sent_to(identity)
    return {
        "id": person.id,
        "kind": person.kind,
        "nation": person.nation,
        "language": person.language,
        "contact": {
            "address": list(contact.address),
            "email": contact.email,
            "webhook": contact.webhook,
            "has_secret": contact.secret is not None,
        },
        "agreements": _agreements(identity, contact, office),
        "preferences": [
            {"since": each.since.isoformat(), "post": each.post}
            for each in office.post.people.preferences(identity)
        ],
        "sent": sent["form"],
        "notices": sent["state"],
    }


def listed(after: str, office: Office) -> list[dict[str, Any]]:
    """Those whose ids come after one, with the forms that each agreed to and can be reached by."""
    today = uk_day(office.clock())
    found = []
    for person in office.post.people.correspondents(after, LISTED):
        held = office.post.people.preferences(person.id)
        post = [each.post for each in held if each.since <= today]
        agreed = [
            each for each in office.post.people.agreements(person.id) if each.as_rule().holds(today)
        ]
        found.append(
            {
                "id": person.id,
                "kind": person.kind,
                "nation": person.nation,
                "language": person.language,
                "agreed": sorted({f"{each.purpose}:{each.form}" for each in agreed}),
                "prefers_post": bool(post and post[-1]),
            }
        )
    return found


def _agreements(identity: str, contact: Contact, office: Office) -> list[dict[str, Any]]:
    today = uk_day(office.clock())
    found = []
    for each in office.post.people.agreements(identity):
        address = contact.address_of(each.form)
        covers = address is not None and (
            each.address == office.post.tag(identity, each.form, address)
        )
        found.append(_told(each) | {"live": each.as_rule().holds(today), "covers": covers})
    return found


def _told(agreed: Agreed) -> dict[str, Any]:
    return {
        "id": agreed.id,
        "purpose": agreed.purpose,
        "form": agreed.form,
        "since": agreed.since.isoformat(),
        "until": None if agreed.until is None else agreed.until.isoformat(),
        "evidence": agreed.evidence,
    }


def _person(identity: str, office: Office) -> Correspondent:
    found = office.post.people.correspondent(identity)
    if found is None:
        raise refused("There is no correspondent with this id; add it with 'correspondent put'.")
    return found
