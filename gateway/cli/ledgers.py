"""`ledger verify`, `export` and `prove`: the auditor's side."""

from __future__ import annotations

from pathlib import Path

import click

from gateway import config as configuration
from gateway.cli import office, screen
from gateway.cli.command import (
    EXISTING,
    FOLDER,
    Command,
    Group,
    as_json,
    key_option,
    profile_option,
)
from gateway.cli.exits import Exit, Stop, run, told
from gateway.cli.keeping import opened, pinned
from gateway.client.export import export
from gateway.core.canonical import b64u, canonical
from gateway.core.checkpoint import CheckpointError, open_checkpoint, parse_vkey
from gateway.core.merkle import HASH_BYTES, ProofError, inclusion_from_tiles
from gateway.core.tiles import Tile, TileError, decode_entries, parse_path, tile_width
from gateway.core.tlog_proof import TlogProof, format_tlog_proof
from gateway.judge.ledger import verify_export
from gateway.judge.store import verify_store
from gateway.store.sqlite.evidence import Evidence

DATABASE = "gateway.sqlite"
_WIDTH = 256

from_config = click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True),
    help="Take it from the data directory of these settings instead of from a gateway.",
)


@click.group(cls=Group, example="cms-gateway ledger verify ledger-copy --key ledger.vkey")
def ledger() -> None:
    """The ledger: copied, verified offline, and proved entry by entry."""


@ledger.command(
    cls=Command,
    example="cms-gateway ledger verify ledger-copy --key ledger.vkey\n"
    "cms-gateway ledger verify ledger-copy --key ledger.vkey --since ledger-copy-of-may/checkpoint\n"
    "cms-gateway ledger verify gateway/data --key ledger.vkey",
    exits=(Exit.REFUSED,),
)
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--since",
    type=EXISTING,
    help="An older checkpoint that was kept: the copy must begin with what it was signed for.",
)
@key_option
@profile_option
@as_json
@click.pass_context
def verify(
    context: click.Context,
    directory: Path,
    since: Path | None,
    key: Path | None,
    profile: Path,
    *,
    as_json: bool,
) -> None:
    """Verify the copy of the ledger in DIRECTORY: every entry, every hash, the signature.

    DIRECTORY may also be the data directory of a gateway, running or not: then also everything that
    is kept beside the ledger. The public key is enough for either.
    """
    with told():
        vkey = pinned(key, profile)
        if not (directory / DATABASE).exists():
            older = None if since is None else since.read_bytes().decode("utf-8", "replace")
            found = verify_export(directory, vkey, since=older)
            what = "ledger"
        elif since is None:
            found = verify_store(directory, vkey)
            what = "store"
        else:
            message = "--since is for a copy: make one with 'ledger export', and verify that."
            raise Stop(message, Exit.USAGE)
    screen.verdict(f"The {what} in {directory}", found, as_json=as_json)
    context.exit(int(Exit.OK if found.ok else Exit.REFUSED))


@ledger.command(
    "export",
    cls=Command,
    example="cms-gateway ledger export ledger-copy --profile auditor.toml",
    speaks=True,
)
@click.argument("directory", type=FOLDER)
@profile_option
@from_config
@as_json
def export_(directory: Path, profile: Path, config: Path | None, *, as_json: bool) -> None:
    """Copy the whole ledger into DIRECTORY, which is new or empty."""

    async def from_gateway() -> int:
        async with opened(profile) as client:
            with screen.progress("ledger", bytes_=False) as progress:
                return await client.export_ledger(directory, progress)

    async def from_data(path: Path) -> int:
        settings = configuration.load(path)
        _, note = office.evidence(settings).checkpoint()
        evidence = office.evidence(settings)  # opened after the checkpoint, so it covers it

        async def fetch(name: str) -> bytes:
            return _file_of(evidence, name)

        with screen.progress("ledger", bytes_=False) as progress:
            return await export(directory, office.vkey(settings), note, fetch, progress)

    size = run(from_gateway() if config is None else from_data(config))
    if as_json:
        screen.emit({"directory": str(directory), "size": size})
        return
    screen.say(
        f"Copied a ledger of size {size}. Verify it with 'cms-gateway ledger verify {directory}'."
    )
    click.echo(directory)


def _file_of(evidence: Evidence, name: str) -> bytes:
    tile = parse_path(name)
    if tile.level is None:
        return evidence.entries_tile(tile.index, tile.width)
    return evidence.tile(tile.level, tile.index, tile.width)


@ledger.command(
    cls=Command,
    example="cms-gateway ledger prove 17 --directory ledger-copy > entry-17.tlog-proof",
    speaks=True,
)
@click.argument("index", type=click.IntRange(0))
@click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Make the proof offline, from a copy of the ledger.",
)
@profile_option
@from_config
@as_json
def prove(
    index: int, directory: Path | None, profile: Path, config: Path | None, *, as_json: bool
) -> None:
    """Prove that entry INDEX is in the ledger; writes a C2SP tlog-proof."""

    async def work() -> str:
        if directory is not None:
            return proof_from(directory, index)
        if config is not None:
            settings = configuration.load(config)
            evidence = office.evidence(settings)
            if index >= evidence.size:
                raise _no_entry(index, evidence.size)
            return evidence.proof(index)
        async with opened(profile) as client:
            return await client.proof(index)

    text = run(work())
    if as_json:
        screen.emit({"index": index, "proof": text})
    else:
        click.echo(text, nl=False)


def proof_from(directory: Path, index: int) -> str:
    """A tlog-proof of an entry from a copy of the ledger; raises Stop where the copy is no good."""
    try:
        note = (directory / "checkpoint").read_text(encoding="utf-8")
        key = parse_vkey((directory / "origin.vkey").read_text(encoding="utf-8").strip())
        size = open_checkpoint(note, key).size
        if index >= size:
            raise _no_entry(index, size)

        def read(level: int, n: int, width: int) -> bytes:
            have = tile_width(level, n, size)
            data = (directory / Tile(level, n, have).path).read_bytes()
            return data[: width * HASH_BYTES]

        n = index // _WIDTH
        width = tile_width(None, n, size)
        bundle = (directory / Tile(None, n, width).path).read_bytes()
        entry = decode_entries(bundle, width)[index % _WIDTH]
        path = tuple(inclusion_from_tiles(index, size, read))
    except (CheckpointError, ProofError, TileError, UnicodeDecodeError) as error:
        message = f"{directory} is not a whole copy of a ledger: {error}. Copy it again."
        raise Stop(message, Exit.REFUSED) from error
    extra = canonical({"entry": b64u(entry)})
    return format_tlog_proof(TlogProof(index, path, note, extra))


def _no_entry(index: int, size: int) -> Stop:
    message = f"There is no entry {index}; the ledger has {size}, the first being 0."
    return Stop(message, Exit.REFUSED)
