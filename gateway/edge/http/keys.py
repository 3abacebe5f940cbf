"""What handlers find in the application, by typed keys."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from gateway.access import Wicket
from gateway.archive import Bench
from gateway.core.adapter import Adapter
from gateway.core.duty import Law
from gateway.core.groups.person import Who
from gateway.core.identity import Credentials
from gateway.core.request_item import Stored
from gateway.core.stages import Answer
from gateway.correction import Clerk
from gateway.desk import Desk
from gateway.edge.door import Door
from gateway.edge.mesh_door import MeshDoor
from gateway.edge.metrics import Metrics
from gateway.evidence import Binder
from gateway.feed import Counter
from gateway.mailbox import Post
from gateway.matching import Table
from gateway.obligation import Obligations
from gateway.returning import Returns
from gateway.submission import Intake
from gateway.upload import Depot
from gateway.uptake import Taking

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Front:
    """What the HTTP door needs of the rest; built once by `gateway.wiring`.

    `journal` and `evidence` are the store's; `concluded` waits, for so many seconds, for
    the outcome of a large submission; `ready` says why the gateway is not, or None. `template` gives
    an empty table by its file name, and its media type, or None. `guests` is the way in for those
    who come with an access code, `question` writes a request as an ISO 20022 message, `answer` takes
    an answer without facts, and on `table` records are laid beside open requests.
    """

    issuer: str
    intake: Intake
    clerk: Clerk
    counter: Counter
    taking: Taking
    desk: Desk
    wicket: Wicket
    guests: Intake
    obligations: Obligations
    binder: Binder
    matches: Any
    notices: Any
    question: Callable[[Stored, Who], bytes]
    answer: Callable[[Credentials, str, bytes], Awaitable[Answer]]
    table: Table
    close_batch: Callable[[str, str, str], Awaitable[int]]
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
