from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from tests.cli.conftest import run
from tests.judge.packs import REQUEST, Story, unanswered


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return unanswered(tmp_path / "keys")


@pytest.fixture
def key(story: Story, tmp_path: Path) -> Path:
    path = tmp_path / "ledger.vkey"
    path.write_text(f"{story.key.vkey}\n")
    return path


def test_a_pack_verifies_with_the_key_alone(story: Story, key: Path, tmp_path: Path) -> None:
    pack = tmp_path / "req_1.zip"
    pack.write_bytes(story.bytes())
    found = run("evidence", "verify", pack, "--key", key, "--request", REQUEST)
    assert found.code == Exit.OK, found.err
    assert "The evidence pack req_1.zip verifies." in found.err
    assert "escalated" in found.out
    told = run("evidence", "verify", pack, "--vkey", key, "--json").json
    assert told["verifies"] is True
    assert told["facts"]["request"] == REQUEST
    assert told["counts"]["entries"] == 11


def test_one_that_does_not_says_why(story: Story, key: Path, tmp_path: Path) -> None:
    pack = tmp_path / "req_1.zip"
    pack.write_bytes(story.bytes().replace(b"Second reminder.", b"Second remainder"))
    found = run("evidence", "verify", pack, "--key", key)
    assert found.code == Exit.REFUSED
    assert "does not verify" in found.err
    pack.write_bytes(story.bytes())
    other = run("evidence", "verify", pack, "--key", key, "--request", "req_2")
    assert other.code == Exit.REFUSED
    assert "Ask for the pack of the request that is meant." in other.err


def test_the_key_never_comes_from_the_pack(story: Story, tmp_path: Path) -> None:
    pack = tmp_path / "req_1.zip"
    pack.write_bytes(story.bytes())
    found = run("evidence", "verify", pack, "--profile", tmp_path / "none.toml")
    assert found.code == Exit.USAGE
    assert "--key" in found.err
