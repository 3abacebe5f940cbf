from __future__ import annotations

import shutil
from pathlib import Path

from gateway.cli.exits import Exit
from gateway.edge import keyring
from tests.cli.conftest import Cli, config_of, key_file
from tests.conftest import SAMPLES, House


async def sent(house: House) -> None:
    body = (SAMPLES / "schedule.csv").read_bytes()
    assert (await house.employer.submit(body, "text/csv"))[0] == 201


async def test_a_store_is_verified_with_the_key_alone_while_the_gateway_runs(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    await sent(house)
    key = key_file(house, tmp_path)
    found = await cli("ledger", "verify", house.settings.data, "--key", key)
    assert found.code == Exit.OK, found.err
    assert "The store in" in found.err
    since = await cli("ledger", "verify", house.settings.data, "--key", key, "--since", key)
    assert since.code == Exit.USAGE


async def test_a_ledger_is_held_to_an_older_checkpoint(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    config = ("--config", config_of(house, tmp_path))
    key = ("--key", key_file(house, tmp_path))
    await cli("ledger", "export", tmp_path / "first", *config)
    await sent(house)
    await cli("ledger", "export", tmp_path / "second", *config)
    older = tmp_path / "first" / "checkpoint"
    found = await cli("ledger", "verify", tmp_path / "second", *key, "--since", older)
    assert found.code == Exit.OK, found.err
    assert "continues a ledger of size" in found.out
    newer = tmp_path / "second" / "checkpoint"
    back = await cli("ledger", "verify", tmp_path / "first", *key, "--since", newer)
    assert back.code == Exit.REFUSED
    assert "older checkpoint" in back.err


async def test_what_prove_writes_can_be_verified(house: House, tmp_path: Path, cli: Cli) -> None:
    config = config_of(house, tmp_path)
    proved = await cli("ledger", "prove", 3, "--config", config)
    file = tmp_path / "3.tlog-proof"
    file.write_text(proved.out)
    key = key_file(house, tmp_path)
    found = await cli("receipt", "verify", file, "--key", key)
    assert found.code == Exit.OK, found.err
    assert "stands in the ledger" in found.err
    named = await cli("receipt", "verify", file, "--key", key, "--file", key)
    assert named.code == Exit.USAGE
    file.write_text(proved.out.replace("index 3", "index 2"))
    assert (await cli("receipt", "verify", file, "--key", key)).code == Exit.REFUSED


async def test_a_key_that_is_none_is_not_the_fault_of_the_evidence(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    copy = tmp_path / "copy"
    await cli("ledger", "export", copy, "--config", config_of(house, tmp_path))
    broken = tmp_path / "broken.vkey"
    for text in ("nonsense\n", "", "gateway.test/ledger+00000000+AA==\n"):
        broken.write_text(text)
        found = await cli("ledger", "verify", copy, "--key", broken)
        assert found.code == Exit.USAGE, text
        assert str(broken) in found.err
    keyring.create(tmp_path / "other")
    other = keyring.open_ring(tmp_path / "other", origin=house.settings.origin)
    broken.write_text(other.evidence.vkey)
    found = await cli("ledger", "verify", copy, "--key", broken)
    assert found.code == Exit.REFUSED
    assert "another ledger's" in found.err
    shutil.rmtree(copy)
