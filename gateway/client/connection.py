"""One connection to a gateway: mutual TLS, a token that is always fresh, and patience.

What may safely be done twice is tried again, after a pause that doubles and is never the same for
two clients, or that the gateway names with Retry-After.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from random import SystemRandom
from typing import Annotated, Any, Final, Self

import aiohttp
import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.client.problem import Problem, UnreachableError, problem_of
from gateway.client.profile import Profile, ProfileError
from gateway.edge import tls

Body = bytes | Callable[[], AsyncIterator[bytes]]

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Long enough for a slow clock, short enough to be of no use to a thief (RFC 7523 section 3).
_ASSERTION_SECONDS: Final = 60
# A token is renewed this long before its end, so that none expires on its way.
_RENEW_SECONDS: Final = 30
_AGAIN_STATUS: Final = frozenset({429, 502, 503, 504})
# The first request with this key is running: wait for it and be told its outcome.
_AGAIN_SLUGS: Final = frozenset({"idempotency-key-in-flight"})
# Whoever asks for more patience than this is tried again all the same.
_ASKED_SECONDS: Final = 3_600.0
# Far more than any answer of a gateway has, and takes; what has no end must not be waited for.
_ANSWER_BYTES: Final = 512 * 1024 * 1024
_ANSWER_SECONDS: Final = 900.0
_CHANCE: Final = SystemRandom()


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long something is tried: attempts, then seconds.

    `tell` is told why, and for how many seconds, each time before it waits.
    """

    attempts: int = 6
    first_seconds: float = 0.5
    longest_seconds: float = 30.0
    idle_seconds: float = 120.0
    tell: Callable[[str, float], None] | None = None

    async def wait(self, attempt: int, error: Exception) -> None:
        """Wait after a failed attempt, counted from 1; never less than the gateway may ask for."""
        most = min(self.longest_seconds, self.first_seconds * 2 ** (attempt - 1))
        asked = error.retry_after if isinstance(error, Problem) else None
        seconds = (asked or 0.0) + _CHANCE.uniform(most / 2, most)
        if self.tell is not None:
            self.tell(error.title if isinstance(error, Problem) else str(error), seconds)
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is not a problem."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def read(self, kind: type[Any]) -> Any:
        """The JSON body as a type; raises UnreachableError where it is something else."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.DecodeError, RecursionError) as error:
            raise UnreachableError(
                "What answered does not speak as a gateway does. Check the url in the profile.",
            ) from error


class _Token(msgspec.Struct):
    """A token as the gateway gives one (RFC 6750 section 2.1)."""

    access_token: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9._~+/-]+=*\Z")]
    expires_in: float


class Connection:
    """Speaks to one gateway; use it as `async with Connection(profile) as connection`."""

    def __init__(self, profile: Profile, patience: Patience | None = None) -> None:
        self.profile = profile
        self.patience = patience or Patience()
        try:
            self._tls = tls.client_context(profile.ca, profile.certificate, profile.key)
        except OSError as error:
            raise ProfileError(
                f"The certificate of {profile.certificate} cannot be used: {error}. Check ca, "
                "certificate and key in the profile.",
            ) from error
        self._signer: tuple[Any, str] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._token = ""
        self._token_until = 0.0
        self._asking = asyncio.Lock()

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=16)
        timeout = aiohttp.ClientTimeout(total=None, sock_read=self.patience.idle_seconds)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        body: Body | None = None,
        again: bool = True,
        public: bool = False,
        longer: float = 0.0,
    ) -> Reply:
        """Ask and get the answer; `again` says that the call may safely be made twice.

        `longer` is for how many seconds more than usual the gateway may be silent.

        Raises Problem for what the gateway refuses, UnreachableError where none answers, and
        ProfileError where what answers is not the gateway of the profile.
        """
        last = self.patience.attempts if again else 1
        for attempt in itertools.count(1):
            try:
                return await self._once(
                    method, path, headers, params, body, public=public, longer=longer
                )
            except UnreachableError as error:
                if attempt >= last:
                    raise
                why: Exception = error
            except Problem as problem:
                passing = problem.status in _AGAIN_STATUS or problem.slug in _AGAIN_SLUGS
                if attempt >= last or not passing:
                    raise
                why = problem
            await self.patience.wait(attempt, why)
        raise AssertionError("not reached")

    async def _once(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None,
        params: Mapping[str, str] | None,
        body: Body | None,
        *,
        public: bool,
        longer: float,
    ) -> Reply:
        silent = self.patience.idle_seconds + longer
        timeout = aiohttp.ClientTimeout(total=None, sock_read=silent)
        for last in (False, True):
            named = dict(headers or {})
            if not public:
                named["Authorization"] = f"Bearer {await self._bearer()}"
            data = body() if callable(body) else body
            try:
                return await self._speak(
                    method, path, named, params=params, data=data, timeout=timeout
                )
            except Problem as problem:
                if public or last or not problem.slug.startswith("token-"):
                    raise
                self._token = ""  # withdrawn early, or the gateway has new keys: ask once more
        raise AssertionError("not reached")

    async def _speak(self, method: str, path: str, headers: dict[str, str], **more: Any) -> Reply:
        assert self._session is not None, "use the connection with 'async with'"
        url = f"{self.profile.url}{path}"
        try:
            async with self._session.request(
                method,
                url,
                headers=headers,
                skip_auto_headers=["Content-Type"],
                allow_redirects=False,
                **more,
            ) as response:
                raw = await _whole(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            mismatch = _distrust(error, self.profile)
            if mismatch is not None:
                raise ProfileError(mismatch) from error
            raise UnreachableError(
                f"{self.profile.url} does not answer ({_why(error)}). Check the address and the "
                "network, and send again: what arrived twice is taken once.",
            ) from error
        if 300 <= response.status < 400:
            raise ProfileError(
                f"{self.profile.url} answers with a redirect, which is never followed: what is sent "
                "is for the gateway alone. Check the url in the profile."
            )
        if response.status >= 400:
            raise problem_of(response.status, raw, seconds(response.headers.get("Retry-After")))
        return Reply(response.status, response.headers, raw)

    async def _bearer(self) -> str:
        async with self._asking:
            if not self._token or time.monotonic() >= self._token_until:
                form = aiohttp.FormData(
                    {
                        "grant_type": "client_credentials",
                        "client_assertion_type": _ASSERTION_TYPE,
                        "client_assertion": self._assertion(),
                    },
                )
                asked = time.monotonic()
                kind = {"Content-Type": "application/x-www-form-urlencoded"}
                reply = await self._speak("POST", "/oauth2/token", kind, data=form)
                answer: _Token = reply.read(_Token)
                self._token = answer.access_token
                self._token_until = asked + answer.expires_in - _RENEW_SECONDS
            return self._token

    def _assertion(self) -> str:
        if self._signer is None:
            self._signer = _client_key(self.profile)
        key, algorithm = self._signer
        now = int(time.time())
        claims = {
            "iss": self.profile.client,
            "sub": self.profile.client,
            "aud": self.profile.issuer,
            "iat": now,
            "exp": now + _ASSERTION_SECONDS,
            "jti": secrets.token_urlsafe(16),
        }
        headers = {"kid": self.profile.kid}
        return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def _client_key(profile: Profile) -> tuple[Any, str]:
    """The key that signs client assertions, and the one algorithm that goes with it."""
    path = profile.client_key
    if path is None or not profile.client or not profile.kid:
        raise ProfileError(
            "The profile has no client, client_key and kid, without which the gateway cannot know "
            "who we are. 'cms-gateway client add' writes a profile that has them.",
        )
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise ProfileError(
            f"{path} cannot be used as the client's key. It is a PKCS #8 private key in PEM, "
            "without a password; 'cms-gateway client add' makes one.",
        ) from error
    match key:
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
            return key, "ES256"
        case Ed25519PrivateKey():
            return key, "EdDSA"
        case rsa.RSAPrivateKey():
            return key, "PS256"
    raise ProfileError(f"{path}: the client's key is on P-256, Ed25519, or RSA.")


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """The body of an answer; raises UnreachableError and TimeoutError for one without an end."""
    pieces, size = [], 0
    async with asyncio.timeout(_ANSWER_SECONDS):
        async for piece in response.content.iter_any():
            pieces.append(piece)
            size += len(piece)
            if size > _ANSWER_BYTES:
                raise UnreachableError(
                    "What answered sends more than a gateway does. Check the url in the profile; of "
                    "a feed, ask for fewer records at a time."
                )
    return b"".join(pieces)


def seconds(header: str | None) -> float | None:
    """Retry-After in seconds, an hour at most; a date, which the gateway never sends, is unsaid."""
    if header is None or not (header.isascii() and header.isdigit()):
        return None
    return min(float(header), _ASKED_SECONDS)


def _distrust(error: BaseException, profile: Profile) -> str | None:
    """Where the gateway's certificate is not to be believed: why, and what to do."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        by = "the machine's own authorities" if profile.ca is None else profile.ca
        return (
            f"{profile.url} shows a certificate that is not to be believed by {by} "
            f"({getattr(error.certificate_error, 'verify_message', 'it does not verify')}). Check "
            "url and ca in the profile; nothing was sent."
        )
    return None


def _why(error: BaseException) -> str:
    if isinstance(error, ConnectionResetError | aiohttp.ServerDisconnectedError):
        return "it ended the connection, as it does where it does not trust our certificate"
    return str(error) or type(error).__name__
