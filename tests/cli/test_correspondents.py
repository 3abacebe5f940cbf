"""`correspondent`, `agreement` and `preference`: from what is typed to what is sent, by each way."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from certs import development
from gateway.cli.exits import Exit
from gateway.core import webhook
from gateway.core.reachable import AddressError, email_address, postal_lines
from tests.asking import ADDRESS, EMAIL, Clock, stand_in, story_in
from tests.cli.conftest import Cli, Ran, config_of
from tests.conftest import House

LINES = tuple(word for line in ADDRESS for word in ("--address", line))
EVIDENCE = ("--evidence", "Form CE4, file 117")
REQUESTS = ("--purpose", "requests")


class Desk:
    """The operator's command line, beside a gateway that runs or without one."""

    def __init__(self, house: House, directory: Path, cli: Cli) -> None:
        self.config, self.cli = config_of(house, directory), cli

    async def say(self, *words: object, code: int = Exit.OK) -> Ran:
        ran = await self.cli(*words, "--config", self.config)
        assert ran.code == code, (words, ran.code, ran.out, ran.err)
        return ran

    async def agree(self, *words: object, code: int = Exit.OK) -> str:
        ran = await self.say("agreement", "make", *words, *EVIDENCE, code=code)
        return ran.out.strip() or ran.err

    async def shown(self, identity: str) -> dict[str, Any]:
        told: dict[str, Any] = (await self.say("correspondent", "show", identity, "--json")).json
        return told


@dataclass
class Receiver:
    """What an organisation's webhook was sent: headers and body."""

    url: str = ""
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@asynccontextmanager
async def receiving(pki: development.DevelopmentPki) -> AsyncIterator[Receiver]:
    """A receiver of webhooks, over TLS on loopback."""
    receiver = Receiver()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.partition(": ") for line in head[1:] if line)
        headers = {name.lower(): value for name, _, value in pairs}
        body = await reader.readexactly(int(headers["content-length"]))
        receiver.calls.append((headers, body))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.server_certificate, pki.server_key)
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    receiver.url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/in"
    try:
        yield receiver
    finally:
        server.close()


async def test_a_webhook_that_was_agreed_to_is_called_and_serves(
    tmp_path: Path, pki: development.DevelopmentPki, cli: Cli
) -> None:
    async with story_in(tmp_path, pki) as story, receiving(pki) as receiver:
        desk = Desk(story.house, tmp_path, cli)
        put = ("correspondent", "put", "bank", *LINES, "--webhook", receiver.url)
        secret = (await desk.say(*put, "--json")).json["secret"]
        webhook.check_secret(secret)
        agreement = await desk.agree("bank", *REQUESTS, "--form", "webhook")
        identity = await story.ask("tracing", "bank", "account")
        await story.sent()
        ((headers, body),) = receiver.calls
        assert webhook.verify(secret, headers, body, story.time()) == headers["webhook-id"]
        told = json.loads(body)
        assert (told["type"], told["kind"]) == ("notice", "information_request")
        assert told["location"].endswith(f"/v1/requests/{identity}")
        assert b"Marsh" not in body
        assert story.state(identity) == "served"
        (notice,) = story.notices(identity)
        assert (notice.form, notice.agreement) == ("webhook", agreement)
        shown = await desk.shown("bank")
        assert shown["sent"] == {"webhook": 1}
        assert shown["notices"] == {"sent": 1, "stuck": 1}  # nobody carries the confirmation
        assert shown["contact"]["has_secret"] is True
        assert secret not in json.dumps(shown)
        # The same place keeps its secret; another place has another, and no agreement.
        assert (await desk.say(*put, "--json")).json["secret"] is None
        moved = (*put[:-1], receiver.url.replace("/in", "/other"))
        changed = (await desk.say(*moved, "--json")).json
        assert changed["secret"] not in {None, secret}
        assert changed["no_longer_covered"] == [agreement]
        (held,) = (await desk.shown("bank"))["agreements"]
        assert (held["live"], held["covers"]) == (True, False)
        assert "another address" in (await desk.say("correspondent", "show", "bank")).out
        other = await story.ask("tracing", "bank", "party")
        await story.sent()
        assert len(receiver.calls) == 1
        assert story.notices(other)[0].state == "stuck"
        # Coming back, the agreement covers it again; what stuck is tried again.
        words = await desk.say(*put)
        assert "secret" in words.out
        await story.sent()
        assert len(receiver.calls) == 2


async def test_by_email_where_agreed_by_post_where_preferred(
    tmp_path: Path, pki: development.DevelopmentPki, cli: Cli
) -> None:
    time = Clock()
    async with story_in(tmp_path, pki, time=time, post=stand_in(time)) as story:
        desk = Desk(story.house, tmp_path, cli)
        await desk.say("correspondent", "put", "bank", *LINES, "--email", EMAIL)
        first = await desk.agree("bank", *REQUESTS, "--form", "email")
        await story.sent()
        (letter,) = story.posted  # it agreed to requests, and not to receipts
        assert (letter.type, letter.to["address_line_4"]) == ("letter", "SW1A 2AA")
        assert "information requests" in letter.body
        assert "email" in letter.body
        await desk.agree("bank", "--purpose", "receipts", "--form", "email")
        identity = await story.ask("tracing", "bank", "account")
        await story.sent()
        assert {each.type for each in story.posted[:2]} == {"email"}
        assert {each.to["email_address"] for each in story.posted[:2]} == {EMAIL}
        assert "Marsh" not in "".join(each.subject + each.body for each in story.posted)
        assert story.state(identity) == "served"

        told = await desk.say("preference", "set", "bank", "--post")
        assert "Everything goes by post" in told.err
        await story.sent()
        newest = story.posted[0]
        assert newest.type == "letter"
        assert "From now on we send your notices by post." in newest.body
        assert "no longer ask for everything by post" not in newest.body
        again = await desk.say("preference", "set", "bank", "--post", "--json")
        assert again.json["changed"] is False
        before = len(story.posted)
        by_post = await story.ask("tracing", "bank", "party")
        await story.sent()
        assert len(story.posted) == before + 1
        assert story.posted[0].type == "letter"
        assert story.state(by_post) == "issued"
        story.on(1)  # by then the letter has been posted, which serves it
        await story.run("fates")
        assert story.state(by_post) == "served"

        await desk.say("preference", "set", "bank", "--no-post")
        await story.sent()
        assert story.posted[0].type == "email"
        assert "You no longer ask for everything by post." in story.posted[0].body
        ended = await desk.say("agreement", "end", first)
        assert "Nothing is sent to bank on it" in ended.err
        await story.ask("tracing", "bank", "address")
        await story.sent()
        assert story.posted[0].type == "letter"
        shown = await desk.shown("bank")
        assert shown["sent"] == {"email": 3, "post": 4}
        assert [each["post"] for each in shown["preferences"]] == [True, False]
        assert [each["live"] for each in shown["agreements"]] == [False, True]


async def test_a_notice_is_in_the_language_that_was_chosen(
    tmp_path: Path, pki: development.DevelopmentPki, cli: Cli
) -> None:
    time = Clock()
    async with story_in(tmp_path, pki, time=time, post=stand_in(time)) as story:
        desk = Desk(story.house, tmp_path, cli)
        words = ("correspondent", "put", "bank", *LINES, "--language", "cy")
        await desk.say(*words, "--email", EMAIL)
        await desk.agree("bank", "--purpose", "receipts", "--form", "email")
        await story.sent()
        assert "derbynebau a chadarnhadau" in story.posted[0].body
        assert "e-bost" in story.posted[0].body


async def test_a_parent_is_kept_sealed_and_found_without_a_gateway(
    tmp_path: Path, pki: development.DevelopmentPki, cli: Cli
) -> None:
    async with story_in(tmp_path, pki) as story:
        desk = Desk(story.house, tmp_path, cli)
        words = ("correspondent", "put", "par_7F3K", "--kind", "parent", *LINES)
        put = await desk.say(*words, "--email", "sealed.away@parent.example")
        assert put.out == ""
        await desk.agree("par_7F3K", *REQUESTS, "--form", "email", "--since", "2026-01-31")
        ledger = b"".join(story.store.evidence.entries(0, story.store.evidence.size))
    kept = b"".join(path.read_bytes() for path in story.house.settings.data.glob("gateway.sqlite*"))
    assert b"par_7F3K" in kept
    for told in (b"sealed.away", b"Made Up Street"):
        assert told not in kept + ledger
    shown = await desk.shown("par_7F3K")
    assert shown["contact"]["email"] == "sealed.away@parent.example"
    assert shown["contact"]["address"] == list(ADDRESS)
    (agreed,) = shown["agreements"]
    assert (agreed["since"], agreed["live"], agreed["covers"]) == ("2026-01-31", True, True)
    await desk.say("preference", "set", "par_7F3K", "--post")
    listed = await desk.say("correspondent", "list", "--json")
    (line,) = listed.json["correspondents"]
    assert (line["agreed"], line["prefers_post"]) == (["requests:email"], True)
    assert "requests:email" in (await desk.say("correspondent", "list")).out
    after = await desk.say("correspondent", "list", "--after", "par_7F3K", "--json")
    assert after.json["correspondents"] == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("nobody",), "add it with 'org add'"),
        (("tracing",), "There is no organisation with this id"),
        (("7F3K", "--kind", "parent"), "A parent's id is 'par_'"),
        (("par_", "--kind", "parent"), "A parent's id is 'par_'"),
        (("bank", "--address", "Bank", "--address", "SW1A 2AA"), "3 to 7 lines"),
        (("bank", *LINES[:-1], "Gate 5"), "UK postcode or the name of a country"),
        (("bank", "--email", "post.room"), "not an e-mail address"),
        (("bank", "--webhook", "http://bank.example/in"), "Only HTTPS"),
        (("bank", "--webhook", "https://10.0.0.1/in"), "not on the public internet"),
        (("bank", "--webhook", f"https://bank.example/{'x' * 500}"), "at most 500"),
    ],
    ids=lambda told: "-".join(map(str, told))[:40] if isinstance(told, tuple) else None,
)
async def test_what_cannot_be_reached_is_refused(
    house: House, tmp_path: Path, cli: Cli, words: tuple[str, ...], why: str
) -> None:
    desk = Desk(house, tmp_path, cli)
    ran = await desk.say("correspondent", "put", *words, code=Exit.REFUSED)
    assert why in ran.err
    assert "Nothing was changed" in ran.err
    assert (await desk.say("correspondent", "list", "--json")).json["correspondents"] == []


async def test_a_secret_of_their_own_is_read_from_a_file(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    desk = Desk(house, tmp_path, cli)
    file = tmp_path / "secret"
    words = ("correspondent", "put", "bank", "--webhook", "https://bank.example/in")
    for bad in ("whsec_short", " ".join([webhook.shared_secret(bytes(64))] * 3)):
        file.write_text(bad)
        refused = await desk.say(*words, "--secret-file", file, code=Exit.REFUSED)
        assert "secret" in refused.err
    file.write_text(webhook.shared_secret(bytes(32)) + "\n")
    assert (await desk.say(*words, "--secret-file", file, "--json")).json["secret"] is None
    alone = ("correspondent", "put", "bank", "--secret-file", file)
    assert "goes with a webhook" in (await desk.say(*alone, code=Exit.REFUSED)).err


async def test_an_agreement_leads_somewhere_and_says_something_new(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    desk = Desk(house, tmp_path, cli)

    async def refused(*words: object) -> str:
        return await desk.agree(*words, code=Exit.REFUSED)

    assert "correspondent put" in await refused("bank", *REQUESTS, "--form", "api")
    await desk.say("correspondent", "put", "bank", *LINES)
    await desk.say("correspondent", "put", "par_1", "--kind", "parent", "--email", EMAIL)
    assert "No address for 'email'" in await refused("bank", *REQUESTS, "--form", "email")
    assert "No address for 'webhook'" in await refused("bank", *REQUESTS, "--form", "webhook")
    assert "an SSH key" in await refused("bank", *REQUESTS, "--form", "sftp")
    assert "a client or a mailbox" in await refused("par_1", *REQUESTS, "--form", "api")
    hook = ("--webhook", "https://parent.example/in")
    await desk.say("correspondent", "put", "par_1", "--kind", "parent", "--email", EMAIL, *hook)
    assert "collected over the API" in await refused("par_1", *REQUESTS, "--form", "webhook")
    other = await desk.say(
        "correspondent", "put", "par_1", "--kind", "organisation", code=Exit.REFUSED
    )
    assert "org add" in other.err
    made = await desk.agree("bank", *REQUESTS, "--form", "api")
    assert made.startswith("agr_")
    assert "agreed already" in await refused("bank", *REQUESTS, "--form", "api")
    words = ("agreement", "make", "bank", *REQUESTS, "--form", "api", "--evidence")
    for evidence in (" ", "x" * 201, "a\nb"):
        assert "one line" in (await desk.say(*words, evidence, code=Exit.REFUSED)).err

    end = ("agreement", "end", made)
    yesterday = await desk.say(*end, "--until", "2020-01-31", code=Exit.REFUSED)
    assert "cannot end before" in yesterday.err
    later = await desk.say(*end, "--until", "2099-01-31", "--json")
    assert later.json == {"id": made, "correspondent": "bank", "until": "2099-01-31"}
    sooner = await desk.say(*end)
    assert sooner.code == Exit.OK
    assert "ended on" in (await desk.say(*end, code=Exit.REFUSED)).err
    assert "no agreement" in (await desk.say("agreement", "end", "agr_0", code=Exit.REFUSED)).err
    assert (await desk.agree("bank", *REQUESTS, "--form", "api")).startswith("agr_")
    old = await desk.agree("bank", "--purpose", "orders", "--form", "api", "--since", "2026-01-31")
    past = await desk.say("agreement", "end", old, "--until", "2026-02-28", code=Exit.REFUSED)
    assert "today or later" in past.err


async def test_what_was_preferred_stays_in_the_history(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    desk = Desk(house, tmp_path, cli)
    unknown = await desk.say("preference", "set", "bank", "--post", code=Exit.REFUSED)
    assert "correspondent put" in unknown.err
    await desk.say("correspondent", "put", "bank", *LINES)
    await desk.say("preference", "set", "bank", "--post", "--since", "2026-01-31")
    earlier = ("preference", "set", "bank", "--no-post", "--since", "2026-01-30")
    assert "later" in (await desk.say(*earlier, code=Exit.REFUSED)).err
    await desk.say("preference", "set", "bank", "--no-post", "--since", "2099-01-31")
    shown = await desk.say("correspondent", "show", "bank")
    assert "post since 2026-01-31, not post since 2099-01-31" in shown.out
    listed = (await desk.say("correspondent", "list", "--json")).json["correspondents"]
    assert listed[0]["prefers_post"] is True
    kinds = [
        json.loads(entry)["kind"]
        for entry in house.gateway.store.evidence.entries(0, house.gateway.store.evidence.size)
    ]
    told = ["correspondent.changed", "preference.changed", "preference.changed"]
    assert [kind for kind in kinds if kind in told][-3:] == told
    assert kinds[-1] == "correspondent.shown"  # every look is an entry


@pytest.mark.parametrize(
    "text",
    ["a@b.example", "o'neill+x@post.b-c.example", " Post.Room@BANK.example "],
)
def test_what_may_be_an_email_address(text: str) -> None:
    assert email_address(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    ["", "a", "@b.example", "a@b", "a@.example", "a@b..example", "a b@c.example", "a@b.example.",
     "a@-b.example", ".a@b.example", "a..b@c.example", "a@b.1", f"{'x' * 65}@b.example",
     "a@b.example\nBcc: c@d.example", "é@b.example", f"a@{'b.' * 130}example"],
)  # fmt: skip
def test_what_can_be_none(text: str) -> None:
    with pytest.raises(AddressError):
        email_address(text)


def test_lines_of_an_address_lose_spare_spaces_and_keep_their_order() -> None:
    given = ("  The  Post Room", "", "Example Bank plc ", "SW1A 2AA")
    assert postal_lines(given) == ("The Post Room", "Example Bank plc", "SW1A 2AA")
    assert postal_lines(("A", "B", "France"))[-1] == "France"
    for bad in (("A", "B\x07", "SW1A 2AA"), ("A", "x" * 201, "SW1A 2AA"), ("A",) * 8):
        with pytest.raises(AddressError):
            postal_lines(bad)
