"""`duties`: who must give information, for what, and which parts of it each use may see."""

from __future__ import annotations

import datetime as dt
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from gateway import config as configuration
from gateway.cli import screen
from gateway.cli.command import ANY_PATH, CONFIG_VARIABLE, FOLDER, Command, Day, Group, as_json
from gateway.cli.exits import Exit, Stop, told
from gateway.core.duty import Law
from gateway.core.duty_table import ProviderClass
from gateway.installed import law

USES: Final = ("trace", "calculate", "enforce")

_config = click.option(
    "--config",
    type=ANY_PATH,
    envvar=CONFIG_VARIABLE,
    show_envvar=True,
    help="Settings of a gateway, for the classes of its own; without, the table as it is installed.",
)


@click.group(cls=Group, example="cms-gateway duties list")
def duties() -> None:
    """The duty table: classes of organisations, what they may be asked for, and why."""


@duties.command("list", cls=Command, example="cms-gateway duties list")
@_config
@as_json
def list_(config: Path | None, *, as_json: bool) -> None:
    """List every class, on or off, with its citation."""
    table = _table(config)
    if as_json:
        screen.emit({"version": table.version, "classes": msgspec.to_builtins(table.classes)})
        return
    screen.rows(
        ("class", "state", "in force", "sure", "who", "citation"),
        [
            (item.slug, state_of(item), item.in_force, item.confidence, item.title, item.citation)
            for item in table.classes.values()
        ],
    )
    screen.say(f"Rules {table.version}. 'duties show CLASS' says what a class may be asked for.")


@duties.command(cls=Command, example="cms-gateway duties show employer", exits=(Exit.REFUSED,))
@click.argument("slug", metavar="CLASS")
@_config
@as_json
def show(slug: str, config: Path | None, *, as_json: bool) -> None:
    """Show one CLASS: what it may be asked for and sends unasked, and which use sees what."""
    table = _table(config)
    item = _class(table, slug)
    if as_json:
        screen.emit(msgspec.to_builtins(item))
        return
    screen.facts(
        (
            ("class", f"{item.slug}: {item.title}"),
            ("state", state_of(item) + (f". {item.note}" if item.note else "")),
            ("citation", f"{item.citation} (confidence {item.confidence})"),
            ("in force", f"{item.in_force}" + (f" until {item.until}" if item.until else "")),
            ("never for", ", ".join(item.barred) or "(nothing is barred)"),
            ("sees what", f"{item.ground.citation} (confidence {item.ground.confidence})"),
        )
    )
    screen.rows(
        ("record type", *USES),
        [
            (line.record_type, *(" ".join(line.groups(use)) or "-" for use in USES))
            for line in item.sends
        ],
    )
    for duty in item.standing:
        what, why = ", ".join(duty.record_types), ", ".join(duty.purposes)
        screen.say(f"Sent without being asked: {what}; for {why} ({duty.citation}).")


@duties.command(
    cls=Command,
    example="cms-gateway duties enable academy_proprietor --citation 'SI 2030/1 reg 2' \\\n"
    "    --in-force 2030-04-06 --directory own-duties",
    exits=(Exit.REFUSED,),
)
@click.argument("slug", metavar="CLASS")
@click.option("--citation", required=True, help="The instrument that puts the class under a duty.")
@click.option("--in-force", type=Day(), required=True, help="The day from which it does.")
@click.option(
    "--directory",
    type=FOLDER,
    required=True,
    help="Where the class file is written: the directory that 'duties' of the settings names.",
)
@as_json
def enable(slug: str, citation: str, in_force: dt.date, directory: Path, *, as_json: bool) -> None:
    """Switch a CLASS on by entering the instrument it rests on.

    It is in force from the gateway's next start, which enters the change in the ledger.
    """
    _class(_table(None), slug)
    if not citation.strip() or not citation.isprintable() or '"' in citation or "\\" in citation:
        raise click.BadParameter("Name the instrument on one line, without quotes or backslashes.")
    shipped = files("schemas") / "duties" / "classes" / f"{slug}.toml"
    head, parted, rest = shipped.read_text(encoding="utf-8").partition("\n[")
    entered = {
        "citation": f'"{citation.strip()}"',
        "confidence": '"V"',
        "in_force": in_force.isoformat(),
        "enabled": "true",
    }
    lines = [_entered(line, entered) for line in head.splitlines() if not line.startswith("note")]
    path = directory / f"{slug}.toml"
    with told():
        directory.mkdir(parents=True, exist_ok=True)
        if path.exists():
            raise Stop(f"{path} is there already; change it by hand.", Exit.REFUSED)
        path.write_text("\n".join(lines) + parted + rest, encoding="utf-8")
    item = law(directory).classes[slug]  # what was written can be read
    if as_json:
        screen.emit({"file": str(path)} | msgspec.to_builtins(item))
        return
    screen.say(
        f"Wrote {path}. Name its directory as 'duties' in the settings and start the gateway again."
    )


def _entered(line: str, entered: dict[str, str]) -> str:
    name, equals, _ = line.partition(" = ")
    return f"{name} = {entered[name]}" if equals and name in entered else line


def state_of(item: ProviderClass) -> str:
    """Whether a class may be asked at all."""
    return "on" if item.enabled else "off"


def _table(config: Path | None) -> Law:
    with told():
        return law(None if config is None else configuration.load(config).duties)


def _class(table: Law, slug: str) -> ProviderClass:
    found: Any = table.classes.get(slug)
    if found is None:
        raise Stop(f"There is no class '{slug}'; 'duties list' names them.", Exit.REFUSED)
    return table.classes[slug]
