"""`request issue`, `withdraw`, `acknowledge`, `ask` and `answer-question`: one step of a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import click
import msgspec

from gateway.cli import screen
from gateway.cli.command import Command, as_json, profile_option
from gateway.cli.exits import run
from gateway.cli.keeping import opened
from gateway.client.answers import Standing
from gateway.client.api import Client

_ID = "req_00000000000000000000000000"


def _step(profile: Path, take: Callable[[Client], Awaitable[Standing]], *, as_json: bool) -> None:
    """Take a step, and say where the request stands after it."""

    async def work() -> Standing:
        async with opened(profile) as client:
            return await take(client)

    found = run(work())
    if as_json:
        screen.emit(msgspec.to_builtins(found))
        return
    still = f", its clock stands still since {found.clock_stopped}" if found.clock_stopped else ""
    screen.say(f"{found.id} is {found.state}, due on {found.due}{still}.")


@click.command(cls=Command, example=f"cms-gateway request issue {_ID}", speaks=True)
@click.argument("identity", metavar="ID")
@profile_option
@as_json
def issue(identity: str, profile: Path, *, as_json: bool) -> None:
    """Send a draft of ours on its way."""
    _step(profile, lambda client: client.issue(identity), as_json=as_json)


@click.command(cls=Command, example=f"cms-gateway request withdraw {_ID}", speaks=True)
@click.argument("identity", metavar="ID")
@profile_option
@as_json
def withdraw(identity: str, profile: Path, *, as_json: bool) -> None:
    """Ask no longer. Whoever was asked is told."""
    _step(profile, lambda client: client.withdraw(identity), as_json=as_json)


@click.command(
    "answer-question",
    cls=Command,
    example=f"cms-gateway request answer-question {_ID} 'The account in her own name.'",
    speaks=True,
)
@click.argument("identity", metavar="ID")
@click.argument("text")
@profile_option
@as_json
def answer_question(identity: str, text: str, profile: Path, *, as_json: bool) -> None:
    """Answer the organisation's open question with TEXT.

    Its clock runs again, and each day that it waited for us is given back to it.
    """
    _step(profile, lambda client: client.explain(identity, text), as_json=as_json)


@click.command(cls=Command, example=f"cms-gateway request acknowledge {_ID}", speaks=True)
@click.argument("identity", metavar="ID")
@profile_option
@as_json
def acknowledge(identity: str, profile: Path, *, as_json: bool) -> None:
    """Say that a request to us has arrived and is in hand."""
    _step(profile, lambda client: client.acknowledge_request(identity), as_json=as_json)


@click.command(
    cls=Command,
    example=f"cms-gateway request ask {_ID} 'Do you mean the joint account too?'",
    speaks=True,
)
@click.argument("identity", metavar="ID")
@click.argument("text")
@profile_option
@as_json
def ask(identity: str, text: str, profile: Path, *, as_json: bool) -> None:
    """Ask the officer what is meant, with TEXT. Our clock stands still until there is an answer."""
    _step(profile, lambda client: client.query(identity, text), as_json=as_json)
