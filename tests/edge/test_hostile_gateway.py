"""Whatever answers in a gateway's place, the client says so: nothing leaks, and nothing is for ever."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certs import development
from gateway.client import connection
from gateway.client.connection import Connection, Patience, seconds
from gateway.client.problem import Problem, UnreachableError, problem_of
from gateway.client.profile import Profile, ProfileError
from gateway.client.upload import Memory, Upload
from gateway.wiring import clock

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ONCE = Patience(attempts=1, idle_seconds=5.0)
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> development.DevelopmentPki:
    return development.create(tmp_path_factory.mktemp("pki") / "new", now=clock())


@pytest.fixture
def profile(pki: development.DevelopmentPki, tmp_path: Path) -> Profile:
    key = ec.generate_private_key(ec.SECP256R1())
    path = tmp_path / "client.key"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return Profile(
        url="https://gateway.test", ca=pki.server_ca, client="c", client_key=path, kid="k",
        state=tmp_path,
    )  # fmt: skip


@asynccontextmanager
async def serving(
    pki: development.DevelopmentPki, handler: Handler, *, open_: bool = False
) -> AsyncIterator[str]:
    """A server whose every answer is the handler's; gives its url."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.server_certificate, pki.server_key)
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=None if open_ else context).start()
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}" if open_ else f"https://localhost:{port}"
    finally:
        await runner.cleanup()


def at(profile: Profile, url: str) -> Profile:
    """The profile of a gateway at another address."""
    return msgspec.structs.replace(profile, url=url)


async def ask(profile: Profile, url: str, *, public: bool = False) -> bytes:
    async with Connection(at(profile, url), ONCE) as spoken:
        return (await spoken.call("GET", "/v1/feeds/tracing", public=public)).body


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("public", [False, True])
async def test_a_redirect_is_not_followed(
    pki: development.DevelopmentPki, profile: Profile, *, status: int, public: bool
) -> None:
    """What goes with it, an assertion or a body with people in it, would go in the clear."""
    caught: list[bytes] = []

    async def catch(request: web.Request) -> web.Response:
        caught.append(await request.read())
        return web.Response()

    async with serving(pki, catch, open_=True) as elsewhere:

        async def sends_away(_: web.Request) -> web.Response:
            return web.Response(status=status, headers={"Location": f"{elsewhere}/"})

        async with serving(pki, sends_away) as url:
            with pytest.raises(ProfileError, match="redirect"):
                await ask(profile, url, public=public)
    assert caught == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"access_token":"x"}', b'{"access_token":"x","expires_in":"soon"}',
     b'{"access_token":"a\\r\\nb","expires_in":60}', b'{"access_token":7,"expires_in":60}',
     b'{"access_token":"x\\n","expires_in":60}', DEEP],
)  # fmt: skip
async def test_what_is_no_token_is_told(
    pki: development.DevelopmentPki, profile: Profile, body: bytes
) -> None:
    async def answers(_: web.Request) -> web.Response:
        return web.Response(body=body)

    async with serving(pki, answers) as url:
        with pytest.raises(UnreachableError, match="does not speak as a gateway"):
            await ask(profile, url)


@pytest.mark.parametrize("bound", ["_ANSWER_BYTES", "_ANSWER_SECONDS"])
async def test_an_answer_without_end_is_given_up(
    pki: development.DevelopmentPki,
    profile: Profile,
    monkeypatch: pytest.MonkeyPatch,
    bound: str,
) -> None:
    monkeypatch.setattr(connection, bound, {"_ANSWER_BYTES": 2**20, "_ANSWER_SECONDS": 0.5}[bound])
    piece, pause = (b"x" * 2**16, 0.0) if bound == "_ANSWER_BYTES" else (b"x", 0.05)

    async def never_ends(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(piece)
            await asyncio.sleep(pause)

    async with serving(pki, never_ends) as url, asyncio.timeout(10):
        with pytest.raises(UnreachableError):
            await ask(profile, url, public=True)


async def test_an_upload_stays_with_the_gateway(
    pki: development.DevelopmentPki, profile: Profile, tmp_path: Path
) -> None:
    """A place that begins with '@' would make a user of the gateway's name, and a host of its own."""
    file = tmp_path / "file.csv"
    file.write_bytes(b"x")

    async def answers(request: web.Request) -> web.Response:
        if request.path == "/oauth2/token":
            return web.json_response({"access_token": "x", "expires_in": 60})
        return web.Response(status=201, headers={"Location": "@evil.example/v1/uploads/upl_1"})

    async with serving(pki, answers) as url, Connection(at(profile, url), ONCE) as spoken:
        with pytest.raises(UnreachableError, match="does not take uploads"):
            await Upload(spoken, file, {}, Memory(tmp_path, "upload"), None).send()


def test_nobody_has_us_wait_for_ever() -> None:
    assert seconds("30") == 30.0
    assert seconds("9" * 400) == seconds("9" * 9) == 3_600.0
    assert seconds("soon") is None


def test_a_refusal_is_told_whatever_its_body_is() -> None:
    for body in (DEEP, b'{"error_count":1e308}', b'{"errors":[{}]}', b"\xff", b'{"errors":1e400}'):
        assert isinstance(problem_of(503, body, None), Problem)
