"""The sandbox's addresses, for a client: join it, move its time, ask it for faults and a verdict."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import msgspec

from gateway.client.connection import Connection, Patience
from gateway.client.profile import Profile

_JSON = {"Content-Type": "application/json"}


class Sandbox:
    """Speaks to a sandbox as the party of a profile; an async context manager.

    Every method raises Problem for what the sandbox refuses, and UnreachableError.
    """

    def __init__(self, profile: Profile, patience: Patience | None = None) -> None:
        self._connection = Connection(profile, patience or Patience())

    async def __aenter__(self) -> Self:
        await self._connection.__aenter__()
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self._connection.__aexit__()

    async def join(
        self, party: str, classes: tuple[str, ...], csr: str, jwk: Any
    ) -> dict[str, Any]:
        """Become a made-up organisation: its certificate, client, and secret."""
        wanted = {"id": party, "classes": classes, "csr": csr, "jwks": {"keys": [jwk]}}
        return await self._call("POST", "/sandbox/parties", wanted, public=True)

    async def renew(self, party: str, csr: str, secret: str) -> str:
        """Another certificate for a party, in PEM."""
        path = f"/sandbox/parties/{party}/certificates"
        found = await self._call("POST", path, {"csr": csr, "secret": secret}, public=True)
        return str(found["certificate"])

    async def show(self) -> dict[str, Any]:
        """What the sandbox is, and what time it is there."""
        return await self._call("GET", "/sandbox", public=True)

    async def move(self, seconds: int) -> str:
        """Move time forward; returns the time it is then."""
        return str((await self._call("POST", "/sandbox/clock", {"seconds": seconds}))["now"])

    async def ask(self, purpose: str, record_types: tuple[str, ...] = ()) -> dict[str, Any]:
        """Have an information request sent to this party."""
        wanted = {"purpose": purpose, "record_types": record_types}
        return await self._call("POST", "/sandbox/requests", wanted)

    async def fault(self, name: str, times: int = 1, seconds: int = 5) -> int:
        """Have the next calls meet a fault; returns how many wait."""
        wanted = {"fault": name, "times": times, "seconds": seconds}
        return int((await self._call("POST", "/sandbox/faults", wanted))["waiting"])

    async def verdict(self) -> dict[str, Any]:
        """The steps of the conformance run: which were seen, and which are missing."""
        return await self._call("GET", "/sandbox/conformance")

    async def show_receipt(self, receipt: str) -> None:
        """Show a receipt that was kept."""
        path = "/sandbox/conformance/receipt"
        await self._connection.call("POST", path, body=receipt.encode())

    async def certificate(self) -> str:
        """The verdict, signed; raises Problem, naming the steps that are missing."""
        reply = await self._connection.call("POST", "/sandbox/conformance/certificate", body=b"{}")
        return reply.body.decode("ascii")

    async def _call(
        self, method: str, path: str, body: Any = None, *, public: bool = False
    ) -> dict[str, Any]:
        sent = None if body is None else msgspec.json.encode(body)
        headers = None if body is None else _JSON
        reply = await self._connection.call(
            method, path, headers=headers, body=sent, public=public, again=method == "GET"
        )
        found: dict[str, Any] = reply.read(dict[str, Any])
        return found
