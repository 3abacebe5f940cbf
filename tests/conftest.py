"""A real gateway for each test that asks for one: mutual TLS on loopback, SQLite on disk, own PKI."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Settings, Tls
from gateway.edge import keyring
from gateway.wiring import Gateway, clock, running
from tests.party import Party, enrol

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT.parent / "shared" / "reference"


@dataclass
class House:
    """A running gateway with a bank, an employer, a department and the three consumers."""

    gateway: Gateway
    directory: Path
    pki: Any
    parties: dict[str, Party] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.gateway.port}"

    def __getattr__(self, name: str) -> Party:
        try:
            return self.parties[name]
        except KeyError:
            raise AttributeError(name) from None
