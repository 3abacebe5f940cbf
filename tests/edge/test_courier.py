"""Webhooks delivered over real TLS on loopback, and what an attacker's URL, name or answer gets."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import itertools
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from certs import development
from gateway.core import webhook
from gateway.edge.courier import PAYLOAD_BYTES, Courier, Delivered, Undelivered, _Pinned
from gateway.edge.destination import DestinationError, destination, may_reach
from gateway.wiring import clock

NAME = "hooks.example.org"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"type":"request.raised","id":"req_1"}'
OPEN, INSIDE = "127.0.0.1", "127.0.0.2"
ALLOW = (ipaddress.ip_network(f"{OPEN}/32"),)
OK = b"HTTP/1.1 204 No Content\r\n\r\n"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> development.DevelopmentPki:
    return development.create(
        tmp_path_factory.mktemp("pki") / "new", now=clock(), hosts=(NAME, OPEN)
    )


@dataclass
class Receiver:
    """A TLS server that keeps what it was sent and answers with the bytes it was given."""

    port: int = 0
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    connections: int = 0


def answering(answer: bytes, receiver: Receiver) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        sent = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])
        }
        body = await reader.readexactly(int(sent.get("content-length", "0")))
        receiver.asked.append((head[0], sent, body))
        writer.write(answer)
        await writer.drain()

    return handle


@asynccontextmanager
async def receiving(
    pki: development.DevelopmentPki,
    answer: bytes | Callable[[Receiver], Handler] = OK,
    *,
    at: str = OPEN,
    port: int = 0,
) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    inner = answering(answer, receiver) if isinstance(answer, bytes) else answer(receiver)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        receiver.connections += 1
        try:
            await inner(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def named(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> None:
        receiver.names.append(name or "")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.server_certificate, pki.server_key)
    context.sni_callback = named  # type: ignore[assignment]
    server = await asyncio.start_server(handle, at, port, ssl=context)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


def answers(*rounds: list[str]) -> Callable[[str, int], Awaitable[list[str]]]:
    """A name server that gives these addresses, the last ones ever after."""
    left = itertools.chain(rounds, itertools.repeat(rounds[-1]))

    async def resolve(host: str, port: int) -> list[str]:
        calls.append(host)
        return next(left)

    calls: list[str] = []
    resolve.calls = calls  # type: ignore[attr-defined]
    return resolve


def courier(pki: development.DevelopmentPki, *rounds: list[str], seconds: float = 5.0) -> Courier:
    return Courier(
        ca=pki.server_ca, allow=ALLOW, resolve=answers(*(rounds or ([OPEN],))), seconds=seconds
    )


async def deliver(by: Courier, port: int, host: str = NAME, path: str = "/in?x=1") -> Delivered:
    return await by.deliver(f"https://{host}:{port}{path}", SECRET, "msg_1", BODY, clock())


async def code_of(by: Courier, port: int, host: str = NAME) -> tuple[str, bool]:
    with pytest.raises(Undelivered) as failed:
        await deliver(by, port, host)
    return failed.value.code, failed.value.temporary


# --- delivered ------------------------------------------------------------------------------------


async def test_a_message_arrives_signed_under_its_own_name(pki) -> None:
    async with receiving(pki) as receiver:
        done = await deliver(courier(pki), receiver.port)
    assert done.status == 204
    assert abs(done.at - clock()) < dt.timedelta(minutes=1)
    ((line, sent, body),) = receiver.asked
    assert line == "POST /in?x=1 HTTP/1.1"
    assert sent["host"] == f"{NAME}:{receiver.port}"
    assert receiver.names == [NAME]
    assert sent["content-type"] == "application/json"
    assert body == BODY
    assert webhook.verify(SECRET, sent, body, clock()) == "msg_1"


async def test_an_address_that_is_allowed_is_reached_without_a_name(pki) -> None:
    async with receiving(pki) as receiver:
        assert (await deliver(courier(pki), receiver.port, OPEN)).status == 204


@pytest.mark.parametrize(
    ("status", "code", "temporary"),
    [(410, "GONE", False), (404, "REFUSED", True), (429, "REFUSED", True), (503, "REFUSED", True),
     (301, "REDIRECTED", False), (304, "REDIRECTED", False)],
)  # fmt: skip
async def test_an_answer_that_is_no_yes_is_told(
    pki, *, status: int, code: str, temporary: bool
) -> None:
    async with receiving(pki, b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status) as receiver:
        with pytest.raises(Undelivered) as failed:
            await deliver(courier(pki), receiver.port)
    assert (failed.value.code, failed.value.temporary) == (code, temporary)
    assert failed.value.status == status


# --- names that lead inside -----------------------------------------------------------------------


async def test_a_name_is_looked_up_once_and_that_address_is_used(pki) -> None:
    """Rebinding: the second answer would lead inside, and is never asked for."""
    resolve = answers([OPEN], [INSIDE])
    by = Courier(ca=pki.server_ca, allow=ALLOW, resolve=resolve, seconds=5.0)
    async with receiving(pki) as public, receiving(pki, at=INSIDE, port=public.port) as inside:
        await deliver(by, public.port)
        assert resolve.calls == [NAME]
        assert (public.connections, inside.connections) == (1, 0)
        # The next message asks anew, and finds the way barred.
        assert await code_of(by, public.port) == ("ADDRESS_REFUSED", False)
        assert (public.connections, inside.connections) == (1, 0)


@pytest.mark.parametrize("mixed", [[OPEN, INSIDE], [INSIDE, OPEN], [OPEN, "::ffff:127.0.0.1"]])
async def test_one_address_inside_bars_all_of_them(pki, mixed: list[str]) -> None:
    async with receiving(pki) as receiver:
        assert await code_of(courier(pki, mixed), receiver.port) == ("ADDRESS_REFUSED", False)
    assert receiver.connections == 0


async def test_a_redirect_inside_is_not_followed(pki) -> None:
    async with receiving(pki, at=INSIDE) as inside:
        there = f"https://{INSIDE}:{inside.port}/".encode()
        moved = b"HTTP/1.1 307 X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % there
        async with receiving(pki, moved) as receiver:
            assert await code_of(courier(pki), receiver.port) == ("REDIRECTED", False)
    assert inside.connections == 0


def test_no_socket_is_opened_to_any_other_address() -> None:
    pinned = _Pinned([ipaddress.ip_address(OPEN)])
    info = socket.AF_INET, socket.SOCK_STREAM, 0, ""
    with pytest.raises(OSError, match="not an address"):
        pinned.socket((*info, (INSIDE, 443)))
    pinned.socket((*info, (OPEN, 443))).close()


async def test_a_second_address_is_tried_when_the_first_is_silent(pki) -> None:
    async with receiving(pki) as receiver:
        by = Courier(
            ca=pki.server_ca, seconds=5.0, resolve=answers(["127.0.0.3", OPEN]),
            allow=(ipaddress.ip_network("127.0.0.0/8"),),
        )  # fmt: skip
        assert (await deliver(by, receiver.port)).status == 204


async def test_a_name_that_leads_nowhere_is_tried_again_later(pki) -> None:
    async def fails(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    by = Courier(ca=pki.server_ca, allow=ALLOW, resolve=fails)
    assert await code_of(by, 8443) == ("NAME_NOT_FOUND", True)
    assert await code_of(courier(pki, []), 8443) == ("NAME_NOT_FOUND", True)
    assert await code_of(courier(pki, ["rubbish"]), 8443) == ("NAME_NOT_FOUND", True)
    assert await code_of(courier(pki, [OPEN] * 2), 1) == ("DESTINATION_REFUSED", False)


async def test_the_environment_names_no_proxy(pki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{INSIDE}:9")
    async with receiving(pki) as receiver:
        assert (await deliver(courier(pki), receiver.port)).status == 204


# --- receivers that are not who they say, or do not behave ----------------------------------------


async def test_a_certificate_of_another_name_or_authority_is_refused(pki, tmp_path: Path) -> None:
    async with receiving(pki) as receiver:
        wrong = await code_of(courier(pki), receiver.port, "other.example.org")
        assert wrong == ("CERTIFICATE_NOT_VALID", True)
        stranger = development.create(tmp_path, now=clock())
        assert await code_of(courier(stranger), receiver.port) == ("CERTIFICATE_NOT_VALID", True)
        by_system = Courier(allow=ALLOW, resolve=answers([OPEN]), seconds=5.0)
        assert await code_of(by_system, receiver.port) == ("CERTIFICATE_NOT_VALID", True)
    assert receiver.asked == []


async def test_nobody_there_is_tried_again_later(pki) -> None:
    async with receiving(pki) as receiver:
        port = receiver.port
    assert await code_of(courier(pki), port) == ("NOT_REACHED", True)


def endless(start: bytes, more: bytes, pause: float) -> Callable[[Receiver], Handler]:
    def make(receiver: Receiver) -> Handler:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(start)
            for _ in range(100_000):
                writer.write(more)
                await writer.drain()
                await asyncio.sleep(pause)

        return handle

    return make


async def test_a_body_without_end_is_not_read(pki) -> None:
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"
    async with receiving(pki, endless(start, b"x" * 65_536, 0)) as receiver:
        assert (await deliver(courier(pki), receiver.port)).status == 200


@pytest.mark.parametrize(
    ("start", "more", "pause", "code"),
    [
        (b"", b"", 0.05, "TIMED_OUT"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x", 0.05, "TIMED_OUT"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65_536, 0, "ANSWER_NOT_VALID"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 100, 0, "ANSWER_NOT_VALID"),
        (b"SSH-2.0-nonsense\r\n", b"\r\n", 0.01, "ANSWER_NOT_VALID"),
    ],
)
async def test_an_answer_that_does_not_come_or_end_is_bounded(
    pki, start: bytes, more: bytes, pause: float, code: str
) -> None:
    async with receiving(pki, endless(start, more, pause)) as receiver:
        found = await asyncio.wait_for(code_of(courier(pki, seconds=0.6), receiver.port), 5)
    assert found == (code, True)


async def test_a_receiver_that_hangs_up_is_tried_again_later(pki) -> None:
    async with receiving(pki, b"") as receiver:
        assert await code_of(courier(pki), receiver.port) == ("ANSWER_NOT_VALID", True)


async def test_mistakes_of_ours_are_found_before_anything_is_sent(pki) -> None:
    by = courier(pki)
    url = f"https://{NAME}/"
    with pytest.raises(ValueError, match="bytes"):
        await by.deliver(url, SECRET, "msg_1", b"x" * (PAYLOAD_BYTES + 1), clock())
    with pytest.raises(ValueError, match="message id"):
        await by.deliver(url, SECRET, "a.b", BODY, clock())
    with pytest.raises(Undelivered) as failed:
        await by.deliver(url, "whsec_short", "msg_1", BODY, clock())
    assert (failed.value.code, failed.value.temporary) == ("SECRET_NOT_VALID", False)


# --- URLs -----------------------------------------------------------------------------------------

INSIDE_FORMS = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "0.0.0.0", "0",
    "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
    "192.0.0.192", "192.0.2.1", "198.18.0.1", "168.63.129.16", "224.0.0.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255", "[::]", "[::1]", "[::127.0.0.1]", "[::ffff:127.0.0.1]",
    "[::ffff:8.8.8.8]", "[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2001::1]",
    "[::ffff:0:127.0.0.1]", "[::ffff:0:0:7f00:1]", "[64:ff9b:2::1]", "[100:0:0:1::1]", "[5f00::1]",
    "[4000::1]", "[fe80::1]", "[fe80::1%25lo]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]",
    "[2001:db8::1]", "localhost", "localhost.", "a.localhost", "metadata.google.internal",
    "printer.local", "router.lan", "intranet", "1.0.0.127.in-addr.arpa", "a..b", "-", ".",
]  # fmt: skip


@pytest.mark.parametrize("host", INSIDE_FORMS)
async def test_a_url_that_leads_inside_is_refused_in_plain_words(host: str) -> None:
    by = Courier(resolve=answers([OPEN]))
    with pytest.raises(DestinationError) as refused:
        by.check_url(f"https://{host}/in")
    assert str(refused.value).endswith(".")
    assert await code_of(by, 443, host) == ("DESTINATION_REFUSED", False)


@pytest.mark.parametrize(
    "url",
    ["http://example.com/", "ftp://example.com/", "//example.com/", "example.com", "", "https://",
     "https:///x", "https://user@example.com/", "https://u:p@example.com/", "https://@example.com/",
     "https://example.com/#x", "https://example.com/#", "https://example.com:25/",
     "https://example.com:80/", "https://example.com:0/", "https://example.com:99999/",
     "https://example.com:x/", "https://exa mple.com/", "https://example.com/\r\nX: y",
     "https://example.com\\@inside/", f"https://example.com/{'x' * 2_000}", "https://[::1", "https://\ud800/"],
)  # fmt: skip
def test_a_url_that_is_not_plain_https_is_refused(url: str) -> None:
    with pytest.raises(DestinationError):
        Courier().check_url(url)


@pytest.mark.parametrize(
    "url",
    ["https://example.com", "https://hooks.example.co.uk:8443/a?b=c", "https://EXAMPLE.com/",
     "https://b\u00fccher.example/", "https://xn--bcher-kva.example/", "https://8.8.8.8/",
     "https://[2606:4700::1111]/", "https://example.com./"],
)  # fmt: skip
def test_a_public_url_is_taken(url: str) -> None:
    Courier().check_url(url)


def test_localhost_is_for_development_alone() -> None:
    assert destination("https://localhost:8443/", ALLOW).port == 8443
    Courier(allow=ALLOW).check_url("https://localhost:8443/")
    with pytest.raises(DestinationError):
        Courier(allow=ALLOW).check_url(f"https://{INSIDE}:8443/")
    for own in ("localhost", "127.0.0.1", "[::1]", "192.168.0.1"):
        with pytest.raises(DestinationError, match=r"notices\.webhook_networks"):
            Courier().check_url(f"https://{own}:8443/")
    with pytest.raises(DestinationError) as other:
        Courier().check_url("https://printer.local/")
    assert "webhook_networks" not in str(other.value)


def test_what_is_allowed_is_no_more_than_was_said() -> None:
    assert may_reach(ipaddress.ip_address(OPEN), ALLOW)
    for text in (INSIDE, "10.0.0.1", "::1", "::ffff:127.0.0.1"):
        assert not may_reach(ipaddress.ip_address(text), ALLOW)
