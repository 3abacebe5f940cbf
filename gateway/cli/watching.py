"""`watch`: send whatever is put into a folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import click
import msgspec

from gateway.cli import screen
from gateway.cli.command import FOLDER, Command, as_json, profile_option
from gateway.cli.exits import Exit, Stop, run
from gateway.cli.keeping import opened
from gateway.client.drop_folder import DropFolder, DropFolderError, Found
from gateway.client.watch import End, Watcher

_LOOK_SECONDS: Final = 1.0
_CODES: Final = {
    End.TROUBLE: Exit.UNAVAILABLE,
    End.REFUSED: Exit.REFUSED,
    End.PARTIAL: Exit.PARTIAL,
}


@click.command(
    cls=Command,
    example="cms-gateway watch outbox --profile example-employer/profile.toml\n"
    "cms-gateway watch outbox --once",
    exits=(Exit.PARTIAL,),
    speaks=True,
)
@click.argument("directory", type=FOLDER)
@click.option("--once", is_flag=True, help="Send what is there, and end.")
@click.option(
    "--settle",
    type=click.FloatRange(0, 3_600),
    default=5.0,
    show_default=True,
    help="Seconds for which a file must not have changed.",
)
@profile_option
@as_json
@click.pass_context
def watch(
    context: click.Context,
    directory: Path,
    settle: float,
    profile: Path,
    *,
    once: bool,
    as_json: bool,
) -> None:
    """Send every file that is put into DIRECTORY/inbox, and move it to done or refused.

    Beside it there go NAME.outcome.json, NAME.errors.csv where rows were refused, and the receipt,
    NAME.tlog-proof. A file in inbox/req_... answers that request. Links, folders, hidden files and
    names that end in .part, .tmp or .filepart are left alone. It can be killed at any moment and
    started again: nothing is lost, and nothing is sent twice.
    """

    async def work() -> Exit:
        ends: set[End] = set()
        async with opened(profile) as client:
            with DropFolder(directory) as folder:
                watcher = Watcher(client, folder, tell, settle)
                while True:
                    now = await watcher.pass_over()
                    ends = {*(ends - {End.UNSETTLED}), *now} if once else set()
                    if once and End.UNSETTLED not in now:
                        return next((code for end, code in _CODES.items() if end in ends), Exit.OK)
                    await asyncio.sleep(min(_LOOK_SECONDS, settle or _LOOK_SECONDS))

    def tell(file: Found, end: End, where: str) -> None:
        _tell(file, end, where, as_json=as_json)

    try:
        context.exit(int(run(work())))
    except DropFolderError as error:
        raise Stop(str(error), Exit.UNAVAILABLE) from error


def _tell(file: Found, end: End, where: str, *, as_json: bool) -> None:
    name = f"{file.folder}/{file.path.name}" if file.folder else file.path.name
    if as_json:
        line = {"file": name, "end": end.value, "where": where}
        click.echo(msgspec.json.encode(line).decode())  # one line for each: it may go on for ever
        return
    if end is End.TROUBLE:
        screen.say(f"{name}: {end.value}: {where}")
        return
    screen.say(f"{name}: {end.value}.")
    click.echo(where)
