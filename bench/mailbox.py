"""Messages a second by MESH, beside `mesh-sandbox`, the NHS's own stand-in for MESH.

    python -m bench.mailbox --sandbox PYTHON

PYTHON is the interpreter of an environment of its own with `mesh-sandbox` in it, so that what it
brings stays out of ours. Both answer the same requests over the same mutual TLS, from one process
each. The sandbox keeps messages in memory and reads nothing; the gateway validates the file, seals
it, flushes it, signs a receipt, and remembers the token.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvloop

from bench import house, load
from bench.process import served
from bench.small import context, schedule
from certs import development
from gateway import wiring
from gateway.administration.carrying_out import carry_out
from gateway.administration.orders import AddMailbox
from gateway.edge import logs
from gateway.wiring import running

_CLIENTS = (1, 32)
_SHARED_KEY = "BenchKey"


async def _serve(directory: Path) -> None:
    """A gateway with a mailbox; until stdin ends."""
    logs.configure()
    settings = house.settings(directory)
    async with running(settings) as gateway:
        told = await house.onboard(directory, gateway)
        office = wiring.office(settings, gateway.store, gateway.law, gateway.ring)
        told["mailbox"] = await carry_out(AddMailbox(id="BENCH1", organisation="employer"), office)
        print(json.dumps(told), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@contextmanager
def _sandbox(python: str, directory: Path) -> Iterator[int]:
    """The sandbox over our certificates; gives its port."""
    pki = development.open_existing(directory / "pki")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = int(held.getsockname()[1])
    command = [python, "-m", "uvicorn", "mesh_sandbox.api:app", "--port", str(port)]
    command += ["--ssl-certfile", str(pki.server_certificate), "--ssl-keyfile", str(pki.server_key)]
    command += ["--ssl-ca-certs", str(pki.client_ca), "--ssl-cert-reqs", "2"]
    command += ["--log-level", "critical"]
    chosen = {"STORE_MODE": "memory", "AUTH_MODE": "full", "SHARED_KEY": _SHARED_KEY}
    process = subprocess.Popen(
        command, env=os.environ | chosen, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _message(box: dict[str, str], recipient: str, number: int) -> bytes:
    """A message that no other call makes, with a token of its own."""
    words = [box["id"], str(uuid.uuid4()), "0", time.strftime("%Y%m%d%H%M", time.gmtime())]
    proof = ":".join([*words[:3], box["password"], words[3]])
    made = hmac.new(box["shared_key"].encode(), proof.encode(), hashlib.sha256).hexdigest()
    headers = {
        "Authorization": f"NHSMESH {':'.join(words)}:{made}",
        "Accept": "application/vnd.mesh.v2+json",
        "Content-Type": "text/csv",
        "Mex-To": recipient,
        "Mex-WorkflowID": "CMS_SUBMISSION",
        "Mex-FileName": "schedule.csv",
    }
    return load.post(f"/messageexchange/{box['id']}/outbox", schedule(number), headers)


async def _rates(
    port: int, told: dict[str, Any], box: dict[str, str], recipient: str, count: int
) -> dict[int, float]:
    found, number = {}, 0
    for clients in _CLIENTS:
        much = count // (4 if clients == 1 else 1)
        best = 0.0
        for _ in range(3):
            requests = [_message(box, recipient, number + n) for n in range(much)]
            number += much
            outcome = await load.run(port, context(told, "employer"), requests, clients)
            assert set(outcome.statuses) == {202}, outcome.statuses
            best = max(best, outcome.rate)
        found[clients] = best
    return found


def measure(python: str, count: int) -> None:
    """Run both, one after the other, and print their rates and the ratio."""
    with tempfile.TemporaryDirectory() as held:
        directory = Path(held)
        with served("bench.mailbox", directory) as (_, told):
            ours = uvloop.run(_rates(told["port"], told, told["mailbox"], "CMSGATEWAY", count))
        box = {"id": "X26ABC1", "password": "password", "shared_key": _SHARED_KEY}
        with _sandbox(python, directory) as port:
            theirs = uvloop.run(_rates(port, told, box, "X26ABC2", count))
    for clients in _CLIENTS:
        ratio = ours[clients] / theirs[clients]
        print(
            f"messages a second, {clients} clients: gateway {ours[clients]:,.0f}, "
            f"mesh-sandbox {theirs[clients]:,.0f}, ratio {ratio:.2f}"
        )


def main() -> None:
    """Measure; or, given a directory, be the gateway that is measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("directory", nargs="?", type=Path)
    options.add_argument("--sandbox", metavar="PYTHON")
    options.add_argument("--count", type=int, default=2_000)
    chosen = options.parse_args()
    if chosen.directory is not None:
        uvloop.run(_serve(chosen.directory))
    elif chosen.sandbox is None:
        options.error("name the interpreter that has mesh-sandbox, with --sandbox")
    else:
        measure(chosen.sandbox, chosen.count)


if __name__ == "__main__":
    main()
