"""Small submissions a second, and what bounds them, in one run."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import uvloop
from aiohttp import web

from bench import load
from bench.process import served
from gateway.edge import tls

HEADER = (
    "employer_ref,pay_frequency,period_start,period_end,pay_date,employee_cm_ref,nino,surname,"
    "forename,payroll_no,ndr_due,net_earnings,amount_deducted,admin_charge,reason_code,address_1,"
    "town,postcode\r\n"
)
ROW = (
    "E1234567,M,2026-10-01,2026-10-31,2026-10-30,{ref:012d},AA{n:06d}A,Example-Surname,Forename "
    "Second,{payroll},150.00,1200.00,150.00,1.00,,{n} Example Street,Exampleton,SW1A 1AA\r\n"
)


def schedule(first: int, rows: int = 4) -> bytes:
    """A schedule that no other call makes."""
    lines = [ROW.format(ref=first * 1000 + n, n=n, payroll=f"P{first:09d}") for n in range(rows)]
    return (HEADER + "".join(lines) + f"TOTAL,{rows},{150 * rows}.00\r\n").encode()


async def token(told: dict[str, Any], party: str) -> str:
    """An access token, as a client gets it."""
    me = told["parties"][party]
    now = int(time.time())
    claims = {
        "iss": me["client"],
        "sub": me["client"],
        "aud": "https://gateway.bench",
        "iat": now,
        "exp": now + 60,
        "jti": secrets.token_urlsafe(12),
    }
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(claims, me["secret"], "ES256", {"kid": "k"}),
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"https://localhost:{told['port']}/oauth2/token",
            data=form,
            ssl=context(told, party),
        ) as response,
    ):
        return str((await response.json())["access_token"])


def context(told: dict[str, Any], party: str) -> Any:
    """The TLS side of a party."""
    me = told["parties"][party]
    return tls.client_context(Path(told["ca"]), Path(me["certificate"]), Path(me["key"]))


async def _bare(directory: Path) -> None:
    """aiohttp over the same mutual TLS, reading the body and answering; until stdin ends."""
    from bench.house import settings  # noqa: PLC0415

    mine = settings(directory)

    async def read(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=201, text="ok")

    app = web.Application()
    app.router.add_post("/v1/submissions", read)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    ssl_context = tls.server_context(
        certificate=mine.tls.certificate,
        key=mine.tls.key,
        client_ca=mine.tls.participants,
    )
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context).start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def flush_seconds(directory: Path, size: int = 4096, times: int = 400) -> float:
    """One durable append: write and flush."""
    path = directory / "flush"
    with path.open("wb") as file:
        began = time.perf_counter()
        for _ in range(times):
            file.write(bytes(size))
            file.flush()
            os.fdatasync(file.fileno())
        return (time.perf_counter() - began) / times


def processor_seconds(pid: int) -> float:
    """User and system time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(directory: Path, count: int) -> dict[str, float]:
    """Everything small, in requests a second and seconds."""
    directory.mkdir(parents=True, exist_ok=True)
    figures: dict[str, float] = {"flush": flush_seconds(directory)}
    with (
        served("bench.house", directory) as (gateway, told),
        served("bench.small", directory) as (bare, bare_told),
    ):
        bearer = await token(told, "employer")
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "text/csv"}
        at = 0
        for clients in (1, 32):
            much = count // (8 if clients == 1 else 1)
            for name, port, process in (
                ("bare", bare_told["port"], bare),
                ("gateway", told["port"], gateway),
            ):
                best: load.Outcome | None = None
                used = processor_seconds(process)
                for _ in range(3):
                    requests = [
                        load.post("/v1/submissions", schedule(at + n), headers) for n in range(much)
                    ]
                    at += much
                    outcome = await load.run(port, context(told, "employer"), requests, clients)
                    assert set(outcome.statuses) == {201}, outcome.statuses
                    if best is None or outcome.rate > best.rate:
                        best = outcome
                assert best is not None
                used = (processor_seconds(process) - used) / (3 * much)
                figures[f"{name}_cpu"] = used * 1e6
                figures[f"{name}_{clients}"] = best.rate
                figures[f"{name}_{clients}_median"] = best.median
    return figures


def main() -> None:
    """Be the bare server."""
    uvloop.run(_bare(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
