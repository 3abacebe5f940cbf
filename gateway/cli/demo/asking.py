"""The part of the story in which somebody without an account is asked: by letter, with a code."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, Final

import aiohttp

from gateway.administration.orders import AddParty, Agree, PutCorrespondent
from gateway.cli import office
from gateway.cli.demo import cast
from gateway.cli.demo.stage import Stage, expect
from gateway.cli.demo.voice import Voice
from gateway.core.channel import Purpose
from gateway.edge import tls
from gateway.judge.pack import verify_pack
from gateway.notify_stand_in.messages import Message

CAFE: Final = "corner-cafe"
_ORDER: Final = {
    "order": "DEO-2026-0009",
    "start": "2026-12-01",
    "weekly_pence": 2_500,
    "two_weekly_pence": 5_000,
    "four_weekly_pence": 10_000,
    "monthly_pence": 10_833,
}
_PATIENCE: Final = 100
_CODE: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}")


async def agreeing(stage: Stage, voice: Voice) -> None:
    """The bank agrees to be asked by its own door; the café agrees to nothing."""
    await office.order(stage.config, PutCorrespondent(id=cast.BANK, kind="organisation"))
    purposes: tuple[Purpose, ...] = ("requests", "orders", "reminders")
    for purpose in purposes:
        agreed = Agree(
            correspondent=cast.BANK, purpose=purpose, form="api", evidence="signed on entry"
        )
        await office.order(stage.config, agreed)
    cafe = AddParty(id=CAFE, kind="organisation", name="Corner Café", classes=("employer",))
    await office.order(stage.config, cafe)
    address = ("Corner Café", "3 Example Street", "Exampleton", "SW1A 1AA")
    await office.order(
        stage.config, PutCorrespondent(id=CAFE, kind="organisation", address=address)
    )
    voice.step("A bank agreed to be asked at its own door. A café has no account, and a letterbox.")
    voice.shows(
        "the law lets a notice go electronically only where its recipient agreed to address, form "
        "and purpose. Where nothing says so, there is a letter."
    )


async def served_by_letter(stage: Stage, voice: Voice) -> None:
    """An order to the café, the letter that brings it, and the answer through the code in it."""
    enforcement = stage.clients["enforcement"]
    identity = await enforcement.raise_request(
        organisation=CAFE,
        purposes=("COLLECT_ENFORCE",),
        citation="CSA 1991 s31",
        subject=cast.SUBJECT,
        kind="deo",
        terms=_ORDER,
    )
    letter = await _letter(stage, identity)
    code = None if letter is None else _CODE.search(letter.body)
    expect(code is not None, "no letter with a code went out")
    assert letter is not None
    assert code is not None
    voice.step("Raised a deduction from earnings order for somebody who works at the café.")
    voice.line(f"Its letter: {letter.subject}")
    url = f"https://localhost:{stage.gateway.port}"
    context = tls.client_context(stage.directory / "pki" / "server-ca.pem")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        told = await _call(session, "POST", f"{url}/v1/access", {"code": code[0]})
        expect(told.get("request") == identity, "the code did not open the order")
        bearer = {"Authorization": f"Bearer {told['access_token']}"}
        order = await _call(session, "GET", f"{url}/v1/requests/{identity}", headers=bearer)
        weekly = order["terms"]["weekly_pence"]
        voice.line(f"The code opened it: £{weekly // 100}.{weekly % 100:02d} a week.")
        other = next(iter(stage.requests.values()))
        found = await _call(session, "GET", f"{url}/v1/requests/{other}", headers=bearer)
        expect(found.get("status") == 404, "the code opened another request too")
        again = await _call(session, "POST", f"{url}/v1/access", {"code": code[0]})
        expect(again.get("status") == 403, "the code worked twice")
        line = {
            "type": "order_status",
            "who": {key: cast.SUBJECT[key] for key in ("surname", "forenames", "nino")},
            "status": {"order": _ORDER["order"], "code": "set_up", "on": "2026-12-01"},
        }
        answered = await _call(
            session, "POST", f"{url}/v1/submissions", line,
            headers=bearer | {"Content-Type": "application/jsonl", "Request-Id": identity},
        )  # fmt: skip
    expect(answered.get("state") == "accepted", "the café's answer was not accepted")
    request = await enforcement.request(identity)
    expect(request.state == "answered", f"the order stands as {request.state}")
    voice.line("The café said that it is set up, and holds a receipt like everybody else.")
    voice.shows(
        "a code opens one request, once, and nothing else; who has no account answers as well as "
        "a bank does."
    )
    await _proving(stage, voice, identity)


async def _letter(stage: Stage, identity: str) -> Message | None:
    """The letter about a request, once it has gone; it goes within the second."""
    for _ in range(_PATIENCE):
        await stage.gateway.asking.jobs.run_now("notices")
        for message in stage.post.messages.newest():
            if identity in message.subject and message.type == "letter":
                return message
        await asyncio.sleep(0.1)
    return None


async def _proving(stage: Stage, voice: Voice, identity: str) -> None:
    """What is owed to enforcement, and the evidence of the order."""
    owed = await stage.clients["enforcement"].obligations()
    pack = await stage.clients["enforcement"].evidence_pack(identity, fresh=True)
    path = stage.directory / f"{identity}.evidence.zip"
    path.write_bytes(pack)
    verdict = verify_pack(pack, stage.vkey, request=identity)
    expect(verdict.ok, f"the evidence does not verify: {verdict.findings[:1]}")
    counts = ", ".join(f"{count} {name}" for name, count in owed.totals.items() if count)
    voice.step(
        "Put the evidence of the order into one archive, and verified it with the key alone."
    )
    voice.line(f"It is {path}; its summary.html is for people.")
    voice.line(f"Enforcement sees at a glance what it is owed: {counts}.")
    voice.shows(
        "what was asked, on which ground, the words of each notice, the day on which the law takes "
        "it as given, and each step: every one with its proof from the ledger."
    )


async def _call(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    body: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    kind = {} if body is None else {"Content-Type": "application/json"}
    async with session.request(method, url, data=data, headers=kind | (headers or {})) as answer:
        found: dict[str, Any] = await answer.json(content_type=None)
        return found
