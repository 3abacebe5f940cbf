"""Feeds that are pushed: to a webhook, which is told that there is something, or into a stream."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from gateway.administration.office import Office, party_of, refused
from gateway.administration.orders import (
    AddSubscription,
    ChangeSubscription,
    ReplaySubscription,
    RewindSubscription,
    SteerSubscription,
)
from gateway.administration.webhooks import check_secret, check_url, new_secret
from gateway.core.envelope import KEY_BYTES, NONCE_BYTES, Envelope
from gateway.core.limits import PUSH_PAGE_RECORDS, SUBSCRIPTIONS_EACH
from gateway.core.push import TARGET, WORDS, Push, Subscription, Target
from gateway.core.refusal import Refused

# More than one only while a secret is changed.
_SECRETS: Final = 2


async def add_subscription(order: AddSubscription, office: Office) -> dict[str, Any]:
    """Push a feed from now on; the answer alone has a secret that was made."""
    party = party_of(order.consumer, office)
    if party.kind != "consumer" or order.feed not in party.classes:
        raise refused(f"{order.consumer[:64]} is no consumer of the feed '{order.feed[:64]}'.")
    standing = [each for each in office.post.subscriptions.every(order.consumer) if _lives(each)]
    if len(standing) >= SUBSCRIPTIONS_EACH:
        raise refused(f"A consumer has {SUBSCRIPTIONS_EACH} subscriptions at most.")
    end = office.post.subscriptions.end(order.feed)
    after = end if order.after is None else order.after
    if not 0 <= after <= end:
        raise refused(
            f"The feed has records up to {end}; it begins after one of these, or after 0."
        )
    identity, made = office.post.new_id("sub"), None
    sealed: tuple[bytes | None, bytes | None] = (None, None)
    if order.kind == "webhook":
        if order.url is None:
            raise refused("A webhook has a URL. Give one with --url.")
        check_url(order.url, office)
        made, secret = _secret(order.secret, office)
        sealed = _seal(identity, Target(order.url, (secret,)), office)
    elif order.url is not None or order.secret is not None:
        raise refused("A stream has neither a URL nor a secret; it is where [jetstream] says.")
    else:
        _check_stream(order, standing, office)
    new = Subscription(
        id=identity,
        consumer=order.consumer,
        feed=order.feed,
        kind=order.kind,
        state="active",
        wrapped_key=sealed[0],
        target=sealed[1],
        since=after,
        upto=after,
        rewinds=0,
        page=PUSH_PAGE_RECORDS,
        rests="",
        added="",
    )
    await office.post.subscriptions.add(new)
    return _told(new, office) | {"secret": made}


def _check_stream(order: AddSubscription, standing: list[Subscription], office: Office) -> None:
    if not office.post.streams:
        raise refused("The settings have no [jetstream]; enter it first (docs/nats.md).")
    if any((each.kind, each.feed) == ("jetstream", order.feed) for each in standing):
        raise refused("This feed of this consumer goes into its stream already.")


async def change_subscription(order: ChangeSubscription, office: Office) -> dict[str, Any]:
    """Change where a webhook is, or its secret; the answer alone has a secret that was made."""
    found = _found(order.id, office)
    if found.kind != "webhook":
        raise refused("Only a webhook has a URL and a secret; a stream is where [jetstream] says.")
    if order.secret is not None and not order.rotate:
        raise refused("A secret is given together with 'rotate'.")
    if order.url is None and not order.rotate and not order.retire:
        raise refused("Say what is to change: the URL, or the secret.")
    held, made = office.post.open_target(found), None
    secrets = held.secrets[:1] if order.retire else held.secrets
    if order.rotate:
        made, secret = _secret(order.secret, office)
        secrets = (secret, *secrets)[:_SECRETS]
    if order.url is not None:
        check_url(order.url, office)
    target = Target(order.url or held.url, secrets)
    await office.post.subscriptions.change(found.id, *_seal(found.id, target, office))
    return {"id": found.id, "secret": made, "secrets": len(secrets)}


async def steer_subscription(order: SteerSubscription, office: Office) -> dict[str, Any]:
    """Pause, resume or remove; doing it twice changes nothing."""
    found = _found(order.id, office)
    state = {"pause": "paused", "resume": "active", "remove": "removed"}[order.act]
    if order.act == "pause" and found.state == "disabled":
        raise refused("It is disabled, and nothing goes out on it; resume it, or remove it.")
    replayed = 0
    if found.state != state:
        if order.act == "resume" and found.kind == "jetstream":
            replayed = await _replay(_dead(found, office), office)  # what comes after waits for it
        await office.post.subscriptions.set_state(found.id, state)
    return {"id": found.id, "state": state, "replayed": replayed}


async def rewind_subscription(order: RewindSubscription, office: Office) -> dict[str, Any]:
    """Hand over again what comes after a record."""
    found = _found(order.id, office)
    end = office.post.subscriptions.end(found.feed)
    if not 0 <= order.after <= end:
        raise refused(f"The feed has records up to {end}; name one of these, or 0.")
    await office.post.subscriptions.rewind(found.id, order.after)
    return {"id": found.id, "upto": order.after}


async def replay_subscription(order: ReplaySubscription, office: Office) -> dict[str, Any]:
    """Try anew what was given up; a subscription that was disabled goes on with it."""
    found = _found(order.id, office)
    dead = [each for each in _dead(found, office) if order.push in {None, each.id}]
    if not dead:
        raise refused("There is nothing that was given up; 'subscription show' names what was.")
    replayed = await _replay(dead, office)
    if found.state == "disabled":
        await office.post.subscriptions.set_state(found.id, "active")
    return {"id": found.id, "replayed": replayed}


async def _replay(dead: list[Push], office: Office) -> int:
    for push in dead:
        await office.post.subscriptions.replay(push)
    return len(dead)


def _dead(found: Subscription, office: Office) -> list[Push]:
    return [each for each in office.post.subscriptions.pushes(found.id) if each.state == "dead"]


# --- looking --------------------------------------------------------------------------------------


def every_subscription(consumer: str | None, office: Office) -> list[dict[str, Any]]:
    """Every subscription, or those of a consumer."""
    return [_told(each, office) for each in office.post.subscriptions.every(consumer)]


def show_subscription(identity: str, office: Office) -> dict[str, Any]:
    """How a subscription stands, with its rows; of its secrets it says only how many there are."""
    found = office.post.subscriptions.one(identity)
    if found is None:
        raise _unknown()
    target = office.post.open_target(found) if found.target is not None else None
    return _told(found, office) | {
        "url": None if target is None else target.url,
        "secrets": 0 if target is None else len(target.secrets),
        "pushes": [
            {
                "id": each.id,
                "first": each.first,
                "last": each.last,
                "state": each.state,
                "tries": each.tries,
                "next_try": each.next_try if each.state == "waiting" else None,
                "reason": each.reason,
                "mend": WORDS.get(each.reason or ""),
            }
            for each in office.post.subscriptions.pushes(found.id)
        ],
    }


def _told(found: Subscription, office: Office) -> dict[str, Any]:
    rows = office.post.subscriptions.pushes(found.id)
    reasons = [each.reason for each in rows if each.reason is not None]
    host = None
    if found.target is not None:
        host = urlsplit(office.post.open_target(found).url).hostname
    return {
        "id": found.id,
        "consumer": found.consumer,
        "feed": found.feed,
        "kind": found.kind,
        "host": host,
        "state": found.state,
        "upto": found.upto,
        "behind": max(office.post.subscriptions.end(found.feed) - found.upto, 0),
        "waiting": sum(each.state == "waiting" for each in rows),
        "dead": sum(each.state == "dead" for each in rows),
        "reason": reasons[-1] if reasons else None,
    }


# --- pieces ---------------------------------------------------------------------------------------


def _lives(found: Subscription) -> bool:
    return found.state != "removed"


def _unknown() -> Refused:
    return refused("There is no subscription with this id; 'subscription list' names them.")


def _found(identity: str, office: Office) -> Subscription:
    found = office.post.subscriptions.one(identity)
    if found is None or not _lives(found):
        raise _unknown()
    return found


def _secret(given: str | None, office: Office) -> tuple[str | None, str]:
    """The secret that was made, if one was, and the one that counts; raises Refused."""
    made = new_secret(office) if given is None else None
    secret = made or given or ""
    if " " in secret:
        raise refused("Give one secret; the one that counts now goes on counting beside it.")
    check_secret(secret)
    return made, secret


def _seal(identity: str, target: Target, office: Office) -> tuple[bytes, bytes]:
    key, nonce = office.entropy(KEY_BYTES), office.entropy(NONCE_BYTES)
    packed = msgspec.json.encode(target)
    return (
        office.vault.wrap(key, identity.encode()),
        Envelope(key, identity).seal(TARGET, 0, packed, nonce),
    )
