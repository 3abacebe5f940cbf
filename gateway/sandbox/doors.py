"""The sandbox's own addresses: joining it, moving its time, asking for requests and faults, a verdict.

They stand beside the gateway's on the same port; the gateway itself is the real one.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import re
import ssl
from typing import Annotated, Any, Final, TypeVar

import msgspec
from aiohttp import web

from certs import development
from certs.profiles import Validity
from gateway import request as asking
from gateway.administration.carrying_out import carry_out
from gateway.administration.office import Office
from gateway.administration.orders import SCOPES, AddCertificate, AddClient, AddParty, Order
from gateway.core import conformance
from gateway.core.canonical import b64u
from gateway.core.checkpoint import Sign, VerifierKey, format_vkey
from gateway.core.groups.person import Who
from gateway.core.identity import Caller
from gateway.core.permission import Asking
from gateway.core.refusal import Reason, Refused
from gateway.core.strict_json import strict_object
from gateway.edge.http.exchange import Handler, credentials, small_body
from gateway.edge.http.keys import FRONT
from gateway.edge.tls import peer_certificate
from gateway.judge.receipt import verify_receipt
from gateway.sandbox import people, steps
from gateway.sandbox.faults import Asked, Faults, befall
from gateway.sandbox.memory import Memory
from gateway.wiring import Gateway

CITATION: Final = "Sandbox: nobody real is meant"
_DUE_DAYS: Final = 14
_CERTIFICATE_DAYS: Final = 90
_BACKDATE: Final = dt.timedelta(minutes=5)
_FAULTY: Final = re.compile(r"/v1/(submissions|uploads|check|requests)(/|$)")

Pem = Annotated[str, msgspec.Meta(max_length=16_384)]
_Body = TypeVar("_Body", bound=msgspec.Struct)


class Joining(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who wants to practise: a certificate signing request, and public keys for its client."""

    id: str
    classes: tuple[str, ...]
    csr: Pem
    jwks: dict[str, Any]
    name: str = "Sandbox organisation"


class Renewing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another certificate, with the secret that joining gave out."""

    csr: Pem
    secret: Annotated[str, msgspec.Meta(max_length=100)]


class Moving(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many seconds time is to move forward."""

    seconds: int


class Wanting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request to be sent to the party that asks: about made-up people, for a purpose."""

    record_types: tuple[str, ...] = ()
    purpose: str = "IDENTIFY_TRACE"


class Doors:
    """Handlers that share one sandbox; `pki`, `key` and `sign` are those of its gateway."""

    def __init__(
        self,
        memory: Memory,
        pki: development.DevelopmentPki,
        key: VerifierKey,
        sign: Sign,
    ) -> None:
        self._memory = memory
        self._pki = pki
        self._key = key
        self._sign = sign
        self._faults = Faults()
        self._observer = steps.Observer(memory)

    def open(self, gateway: Gateway, office: Office) -> None:
        """Take up the gateway, before it listens."""
        self.office = office
        self._gateway = gateway

    # --- around every exchange --------------------------------------------------------------------

    async def around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a fault befall the exchange if its party asked for one, and watch how it ends."""
        der = peer_certificate(request.transport)
        party = None if der is None else self._holder(der)
        if party is None:
            return await handler(request)
        asked = self._faults.next(party) if _FAULTY.match(request.path) else None
        if asked is not None and asked.fault != "slow":
            self._observer.befell(party, asked, request)
            return await befall(asked, request, handler)
        response = await (handler(request) if asked is None else befall(asked, request, handler))
        if "Authorization" in request.headers and request.path.startswith("/v1/"):
            self._observer.saw(party, request, response)
        return response

    def _holder(self, der: bytes) -> str | None:
        return self._gateway.store.registry.holder(b64u(hashlib.sha256(der).digest()))

    # --- for anybody ------------------------------------------------------------------------------

    async def show(self, request: web.Request) -> web.Response:
        """GET /sandbox: what this is, and what time it is here."""
        front = request.app[FRONT]
        day = self._memory.now().date()
        return _json(
            {
                "vkey": format_vkey(self._key),
                "now": self._memory.now().isoformat(timespec="seconds"),
                "moved_seconds": self._memory.kept.moved_seconds,
                "seed": self._memory.kept.seed,
                "classes": [slug for slug in front.law.classes if front.law.in_force(slug, day)],
                "parties": len(self._memory.kept.secrets),
                "steps": steps.STEPS,
            }
        )

    async def join(self, request: web.Request) -> web.Response:
        """POST /sandbox/parties: become a made-up organisation; nothing of it is for real."""
        wanted = await _read(request, Joining)
        # Asked before anything of the party is kept: a full sandbox would grow with every attempt.
        self._memory.check_room()
        await self._order(
            AddParty(id=wanted.id, kind="organisation", name=wanted.name, classes=wanted.classes)
        )
        secret = self._memory.join(wanted.id, list(wanted.classes))
        certificate = await self._certify(wanted.id, wanted.csr)
        client = f"{wanted.id}-client"
        scope = SCOPES["organisation"]
        await self._order(AddClient(id=client, party=wanted.id, scope=scope, jwks=wanted.jwks))
        vkey = format_vkey(self._key)
        return _json(
            {
                "certificate": certificate,
                "client": client,
                "issuer": request.app[FRONT].issuer,
                "secret": secret,
                "vkey": vkey,
            },
            201,
        )

    async def renew(self, request: web.Request) -> web.Response:
        """POST /sandbox/parties/{id}/certificates: another certificate, for when one has expired."""
        party = request.match_info["id"]
        wanted = await _read(request, Renewing)
        self._memory.check_secret(party, wanted.secret)
        return _json({"certificate": await self._certify(party, wanted.csr)}, 201)

    async def _certify(self, party: str, csr: str) -> str:
        """A certificate that holds now, on the wall and in the sandbox, and is let in."""
        validity = Validity(
            self._memory.wall() - _BACKDATE,
            self._memory.now() + dt.timedelta(days=_CERTIFICATE_DAYS),
        )
        named = development.Party("organisation", party)
        try:
            issued = await asyncio.to_thread(
                development.issue_from_request,
                self._pki,
                csr.encode(),
                named,
                now=self._memory.wall(),
                validity=validity,
            )
        except development.DevelopmentPkiError as error:
            raise Refused(Reason.PARAMETER_NOT_VALID, f"csr: {error}.") from error
        pem = await asyncio.to_thread(issued.certificate.read_text)
        end = "-----END CERTIFICATE-----"
        der = ssl.PEM_cert_to_DER_cert(pem[: pem.index(end) + len(end)] + "\n")
        await self._order(AddCertificate(party=party, certificate=der))
        return pem

    async def _order(self, order: Order) -> None:
        await carry_out(order, self.office)

    # --- for a party ------------------------------------------------------------------------------

    async def move(self, request: web.Request) -> web.Response:
        """POST /sandbox/clock: move time forward; deadlines pass and certificates expire."""
        await self._caller(request)
        wanted = await _read(request, Moving)
        now = self._memory.move(wanted.seconds)
        await asyncio.to_thread(development.renew_list, self._pki, now=now)
        await asyncio.to_thread(self._gateway.trust.revocation.refresh, now)
        return _json({"now": now.isoformat(timespec="seconds")})

    async def want(self, request: web.Request) -> web.Response:
        """POST /sandbox/requests: have an information request sent to oneself."""
        caller = await self._caller(request)
        wanted = await _read(request, Wanting)
        desk = request.app[FRONT].desk
        law, day = desk.law, self._memory.now().date()
        purpose = law.purposes.get(wanted.purpose)
        if purpose is None:
            raise Refused(
                Reason.PARAMETER_NOT_VALID, f"purpose is one of: {', '.join(law.purposes)}."
            )
        may = sorted(law.may_be_asked(caller.classes, [purpose.code], day))
        feed = next(name for name, feed in law.feeds.items() if feed.use == purpose.use)
        consumer = Caller(feed, "consumer", frozenset({feed}), feed, frozenset(), "")
        asked = Asking(
            organisation=caller.party,
            purposes=(purpose.code,),
            citation=CITATION,
            record_types=wanted.record_types or tuple(may),
            subject=msgspec.convert(
                people.subject(self._memory.kept.seed, self._memory.next_subject()), Who
            ),
            due=day + dt.timedelta(days=_DUE_DAYS),
        )
        stored = await asking.ask(consumer, asked, desk)
        return _json(asking.shown(stored, caller, desk), 201)

    async def fault(self, request: web.Request) -> web.Response:
        """POST /sandbox/faults: have the next submissions meet a fault."""
        caller = await self._caller(request)
        return _json({"waiting": self._faults.ask(caller.party, await _read(request, Asked))}, 202)

    async def verdict(self, request: web.Request) -> web.Response:
        """GET /sandbox/conformance: which steps were seen, and which were not yet."""
        caller = await self._caller(request)
        passed = self._memory.passed(caller.party)
        return _json(
            {
                "steps": [
                    {"step": step, "what": what, "passed": passed.get(step)}
                    for step, what in steps.STEPS.items()
                ],
                "missing": steps.missing(self._memory, caller.party),
            }
        )

    async def receipt(self, request: web.Request) -> web.Response:
        """POST /sandbox/conformance/receipt: show a receipt that was kept."""
        caller = await self._caller(request)
        text = (await small_body(request)).decode("utf-8", "replace")
        found = verify_receipt(text, format_vkey(self._key))
        whose = dict(found.facts).get("organisation")
        if not found.ok or whose != caller.party:
            raise Refused(Reason.PARAMETER_NOT_VALID, "It is not a receipt of yours that verifies.")
        self._memory.passes(caller.party, "receipt")
        return _json({"verifies": True})

    async def certificate(self, request: web.Request) -> web.Response:
        """POST /sandbox/conformance/certificate: the verdict, signed; onboarding accepts it."""
        caller = await self._caller(request)
        steps.check_complete(self._memory, caller.party)
        front = request.app[FRONT]
        now = int(self._memory.wall().timestamp())
        _, note = front.evidence.checkpoint()
        stated = conformance.Certificate(
            iss=self._key.name,
            sub=caller.party,
            iat=now,
            exp=now + conformance.VALID_DAYS * 86_400,
            classes=tuple(self._memory.kept.classes.get(caller.party, ())),
            steps=tuple(steps.STEPS),
            rules=front.law.version,
            checkpoint=note,
        )
        jws = conformance.issue(stated, self._key, self._sign)
        return web.Response(text=jws + "\n", content_type="application/jose")

    async def _caller(self, request: web.Request) -> Caller:
        return await request.app[FRONT].door.authenticate(credentials(request), "submissions")


def _json(value: Any, status: int = 200) -> web.Response:
    return web.json_response(body=msgspec.json.encode(value), status=status)


async def _read(request: web.Request, kind: type[_Body]) -> _Body:
    body = await small_body(request)
    try:
        return msgspec.convert(strict_object(body) if body else {}, kind)
    except msgspec.ValidationError as error:
        named = ", ".join(kind.__struct_fields__)
        raise Refused(Reason.PARAMETER_NOT_VALID, f"The body has the members: {named}.") from error
