"""An organisation that speaks MESH: its mailbox, the published client, and requests by hand."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
from mesh_client import MeshClient

from gateway import wiring
from gateway.administration.carrying_out import carry_out
from gateway.administration.orders import AddMailbox
from gateway.wiring import clock
from tests.conftest import SAMPLES, House
from tests.party import Party
from tests.schedules import schedule

SCHEDULE = (SAMPLES / "schedule.csv").read_bytes()
ADDRESS = "CMSGATEWAY"
V2 = "application/vnd.mesh.v2+json"
Result = TypeVar("Result")


@dataclass
class Mailbox:
    """A mailbox with its secrets, in the hands of its organisation."""

    id: str
    password: str
    shared_key: str
    party: Party
    house: House
    _count: int = field(default=0)

    def client(self, **options: Any) -> MeshClient:
        """The published client, as an organisation would set it up."""
        issued = self.party.issued
        return MeshClient(
            self.house.url,
            self.id,
            self.password,
            shared_key=self.shared_key.encode(),
            cert=(str(issued.certificate), str(issued.key)),
            verify=str(self.house.pki.server_ca),
            **{"max_retries": 0, "timeout": 30} | options,
        )

    async def run(self, work: Callable[[MeshClient], Result], **options: Any) -> Result:
        """Do something with the client, in a thread beside the gateway."""

        def done() -> Result:
            with self.client(**options) as client:
                return work(client)

        return await asyncio.to_thread(done)

    async def send(self, data: bytes = SCHEDULE, **labels: Any) -> str:
        """Send a file with the client; returns the message id."""
        words = {"workflow_id": "CMS_SUBMISSION", "filename": "schedule.csv"} | labels
        return await self.run(lambda client: client.send_message(ADDRESS, data, **words))

    def token(self, **changes: Any) -> str:
        """A fresh authorisation header, with parts of it changed."""
        words = {
            "mailbox": self.id,
            "nonce": str(uuid.uuid4()),
            "count": "0",
            "password": self.password,
            "at": clock().strftime("%Y%m%d%H%M"),
            "key": self.shared_key,
        } | changes
        if isinstance(words["at"], dt.timedelta):
            words["at"] = (clock() + words["at"]).strftime("%Y%m%d%H%M")
        names = ("mailbox", "nonce", "count", "password", "at")
        message = ":".join(words[name] for name in names)
        made = hmac.new(words["key"].encode(), message.encode(), hashlib.sha256).hexdigest()
        return "NHSMESH " + ":".join([*(words[n] for n in names if n != "password"), made])

    async def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        session: aiohttp.ClientSession | None = None,
        **kwargs: Any,
    ) -> tuple[int, Any, dict[str, str]]:
        """A request by hand under `/messageexchange/<mailbox>`; `/` in front takes any address."""
        address = path if path.startswith("/") else f"/messageexchange/{self.id}/{path}".rstrip("/")
        headers = {"Authorization": token or self.token(), "Accept": V2} | kwargs.pop("headers", {})
        opened: AbstractAsyncContextManager[aiohttp.ClientResponse] = (
            session or self.party.session
        ).request(method, self.house.url + address, headers=headers, **kwargs)
        async with opened as response:
            raw = await response.read()
            is_json = raw and response.content_type.endswith("json")
            return response.status, json.loads(raw) if is_json else raw, dict(response.headers)

    async def post(
        self, data: Any = SCHEDULE, path: str = "outbox", **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        """Send a message or chunk by hand; `Mex_To="..."` and so on say what is different."""
        words = {"Mex-To": ADDRESS, "Mex-WorkflowID": "CMS_SUBMISSION"} if path == "outbox" else {}
        words |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.call("POST", path, data=data, headers=words)

    async def inbox(self, **query: Any) -> list[str]:
        """Ids of what waits."""
        status, body, _ = await self.call("GET", "inbox", params=query)
        assert status == 200, body
        return list(body["messages"])

    async def collected(self) -> list[tuple[dict[str, str], bytes]]:
        """Everything that waits: headers and content, not acknowledged."""
        found = []
        for identity in await self.inbox():
            status, body, headers = await self.call("GET", f"inbox/{identity}")
            assert status == 200
            text = body if isinstance(body, bytes) else json.dumps(body).encode()
            found.append((headers, text))
        return found


async def mailbox_of(house: House, name: str, identity: str) -> Mailbox:
    """Give a party of the house a mailbox, as an operator does."""
    gateway = house.gateway
    office = wiring.office(gateway.settings, gateway.store, gateway.law, gateway.ring)
    told = await carry_out(AddMailbox(id=identity, organisation=name), office)
    return Mailbox(identity, told["password"], told["shared_key"], house.parties[name], house)


def rows(count: int) -> bytes:
    """A schedule of so many rows; a thousand are about 60 KiB."""
    return schedule(
        *(
            f"E1,M,2026-10-01,2026-10-31,2026-10-30,{n:012d},Surname,1.00,1.00,"
            for n in range(1, count + 1)
        )
    )


def code_of(answer: Any) -> str:
    """The code in an error of version 2."""
    (detail,) = answer["detail"]
    assert detail["event"]
    assert detail["msg"]
    return str(detail["code"])
