"""The conformance steps, gone through with this client: what anybody's own software would do."""

from __future__ import annotations

from pathlib import Path

from gateway.client import profile as profiles
from gateway.client.api import Client
from gateway.client.connection import Patience
from gateway.client.sandbox import Sandbox

_PATIENCE = Patience(attempts=6, first_seconds=0.2)


async def rehearse(path: Path, good: Path, mistaken: Path, purpose: str) -> list[str]:
    """Every step, with a good file and one that has a mistaken row; returns what was not seen.

    The mistaken file is the good one but for its mistake, so that the good one mends it.
    """
    profile = profiles.load(path)
    async with Sandbox(profile, _PATIENCE) as there, Client(profile, patience=_PATIENCE) as client:
        asked = await there.ask(purpose)
        requests = await client.requests()
        mine = next(each for each in requests if each.id == asked["id"])

        outcome = await client.submit(good, request=mine.id)
        await client.submit(good, request=mine.id)  # a repeat gets the first receipt
        await there.show_receipt(outcome.receipt)

        for fault in ("busy", "token_expired", "unknown", "dropped"):
            another = await there.ask(purpose)
            await there.fault(fault)
            await client.submit(good, request=another["id"])

        other = await there.ask(purpose)
        in_part = await client.submit(mistaken, request=other["id"])
        await client.submit(good, completes=in_part.id)

        nothing = await there.ask(purpose)
        await client.submit(_NIL, media_type=_RECORD_LINES, request=nothing["id"])
        return list((await there.verdict())["missing"])


_RECORD_LINES = "application/vnd.cms-gateway.records+jsonl"
_NIL = b'{"type":"nil_return","answer":{"code":"NOTHING_HELD"}}\n'
