"""`obligations` and `request stats`: what is owed, and how answers come."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from gateway import config as configuration
from gateway import figures
from gateway.cli import screen
from gateway.cli.command import Command, as_json, config_option, profile_option
from gateway.cli.exits import Exit, run, told
from gateway.cli.keeping import opened
from gateway.client.answers import Obligations


@click.command(
    cls=Command,
    example="cms-gateway obligations --profile example-bank/profile.toml",
    speaks=True,
)
@profile_option
@as_json
def obligations(profile: Path, *, as_json: bool) -> None:
    """Show what we owe, or are owed: by when, on which ground, and whether it came.

    Beside requests stand duties that come round by themselves, such as a payment schedule for each
    month of a deduction from earnings order.
    """

    async def work() -> Obligations:
        async with opened(profile) as client:
            return await client.obligations()

    found = run(work())
    if as_json:
        screen.emit(msgspec.to_builtins(found))
        return
    totals = ", ".join(f"{name} {count}" for name, count in found.totals.items())
    screen.say(f"On {found.day}: {totals}.")
    screen.rows(
        ("due", "standing", "kind", "period", "request", "organisation", "records", "ground"),
        [
            (
                each["due"],
                each["standing"],
                each["kind"],
                each.get("period", ""),
                each["request"],
                each["organisation"],
                ",".join(each["record_types"]),
                each["ground"],
            )
            for each in found.owed
        ],
    )


@click.command(
    cls=Command,
    example="cms-gateway request stats --config gateway/config.toml",
    exits=(Exit.UNAVAILABLE,),
)
@config_option
@as_json
def stats(config: Path, *, as_json: bool) -> None:
    """Count requests by provider class and purpose: asked, answered, open, overdue, and how fast.

    Works beside a running gateway, and without one. A request for two purposes counts for both.
    """
    with told():
        found = figures.requests_in(configuration.load(config).data)
    if as_json:
        screen.emit({"requests": msgspec.to_builtins(found)})
        return
    screen.rows(
        ("class", "purpose", "asked", "answered", "open", "overdue", "median days"),
        [
            (
                each.provider_class or "-",
                each.purpose,
                each.asked,
                each.answered,
                each.open,
                each.overdue,
                "" if each.median_days is None else each.median_days,
            )
            for each in found
        ],
    )
