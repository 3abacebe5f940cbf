"""What handlers find in the application, by typed keys."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from gateway.archive import Bench
from gateway.core.adapter import Adapter
from gateway.core.duty import Law
from gateway.correction import Clerk
from gateway.edge.door import Door
from gateway.edge.mesh_door import MeshDoor
from gateway.edge.metrics import Metrics
from gateway.feed import Counter
from gateway.mailbox import Post
from gateway.request import Desk
from gateway.returning import Returns
from gateway.submission import Intake
from gateway.upload import Depot

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Front:
    """What the HTTP door needs of the rest; built once by `gateway.wiring`.

    `journal` and `evidence` are the store's; `concluded` waits, for so many seconds, for
    the outcome of a large submission; `ready` says why the gateway is not, or None. `template` gives
    an empty table by its file name, and its media type, or None.
    """

    issuer: str
    intake: Intake
    clerk: Clerk
    counter: Counter
    desk: Desk
    returns: Returns
    door: Door
    law: Law
    formats: tuple[Adapter, ...]
    journal: Any
    evidence: Any
    depot: Depot
    mailboxes: MeshDoor
    post: Post
    bench: Bench
    vkey: str
    jwks: dict[str, Any]
    openapi: bytes
    schemas: dict[str, bytes]
    metrics: Metrics
    trusted_proxies: tuple[Network, ...]
    conclude: Callable[[str], Any]
    concluded: Callable[[str, float], Any]
    unwrap: Callable[[bytes, bytes], bytes]
    ready: Callable[[], str | None]
    template: Callable[[str], tuple[bytes, str] | None]


FRONT: Final = web.AppKey("front", Front)
