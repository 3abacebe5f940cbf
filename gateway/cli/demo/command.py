"""`demo`: run the story, then keep serving."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from gateway.cli import house
from gateway.cli.command import FOLDER, Command, program
from gateway.cli.demo import cast, stage, story
from gateway.cli.demo.stage import Stage
from gateway.cli.demo.voice import Voice
from gateway.cli.exits import Exit, run
from gateway.wiring import until_stopped


@click.command(
    cls=Command,
    example="cms-gateway demo --once",
    exits=(Exit.REFUSED, Exit.UNAVAILABLE),
)
@click.option("--once", is_flag=True, help="End after the story instead of serving on.")
@click.option(
    "--directory",
    type=FOLDER,
    help="Where to put everything; new or empty. Otherwise a temporary one, removed at the end.",
)
def demo(directory: Path | None, *, once: bool) -> None:
    """Tell the whole story on a gateway of its own, over real mutual TLS, and check every word.

    Requests are raised, files sent, receipts given, feeds read, and the ledger verified; then it
    keeps serving, and says how to talk to it.
    """
    if directory is not None:
        run(_play(directory.resolve(), once=once))
        return
    temporary = Path(tempfile.mkdtemp(prefix="cms-gateway-"))
    try:
        run(_play(temporary, once=once))
    finally:
        house.remove(temporary)


async def _play(directory: Path, *, once: bool) -> None:
    voice = Voice()
    async with stage.opened(directory) as opened:
        voice.title("The CMS information gateway, from the first certificate to the last proof")
        await story.tell(opened, voice)
        if once:
            voice.step("That is all. Every line above was checked before it was printed.")
            return
        _invite(opened, voice)
        await until_stopped(opened.gateway)


def _invite(opened: Stage, voice: Voice) -> None:
    """Commands that work as they stand, in another terminal."""
    url = f"https://localhost:{opened.gateway.port}"
    employer, tracing = opened.profile(cast.EMPLOYER), opened.profile("tracing")
    receipt = opened.receipt(cast.SCHEDULE.file)
    original = opened.samples / cast.SCHEDULE.file
    gateway = program()
    voice.step(f"The gateway keeps serving on {url}. Talk to it from another terminal:")
    for command in (
        f"{gateway} submit {original} --profile {employer} --receipts {opened.directory}",
        f"{gateway} check {opened.samples / 'schedule-with-a-mistake.csv'}",
        f"{gateway} feed read tracing --profile {tracing} --from 1 --follow",
        f"{gateway} feed status tracing --profile {tracing}",
        (
            f"{gateway} consumer person trace-1 --directory {opened.directory / 'teams' / 'tracing'} "
            f"--book {opened.directory / 'teams' / 'tracing.toml'}"
        ),
        (
            f"{gateway} consumer proposals enforcement --explain "
            f"--directory {opened.directory / 'teams' / 'enforcement'} "
            f"--book {opened.directory / 'teams' / 'enforcement.toml'}"
        ),
        f"{gateway} receipt verify {receipt} --key {opened.key_file} --file {original}",
        f"{gateway} ledger verify {opened.copy} --key {opened.key_file}",
        f"{gateway} ledger export {opened.directory / 'ledger'} --profile {opened.auditor}",
        f"{gateway} org list --config {opened.config}",
        f"curl --cacert {opened.directory / 'pki' / 'server-ca.pem'} {url}/v1/ledger/checkpoint",
    ):
        voice.copy(command)
    voice.line(
        f"Profiles are in {opened.directory / 'parties'}, inboxes and books of the teams in "
        f"{opened.directory / 'teams'}."
    )
    voice.line("Press Ctrl-C to end it; without --directory all of it is then removed.")
