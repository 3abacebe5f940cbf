"""`notice`: the words of our notices, and a stand-in for GOV.UK Notify to see them arrive."""

from __future__ import annotations

import asyncio
import signal
import tomllib
from importlib.resources import files
from typing import Any, Final

import click

from gateway import wiring
from gateway.cli import screen
from gateway.cli.command import Command, Group, as_json
from gateway.cli.exits import Exit, Stop, run
from gateway.core.notices import KINDS, LANGUAGES, Kind, Language, NoticeError, Template, Value
from gateway.installed import templates as installed_templates
from gateway.notify_stand_in.keys import ApiKey, new_key, read_key
from gateway.notify_stand_in.serving import StandIn, opened

PORT: Final = 6012
_YES: Final = {"yes": True, "no": False}


@click.group(cls=Group, example="cms-gateway notice list")
def notice() -> None:
    """Notices: what they say, in English and Welsh, and where they go while we practise."""


@notice.command("list", cls=Command, example="cms-gateway notice list")
@as_json
def list_(*, as_json: bool) -> None:
    """List every kind of notice, with its subject and the values that it asks for."""
    templates = installed_templates()
    found = [templates.get(kind, "en") for kind in KINDS]
    if as_json:
        screen.emit(
            [
                {
                    "kind": each.kind,
                    "languages": LANGUAGES,
                    "subjects": {
                        told: templates.get(each.kind, told).subject for told in LANGUAGES
                    },
                    "placeholders": each.placeholders,
                    "flags": sorted(each.flags),
                }
                for each in found
            ]
        )
        return
    screen.rows(
        ("kind", "subject", "values"),
        [(each.kind, each.subject, ", ".join(each.placeholders)) for each in found],
    )


@notice.command(
    cls=Command,
    example="""
        cms-gateway notice preview information_request
        cms-gateway notice preview deo_served --lang cy --set comply_by='1 Rhagfyr 2026'
        cms-gateway notice preview reminder --html > reminder.html
    """,
)
@click.argument("kind", type=click.Choice(KINDS))
@click.option(
    "--lang", "language", type=click.Choice(LANGUAGES), default="en", show_default=True,
    help="English or Welsh.",
)  # fmt: skip
@click.option("--html", "as_html", is_flag=True, help="The body as HTML, as it is in an e-mail.")
@click.option(
    "--set", "settings", metavar="NAME=VALUE", multiple=True,
    help="Another value than the worked example's; for a flag, yes or no.",
)  # fmt: skip
@as_json
def preview(
    kind: Kind, language: Language, settings: tuple[str, ...], *, as_html: bool, as_json: bool
) -> None:
    """Write a notice of KIND, filled in with a worked example about nobody."""
    templates = installed_templates()
    values = _examples(language) | _chosen(settings, templates.get(kind, language))
    try:
        written = templates.render(kind, language, values)
    except NoticeError as error:
        raise Stop(f"{error}. Give another with --set.", Exit.USAGE) from error
    if as_json:
        screen.emit({"subject": written.subject, "body": written.body, "html": written.html})
    elif as_html:
        click.echo(written.html)
    else:
        click.echo(f"{written.subject}\n\n{written.body}")


def _examples(language: Language) -> dict[str, Value]:
    text = (files("schemas") / "notices" / "examples.toml").read_text(encoding="utf-8")
    found: dict[str, Value] = tomllib.loads(text)[language]
    return found


def _chosen(settings: tuple[str, ...], template: Template) -> dict[str, Value]:
    chosen: dict[str, Value] = {}
    for setting in settings:
        name, given, value = setting.partition("=")
        if not given or name not in template.placeholders:
            asked = ", ".join(template.placeholders)
            raise Stop(f"--set takes NAME=VALUE; {template.kind} asks for {asked}.", Exit.USAGE)
        if name in template.flags and value not in _YES:
            raise Stop(f"{name} is yes or no.", Exit.USAGE)
        chosen[name] = _YES[value] if name in template.flags else value
    return chosen


@notice.command(
    "stand-in", cls=Command, example="cms-gateway notice stand-in", exits=(Exit.UNAVAILABLE,)
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=PORT,
    show_default=True,
    help="Port; 0 for any.",
)
@click.option("--key", "key_text", help="API key that it accepts; without, a new one is made.")
@as_json
def stand_in(port: int, key_text: str | None, *, as_json: bool) -> None:
    """Serve a stand-in for GOV.UK Notify on this machine; what is sent to it reaches nobody.

    It knows our templates, keeps the newest messages in memory and shows them at /inbox.
    """
    try:
        key = new_key() if key_text is None else read_key(key_text)
    except ValueError:
        raise Stop("An API key ends with two UUIDs: NAME-SERVICE-SECRET.", Exit.USAGE) from None
    run(_serve(port, key, as_json=as_json))


async def _serve(port: int, key: ApiKey, *, as_json: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with opened(StandIn(installed_templates(), (key,), wiring.clock), port) as url:
        where: dict[str, Any] = {"url": url, "api_key": key.text, "inbox": f"{url}/inbox"}
        if as_json:
            screen.emit(where)
        else:
            screen.facts(where.items())
            screen.say("Nothing that is sent here reaches anybody. Stop with Ctrl-C.")
        await stopped.wait()
