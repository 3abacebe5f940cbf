"""`init`, `serve` and `version`."""

from __future__ import annotations

import asyncio
import platform
import ssl
from importlib.metadata import version
from pathlib import Path

import apsw
import click

from gateway import config as configuration
from gateway import installed, wiring
from gateway.cli import house, office, readiness, screen
from gateway.cli.command import FOLDER, Command, as_json, config_option, program
from gateway.cli.exits import Exit, told


@click.command(cls=Command, example="cms-gateway init gateway && cd gateway")
@click.argument("directory", type=FOLDER)
@click.option(
    "--port", type=click.IntRange(1, 65_535), default=house.PORT, show_default=True, help="Port."
)
@click.option(
    "--origin",
    default="gateway.example/ledger",
    show_default=True,
    help="Name of the ledger; it can never be changed.",
)
@as_json
def init(directory: Path, port: int, origin: str, *, as_json: bool) -> None:
    """Make settings, a key ring and a development PKI in DIRECTORY; nothing is overwritten.

    Also a sample schedule.csv to send, the ledger's public key in ledger.vkey, and auditor.toml, a
    profile with which anybody can copy and verify the ledger.
    """
    with told():
        path = house.create(directory, port=port, origin=origin)
        settings = configuration.load(path)
        vkey = office.vkey(settings)
        house.write_auditor(directory, settings.issuer, vkey)
        house.copy_sample(directory)
    if as_json:
        screen.emit({"config": str(path), "vkey": vkey})
        return
    who, call = "example-employer", program()
    screen.say(
        f"Made {path}, a key ring in {settings.keys} and a development PKI in {directory / 'pki'}.\n"
        "Keep the key ring apart from the data and its backups. What to do next:\n\n"
        f"  cd {directory}\n"
        f"  {call} serve &\n"
        f"  {call} org add {who} --name 'Example Employer Ltd' --class employer\n"
        f"  {call} cert issue {who} --directory {who}\n"
        f"  {call} client add {who} --directory {who}\n"
        f"  {call} submit {house.SAMPLE} --profile {who}/profile.toml\n\n"
        f"The ledger's public key, with which all it says can be verified (also in {house.VKEY}):"
    )
    click.echo(vkey)


@click.command(
    cls=Command,
    example="cms-gateway serve --config gateway/config.toml",
    exits=(Exit.UNAVAILABLE,),
)
@config_option
@click.pass_context
def serve(context: click.Context, config: Path) -> None:
    """Serve until a signal; logs go to stderr, one JSON object a line."""
    with told():
        settings = configuration.load(config)
        readiness.check(settings, config)
        with readiness.listening_told(settings), asyncio.Runner(loop_factory=_loop) as runner:
            context.exit(runner.run(wiring.serve(settings)))


def _loop() -> asyncio.AbstractEventLoop:
    """The fast event loop where there is one."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


@click.command("version", cls=Command, example="cms-gateway version --json")
@as_json
def show_version(*, as_json: bool) -> None:
    """Show the versions of the gateway and of what it stands on."""
    found = {
        "cms-gateway": version("cms-gateway"),
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "openssl": ssl.OPENSSL_VERSION,
        "rules": installed.law().version,
    }
    if as_json:
        screen.emit(found)
    else:
        screen.facts(found.items())
