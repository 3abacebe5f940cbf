"""`agreement` and `preference`: what somebody agreed to be sent electronically, and who wants post."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import get_args

import click

from gateway.administration.orders import Agree, EndAgreement, Prefer
from gateway.cli import screen
from gateway.cli.command import Command, Day, Group, as_json, config_option
from gateway.cli.exits import Exit
from gateway.cli.office import give
from gateway.core.channel import Electronic, Purpose

_EXITS = (Exit.REFUSED, Exit.UNAVAILABLE)


@click.group(
    cls=Group, example="cms-gateway agreement make example-bank --purpose requests --form api ..."
)
def agreement() -> None:
    """Agreements to electronic notices: to one purpose, in one form, at one address."""


@agreement.command(
    cls=Command,
    example="cms-gateway agreement make example-bank --purpose requests --form api \\\n"
    "    --evidence 'Form CE4 of 3 November 2026, file 117'",
    exits=_EXITS,
)
@click.argument("identity", metavar="ID")
@click.option(
    "--purpose", type=click.Choice(get_args(Purpose)), required=True, help="What notices are for."
)
@click.option("--form", type=click.Choice(get_args(Electronic)), required=True, help="How they go.")
@click.option(
    "--evidence", required=True, help="Where the agreement itself can be seen; it names nobody."
)
@click.option("--since", type=Day(), help="First day it holds, YYYY-MM-DD; today if not given.")
@config_option
@as_json
def make(
    identity: str,
    purpose: Purpose,
    form: Electronic,
    evidence: str,
    since: dt.date | None,
    config: Path,
    *,
    as_json: bool,
) -> None:
    """Keep that ID agreed, to the address that is known now; ID is told so by a notice.

    Who agrees to all purposes has an agreement for each. The form must lead somewhere: api and
    webhook need a client or a mailbox, sftp an SSH key, email an e-mail address.
    """
    wanted = Agree(
        correspondent=identity, purpose=purpose, form=form, evidence=evidence, since=since
    )
    told = give(config, wanted)
    if as_json:
        screen.emit(told)
        return
    screen.say(f"{identity} agreed to {purpose} by {form} from {told['since']}.")
    click.echo(told["id"])


@agreement.command(
    cls=Command,
    example="cms-gateway agreement end agr_00000000000000000000000000 --until 2027-01-31",
    exits=_EXITS,
)
@click.argument("identity", metavar="AGREEMENT")
@click.option(
    "--until", type=Day(), help="First day it no longer holds, YYYY-MM-DD; today if not given."
)
@config_option
@as_json
def end(identity: str, until: dt.date | None, config: Path, *, as_json: bool) -> None:
    """End AGREEMENT. What was sent on it stays served."""
    told = give(config, EndAgreement(id=identity, until=until))
    if as_json:
        screen.emit(told)
    else:
        screen.say(f"Nothing is sent to {told['correspondent']} on it from {told['until']}.")


@click.group(cls=Group, example="cms-gateway preference set example-bank --post")
def preference() -> None:
    """Whether somebody wants everything by post."""


@preference.command(
    "set",
    cls=Command,
    example="cms-gateway preference set example-bank --post\n"
    "cms-gateway preference set example-bank --no-post --since 2027-01-31",
    exits=_EXITS,
)
@click.argument("identity", metavar="ID")
@click.option("--post/--no-post", required=True, help="Everything by post, or not.")
@click.option("--since", type=Day(), help="First day it holds, YYYY-MM-DD; today if not given.")
@config_option
@as_json
def set_preference(
    identity: str, since: dt.date | None, config: Path, *, post: bool, as_json: bool
) -> None:
    """Keep what ID says about post; post beats every agreement. ID is told of a change."""
    told = give(config, Prefer(correspondent=identity, post=post, since=since))
    if as_json:
        screen.emit(told)
        return
    way = "Everything goes by post" if post else "What was agreed goes electronically"
    again = "" if told["changed"] else " That is as before, so nobody is told."
    screen.say(f"{way} to {identity} from {told['since']}.{again}")
