from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certs import development
from gateway import config as configuration
from gateway.cli.exits import Exit
from gateway.wiring import running
from tests.cli.conftest import Cli, config_of, run
from tests.conftest import SAMPLES, House
from tests.judgement import judge


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    made = run("init", tmp_path / "house", "--json")
    assert made.code == Exit.OK, made.err
    assert made.json["vkey"].startswith("gateway.example/ledger+")
    before = {p: p.read_bytes() for p in (tmp_path / "house").rglob("*") if p.is_file()}
    again = run("init", tmp_path / "house")
    assert again.code == Exit.USAGE
    assert "not empty" in again.err
    assert {p: p.read_bytes() for p in (tmp_path / "house").rglob("*") if p.is_file()} == before
    for path in (tmp_path / "house" / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _enrolled(directory: Path, name: str, slug: str, kind: str) -> None:
    config = ("--config", directory / "config.toml")
    assert (
        run("org", "add", name, "--name", name, "--kind", kind, "--class", slug, *config).code == 0
    )
    issued = run("cert", "issue", name, "--directory", directory / name, *config)
    assert issued.code == Exit.OK, issued.err
    added = run("client", "add", name, "--directory", directory / name, *config)
    assert added.code == Exit.OK, added.err
    assert Path(added.out.strip()) == directory / name / "profile.toml"


async def test_from_nothing_to_a_receipt_by_commands_alone(tmp_path: Path, cli: Cli) -> None:
    house = tmp_path / "house"
    assert run("init", house).code == Exit.OK
    await asyncio.to_thread(_enrolled, house, "shop", "employer", "organisation")  # no gateway yet
    path = house / "config.toml"
    path.write_text(path.read_text().replace("port = 8443", "port = 0"))
    async with running(configuration.load(path)) as gateway:
        await asyncio.to_thread(_enrolled, house, "tracing", "tracing", "consumer")  # beside it
        for name in ("shop", "tracing"):
            profile = house / name / "profile.toml"
            url = f'url = "https://localhost:{gateway.port}"'
            profile.write_text(profile.read_text().replace('url = "https://localhost:8443"', url))
        sent = await cli(
            "submit",
            SAMPLES / "schedule.csv",
            "--profile",
            house / "shop" / "profile.toml",
            "--receipts",
            tmp_path,
        )
        assert sent.code == Exit.OK, sent.err
        read = await cli("feed", "read", "tracing", "--profile", house / "tracing" / "profile.toml")
        assert read.out.count(".record.") == 3
        await judge(gateway, tmp_path)


async def test_the_socket_is_the_owners_alone(house: House) -> None:
    path = house.settings.data / "admin.sock"
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_parties_are_listed_shown_and_shut_out(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    config = ("--config", config_of(house, tmp_path))
    listed = await cli("org", "list", "--kind", "consumer", "--json", *config)
    assert {p["id"] for p in listed.json["parties"]} == {"tracing", "calculation", "enforcement"}
    assert "deposit_taker" in (await cli("org", "list", *config)).out
    shown = await cli("org", "show", "bank", "--json", *config)
    assert len(shown.json["certificates"]) == 1
    assert (await house.bank.call("GET", "/v1/requests"))[0] == 200
    gone = await cli("org", "revoke", "bank", *config)
    assert gone.code == Exit.OK, gone.err
    assert (await house.bank.call("GET", "/v1/requests"))[0] == 401
    again = await cli("org", "revoke", "bank", "--json", *config)
    assert again.json["revoked"] == []


async def test_a_certificate_is_listed_shown_and_revoked(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    config = ("--config", config_of(house, tmp_path))
    serial = house.employer.issued.serial
    assert serial in (await cli("cert", "list", "employer", *config)).out
    shown = await cli("cert", "show", "employer", serial, "--json", *config)
    assert shown.json["revoked"] is None
    revoked = await cli("cert", "revoke", "employer", serial, "--json", *config)
    assert revoked.json["revocation_list"]
    assert development.show(house.pki, serial).revoked_at is not None
    missing = await cli("cert", "show", "employer", "abc", *config)
    assert missing.code == Exit.REFUSED
    assert (await cli("cert", "refresh", *config)).code == Exit.OK


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("org", "add", "bank", "--name", "Again", "--class", "employer"), "already"),
        (("org", "add", "BANK", "--name", "Capitals", "--class", "employer"), "a-z"),
        (("org", "add", "shop", "--name", "Shop", "--class", "wizard"), "deposit_taker"),
        (("org", "add", "tracing", "--name", "T", "--class", "tracing"), "'--kind consumer': "),
        (("org", "show", "nobody"), "org add"),
        (("cert", "list", "nobody"), "org add"),
    ],
)
async def test_an_order_that_makes_no_sense_changes_nothing(
    house: House, tmp_path: Path, cli: Cli, words: tuple[str, ...], why: str
) -> None:
    size = house.gateway.store.evidence.size
    found = await cli(*words, "--config", config_of(house, tmp_path))
    assert found.code == Exit.REFUSED
    assert why in found.err
    assert house.gateway.store.evidence.size == size


async def test_a_certificate_is_registered_once_and_for_whom_it_names(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    config = ("--config", config_of(house, tmp_path))
    file = house.bank.issued.certificate
    other = await cli("cert", "add", "employer", file, *config)
    assert other.code == Exit.REFUSED
    assert "another party" in other.err
    again = await cli("cert", "add", "bank", file, *config)
    assert again.code == Exit.REFUSED
    assert "already" in again.err
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    assert (await cli("cert", "add", "bank", nonsense, *config)).code == Exit.USAGE


async def test_a_client_can_bring_its_own_public_keys(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    config = ("--config", config_of(house, tmp_path))
    key = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())) | {"kid": "own"}
    private = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key)) | {"kid": "own"}
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [private]}))
    refused = await cli("client", "add", "bank", "--id", "erp", "--jwks", file, *config)
    assert refused.code == Exit.REFUSED
    assert "private" in refused.err
    file.write_text(json.dumps({"keys": [public]}))
    added = await cli("client", "add", "bank", "--id", "erp", "--jwks", file, *config, "--json")
    assert added.json == {"client": "erp", "profile": None}
    again = await cli("client", "add", "bank", "--id", "erp", "--jwks", file, *config)
    assert "already" in again.err
    wider = await cli(
        "client", "add", "bank", "--id", "e2", "--jwks", file, "--scope", "feeds", *config
    )
    assert wider.code == Exit.REFUSED


async def test_two_who_add_the_same_at_once_do_no_harm(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    config = ("--config", config_of(house, tmp_path))
    orders = [
        house_order(
            house,
            {
                "type": "add-party",
                "id": "twin",
                "kind": "organisation",
                "name": "Twin",
                "classes": ["employer"],
            },
        )
        for _ in range(4)
    ]
    statuses = sorted(await asyncio.gather(*orders))
    assert statuses == [200, 400, 400, 400]
    assert (await cli("org", "show", "twin", *config)).code == Exit.OK


async def house_order(house: House, order: dict[str, object]) -> int:
    connector = aiohttp.UnixConnector(str(house.settings.data / "admin.sock"))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.post("http://gateway/orders", json=order) as response,
    ):
        return response.status


async def test_the_socket_answers_nonsense_with_a_problem(house: House) -> None:
    assert await house_order(house, {"type": "burn-down"}) == 400
    assert await house_order(house, {}) == 400


def test_keys_are_made_shown_and_rotated(tmp_path: Path) -> None:
    assert run("init", tmp_path / "house").code == Exit.OK
    config = ("--config", tmp_path / "house" / "config.toml")
    before = run("key", "show", "--json", *config).json
    assert run("key", "show", *config).out.strip() == before["vkey"]
    assert run("key", "create", *config).code == Exit.USAGE
    for which in ("token", "wrapping"):
        assert run("key", "rotate", which, *config).code == Exit.OK
    after = run("key", "show", "--json", *config).json
    assert after["vkey"] == before["vkey"]
    assert len(after["tokens"]) == 2
    assert after["wrapping"] != before["wrapping"]


def test_settings_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    found = run("org", "list", "--config", tmp_path / "none.toml")
    assert found.code == Exit.USAGE
    assert "none.toml" in found.err


def test_a_ledger_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert run("init", tmp_path / "house").code == Exit.OK
    config = tmp_path / "house" / "config.toml"
    found = run("ledger", "export", tmp_path / "copy", "--config", config)
    assert found.code == Exit.UNAVAILABLE
    assert "no ledger" in found.err
