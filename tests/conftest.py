"""A real gateway for each test that asks for one: mutual TLS on loopback, SQLite on disk, own PKI."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from certs import development
from gateway.config import Settings, Tls
from gateway.edge import keyring
from gateway.wiring import Annex, Gateway, clock, running
from tests.judgement import judge
from tests.party import Party, days_ahead, enrol

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT.parent / "shared" / "reference"
SAMPLES = ROOT / "schemas" / "samples"
FOR_REAL = Annex()

PARTIES = {
    "bank": ("organisation", ["deposit_taker"]),
    "employer": ("organisation", ["employer"]),
    "hmrc": ("organisation", ["gov_hmrc_dwp"]),
    "stranger": ("organisation", []),
    "tracing": ("consumer", ["tracing"]),
    "calculation": ("consumer", ["calculation"]),
    "enforcement": ("consumer", ["enforcement"]),
}


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: for a third of their time tests wait, and compute nothing."""
    return (os.cpu_count() or 1) + 1


@dataclass
class House:
    """A running gateway and everybody who speaks to it."""

    gateway: Gateway
    settings: Settings
    pki: development.DevelopmentPki
    parties: dict[str, Party] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.gateway.port}"

    def __getattr__(self, name: str) -> Party:
        if name.startswith("_") or name not in PARTIES:
            raise AttributeError(name)
        return self.parties[name]

    async def ask(self, consumer: str, organisation: str, *types: str, **more: Any) -> str:
        """Raise a request; returns its id."""
        purposes = {
            "tracing": ["IDENTIFY_TRACE"],
            "calculation": ["DETERMINE_APPLICATION"],
            "enforcement": ["COLLECT_ENFORCE"],
        }
        body = {
            "organisation": organisation,
            "purposes": purposes[consumer],
            "citation": "SI 2008/2551 reg 4(1)",
            "record_types": list(types),
            "subject": {"surname": "Example", "nino": "AA000001A"},
            "due": days_ahead(70),
        } | more
        status, answer, _ = await self.parties[consumer].call("POST", "/v1/requests", json=body)
        assert status == 201, answer
        return str(answer["id"])


def settings_in(directory: Path, pki: development.DevelopmentPki, **changes: Any) -> Settings:
    """Settings of a gateway that lives in a directory."""
    values: dict[str, Any] = {
        "origin": "gateway.test/ledger",
        "issuer": "https://gateway.test",
        "data": directory / "data",
        "keys": directory / "keys",
        "tls": Tls(
            certificate=pki.server_certificate,
            key=pki.server_key,
            participants=pki.client_ca,
            revocation_lists=(pki.crl,),
        ),
        "port": 0,
    }
    return Settings(**(values | changes))


@asynccontextmanager
async def house_in(
    directory: Path,
    pki: development.DevelopmentPki,
    *,
    names: tuple[str, ...] = tuple(PARTIES),
    judged: bool = True,
    annex: Annex = FOR_REAL,
    **changes: Any,
) -> AsyncIterator[House]:
    """A gateway with its parties, until the block is left."""
    settings = settings_in(directory, pki, **changes)
    if not settings.keys.exists():
        keyring.create(settings.keys)
    async with running(settings, annex) as gateway:
        house = House(gateway, settings, pki)
        try:
            for name in names:
                kind, classes = PARTIES[name]
                house.parties[name] = await enrol(gateway, pki, kind, name, classes, house.url)
            yield house
            if judged:
                await judge(gateway, directory)
        finally:
            for party in house.parties.values():
                await party.session.close()


@pytest.fixture(scope="session")
def pki_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One development PKI for the whole run; tests work on copies."""
    directory = tmp_path_factory.mktemp("pki")
    development.create(directory, now=clock())
    return directory


@pytest.fixture
def pki(pki_template: Path, tmp_path: Path) -> development.DevelopmentPki:
    """A development PKI of the test's own."""
    shutil.copytree(pki_template, tmp_path / "pki")
    return development.open_existing(tmp_path / "pki")


@pytest.fixture
async def house(tmp_path: Path, pki: development.DevelopmentPki) -> AsyncIterator[House]:
    """A running gateway with its parties."""
    async with house_in(tmp_path, pki) as opened:
        yield opened
