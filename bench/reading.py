"""Reading back: feed pages beside encoding alone, the judge beside hashing alone, and starting up."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from bench.process import served
from bench.small import context, token
from gateway.core import tiles
from gateway.judge.ledger import verify_export


class Who(msgspec.Struct):
    """The groups that tracing is shown, as Structs, to be encoded by msgspec alone."""

    surname: str
    forenames: str
    nino: str
    cms_reference: str
    payroll_number: str


class Work(msgspec.Struct):
    """The other group of a row."""

    employer_reference: str


class Shown(msgspec.Struct):
    """A record as a feed shows it, without proofs."""

    seq: int
    submission: str
    row: int
    type: str
    who: Who
    work: Work


def encode_alone(count: int = 200_000) -> float:
    """msgspec encoding the same records; records a second."""
    records = [
        Shown(
            n,
            "sub_0123456789ABCDEFGHIJKLMNOP",
            n,
            "deduction",
            Who(f"Surname{n}", f"Forename{n}", f"AA{n:06d}A", f"{n:012d}", f"P{n:07d}"),
            Work("E1234567"),
        )
        for n in range(count)
    ]
    encode = msgspec.json.Encoder().encode
    began = time.perf_counter()
    for record in records:
        encode(record)
    return count / (time.perf_counter() - began)


async def read_feed(told: dict[str, Any], pages: int) -> float:
    """Records a second over mutual TLS, in pages of 10,000, with their proofs."""
    headers = {"Authorization": f"Bearer {await token(told, 'tracing')}"}
    tls = context(told, "tracing")
    url = f"https://localhost:{told['port']}/v1/feeds/tracing"
    cursor: dict[str, str] = {}
    records = 0
    async with aiohttp.ClientSession(read_bufsize=1 << 20) as session:
        began = time.perf_counter()
        for _ in range(pages):
            query = {"limit": "10000", **cursor}
            async with session.get(url, params=query, headers=headers, ssl=tls) as response:
                raw = await response.read()
                cursor = {"after": response.headers["Feed-Next"]}
            records += json.loads(raw[raw.rstrip().rfind(b"\n") + 1 :])["data"]["count"]
        return records / (time.perf_counter() - began)


async def export(told: dict[str, Any], directory: Path) -> tuple[int, str]:
    """The ledger as an export, fetched from its public routes; entries, and the key."""
    tls = context(told, "tracing")
    base = f"https://localhost:{told['port']}/v1/ledger"
    async with aiohttp.ClientSession() as session:

        async def get(path: str) -> bytes:
            async with session.get(f"{base}/{path}", ssl=tls) as response:
                return await response.read()

        vkey = (await get("vkey")).decode().strip()
        checkpoint = await get("checkpoint")
        size = int(checkpoint.split(b"\n")[1])
        directory.mkdir(parents=True)
        (directory / "checkpoint").write_bytes(checkpoint)
        (directory / "origin.vkey").write_text(vkey + "\n")
        for tile in tiles.tiles_of(size):
            path = directory / tile.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(await get(tile.path))
    return size, vkey


def judge(directory: Path, vkey: str) -> tuple[float, float]:
    """Entries a second of the judge, and of hashing the same bytes twice."""
    bundles = sorted((directory / "tile" / "entries").rglob("*"))
    entries = [
        entry
        for path in bundles
        if path.is_file()
        for entry in tiles.decode_entries(
            path.read_bytes(),
            int(path.name) if ".p" in str(path) else 256,
        )
    ]
    began = time.perf_counter()
    for entry in entries:
        hashlib.sha256(entry).digest()
        hashlib.sha256(entry).digest()
    alone = len(entries) / (time.perf_counter() - began)
    began = time.perf_counter()
    verdict = verify_export(directory, vkey)
    assert verdict.ok, verdict.findings[:3]
    return verdict.entries / (time.perf_counter() - began), alone


def start_seconds(directory: Path) -> float:
    """From the start of a process on this store until it listens; the best of three."""
    best = 1e9
    for _ in range(3):
        began = time.perf_counter()
        with served("bench.house", directory):
            best = min(best, time.perf_counter() - began)
    return best
