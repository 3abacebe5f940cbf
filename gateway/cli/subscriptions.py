"""`subscription`: feeds that are pushed, to webhooks and into streams."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, get_args

import click

from gateway.administration.orders import (
    AddSubscription,
    ChangeSubscription,
    ListSubscriptions,
    ReplaySubscription,
    RewindSubscription,
    ShowSubscription,
    SteerSubscription,
)
from gateway.cli import screen
from gateway.cli.command import Command, Group, as_json, config_option
from gateway.cli.exits import Exit
from gateway.cli.office import give
from gateway.core.push import Kind

_EXITS = (Exit.REFUSED, Exit.UNAVAILABLE)
_ID: Final = "sub_00000000000000000000000000"
_KEEP: Final = "Hand this secret over now; it is kept sealed, and not shown again."


@click.group(
    cls=Group,
    example="cms-gateway subscription add tracing tracing --to webhook --url https://...",
)
def subscription() -> None:
    """Feeds that are pushed. Works beside a running gateway, and without one."""


@subscription.command(
    cls=Command,
    example="cms-gateway subscription add tracing tracing --to webhook \\\n"
    "    --url https://hooks.example.org/cms\n"
    "cms-gateway subscription add tracing tracing --to jetstream --after 1200",
    exits=_EXITS,
)
@click.argument("consumer")
@click.argument("feed")
@click.option(
    "--to", "kind", type=click.Choice(get_args(Kind)), required=True, help="By which way it goes."
)
@click.option("--url", help="Where the webhook is: HTTPS, on the public internet.")
@click.option("--secret", help="The webhook's secret, whsec_...; one is made if not given.")
@click.option(
    "--after", type=click.IntRange(0), default=0, show_default=True, help="Begin after this record."
)
@click.option("--from-now", is_flag=True, help="Begin with what comes from now on.")
@config_option
@as_json
def add(
    consumer: str,
    feed: str,
    kind: Kind,
    url: str | None,
    secret: str | None,
    after: int,
    config: Path,
    *,
    from_now: bool,
    as_json: bool,
) -> None:
    """Push FEED of CONSUMER. A webhook's secret is shown now, and never again."""
    wanted = AddSubscription(
        consumer=consumer,
        feed=feed,
        kind=kind,
        url=url,
        secret=secret,
        after=None if from_now else after,
    )
    told = give(config, wanted)
    if as_json:
        screen.emit(told)
        return
    screen.say(f"The feed {feed} of {consumer} is pushed from record {told['upto'] + 1}.")
    _secret(told)
    click.echo(told["id"])


@subscription.command(
    cls=Command,
    example=f"cms-gateway subscription change {_ID} --rotate-secret\n"
    f"cms-gateway subscription change {_ID} --retire-old-secret",
    exits=_EXITS,
)
@click.argument("identity", metavar="SUBSCRIPTION")
@click.option("--url", help="Where the webhook is from now on.")
@click.option("--rotate-secret", "rotate", is_flag=True, help="Sign with a new secret too.")
@click.option("--secret", help="The new secret; one is made if not given.")
@click.option("--retire-old-secret", "retire", is_flag=True, help="Sign with the newest alone.")
@config_option
@as_json
def change(
    identity: str,
    url: str | None,
    secret: str | None,
    config: Path,
    *,
    rotate: bool,
    retire: bool,
    as_json: bool,
) -> None:
    """Change a webhook's URL or secret.

    After a rotation every message has a signature of the new secret and one of the old, so that the
    receiver can change over when it likes; then retire the old one.
    """
    wanted = ChangeSubscription(id=identity, url=url, rotate=rotate, secret=secret, retire=retire)
    told = give(config, wanted)
    if as_json:
        screen.emit(told)
        return
    screen.say(f"Changed {identity}; secrets that count: {told['secrets']}.")
    _secret(told)


def _secret(told: dict[str, Any]) -> None:
    if told["secret"] is not None:
        screen.say(_KEEP)
        screen.facts([("secret", told["secret"])])


@subscription.command("list", cls=Command, example="cms-gateway subscription list", exits=_EXITS)
@click.option("--consumer", help="Those of one consumer.")
@config_option
@as_json
def show_all(consumer: str | None, config: Path, *, as_json: bool) -> None:
    """List the subscriptions, those removed too: how far each is, and what is wrong."""
    told = give(config, ListSubscriptions(consumer=consumer))
    if as_json:
        screen.emit(told)
        return
    names = ("id", "consumer", "feed", "kind", "host", "state", "upto", "behind", "dead", "reason")
    screen.rows(
        ("subscription", *names[1:]),
        [
            tuple("" if each[name] is None else str(each[name]) for name in names)
            for each in told["subscriptions"]
        ],
    )


@subscription.command(cls=Command, example=f"cms-gateway subscription show {_ID}", exits=_EXITS)
@click.argument("identity", metavar="SUBSCRIPTION")
@config_option
@as_json
def show(identity: str, config: Path, *, as_json: bool) -> None:
    """Show how SUBSCRIPTION stands, what is on its way, and what was given up and why."""
    told = give(config, ShowSubscription(id=identity))
    if as_json:
        screen.emit(told)
        return
    names = ("consumer", "feed", "kind", "url", "secrets", "state", "upto", "behind")
    screen.facts([(name, "" if told[name] is None else str(told[name])) for name in names])
    screen.rows(
        ("push", "records", "state", "tries", "next try", "reason", "what to mend"),
        [
            (
                each["id"],
                f"{each['first']}-{each['last']}",
                each["state"],
                str(each["tries"]),
                each["next_try"] or "",
                each["reason"] or "",
                each["mend"] or "",
            )
            for each in told["pushes"]
        ],
    )


@subscription.command(cls=Command, example=f"cms-gateway subscription pause {_ID}", exits=_EXITS)
@click.argument("identity", metavar="SUBSCRIPTION")
@config_option
@as_json
def pause(identity: str, config: Path, *, as_json: bool) -> None:
    """Hand nothing over on SUBSCRIPTION until it is resumed. Nothing is lost."""
    _steer(SteerSubscription(id=identity, act="pause"), "Paused", config, as_json=as_json)


@subscription.command(cls=Command, example=f"cms-gateway subscription resume {_ID}", exits=_EXITS)
@click.argument("identity", metavar="SUBSCRIPTION")
@config_option
@as_json
def resume(identity: str, config: Path, *, as_json: bool) -> None:
    """Go on with SUBSCRIPTION where it was, also after it was disabled."""
    _steer(SteerSubscription(id=identity, act="resume"), "Resumed", config, as_json=as_json)


@subscription.command(cls=Command, example=f"cms-gateway subscription remove {_ID}", exits=_EXITS)
@click.argument("identity", metavar="SUBSCRIPTION")
@config_option
@as_json
def remove(identity: str, config: Path, *, as_json: bool) -> None:
    """End SUBSCRIPTION: its URL and secrets are forgotten. What is in a stream stays there."""
    _steer(SteerSubscription(id=identity, act="remove"), "Removed", config, as_json=as_json)


def _steer(wanted: SteerSubscription, word: str, config: Path, *, as_json: bool) -> None:
    told = give(config, wanted)
    if as_json:
        screen.emit(told)
    else:
        screen.say(f"{word} {wanted.id}.")


@subscription.command(
    cls=Command, example=f"cms-gateway subscription rewind {_ID} --after 1200", exits=_EXITS
)
@click.argument("identity", metavar="SUBSCRIPTION")
@click.option(
    "--after", type=click.IntRange(0), required=True, help="The record to begin after; 0 for all."
)
@config_option
@as_json
def rewind(identity: str, after: int, config: Path, *, as_json: bool) -> None:
    """Hand over again what comes after a record. Consumers know repeats by the sequence number."""
    told = give(config, RewindSubscription(id=identity, after=after))
    if as_json:
        screen.emit(told)
    else:
        screen.say(f"{identity} goes on after record {after}.")


@subscription.command(
    cls=Command,
    example=f"cms-gateway subscription replay {_ID}\n"
    f"cms-gateway subscription replay {_ID} psh_00000000000000000000000000",
    exits=_EXITS,
)
@click.argument("identity", metavar="SUBSCRIPTION")
@click.argument("push", required=False)
@config_option
@as_json
def replay(identity: str, push: str | None, config: Path, *, as_json: bool) -> None:
    """Try anew what was given up on SUBSCRIPTION, or one PUSH of it, under the same webhook-id."""
    told = give(config, ReplaySubscription(id=identity, push=push))
    if as_json:
        screen.emit(told)
    else:
        screen.say(f"Pushes tried anew: {told['replayed']}.")
