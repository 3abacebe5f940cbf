"""Feeds announced to webhooks: real receivers over TLS, verified by a library that is none of ours."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from certs.development import DevelopmentPki
from gateway.administration.orders import ChangeSubscription
from gateway.carriers import Hooks
from gateway.core.backoff import DELAYS
from gateway.core.instant import read
from gateway.core.push import READY
from gateway.core.refusal import Refused
from gateway.edge.courier import Courier
from tests.pushing import FEED, Pushed, pushed_in, until
from tests.receivers import Receiver, receiving


@pytest.fixture
async def receiver(pki: DevelopmentPki) -> AsyncIterator[Receiver]:
    async with receiving(pki) as found:
        yield found


@pytest.fixture
async def pushed(tmp_path: Path, pki: DevelopmentPki) -> AsyncIterator[Pushed]:
    async with pushed_in(tmp_path, pki) as found:
        yield found


async def one_dead(pushed: Pushed, identity: str) -> dict[str, Any]:
    (push,) = (await pushed.show(identity))["pushes"]
    assert push["state"] == "dead"
    return dict(push)


# --- as it should be ------------------------------------------------------------------------------


async def test_a_commit_is_announced_at_once_and_says_where_to_collect(
    tmp_path: Path, pki: DevelopmentPki, receiver: Receiver
) -> None:
    async with pushed_in(tmp_path, pki, by_hand=False) as pushed:
        identity = await pushed.subscribe(receiver.url)
        await pushed.submit(3)
        await until(lambda: receiver.asked)
        (event,) = receiver.verify(pushed.secrets[identity])
        assert event["type"] == READY
        assert (event["specversion"], event["subject"]) == ("1.0", FEED)
        assert event["source"] == f"{pushed.house.settings.issuer}/v1/feeds/enforcement"
        assert event["id"] == receiver.ids[0]
        assert event["sequence"] == f"{3:016d}"
        assert {k: event["data"][k] for k in ("feed", "first", "last", "count")} == {
            "feed": FEED, "first": 1, "last": 3, "count": 3,
        }  # fmt: skip
        headers, body = receiver.asked[0]
        assert headers["content-type"] == "application/cloudevents+json"
        assert len(body) < 20_000
        assert b"Marsh" not in body
        # The address in it is one that the team collects from, under mutual TLS.
        path = event["dataref"].removeprefix(pushed.house.settings.issuer)
        status, page, _ = await pushed.house.enforcement.call("GET", path)
        assert status == 200
        assert len(page.splitlines()) >= 3
        await until(lambda: not pushed.house.gateway.store.pushes.pushes(identity))
        async with pushed.house.employer.session.get(f"{pushed.house.url}/metrics") as answer:
            figures = await answer.text()
        place = f'{{kind="webhook",subscription="{identity}"}}'
        for name, value in (("delivered", 1.0), ("tried", 1.0), ("dead", 0.0), ("waiting", 0.0)):
            assert f"cms_gateway_pushes_{name}{place} {value}" in figures


async def test_what_comes_meanwhile_goes_into_the_next(pushed: Pushed, receiver: Receiver) -> None:
    identity = await pushed.subscribe(receiver.url)
    await pushed.submit()
    receiver.will(500)
    assert await pushed.step() == 0
    await pushed.submit()
    await pushed.submit()
    assert await pushed.step() == 0  # one is outstanding
    pushed.move(seconds=6)
    assert await pushed.step() == 2
    assert [(e["data"]["first"], e["data"]["last"]) for e in receiver.events] == [
        (1, 1), (1, 1), (2, 3),
    ]  # fmt: skip
    assert receiver.asked[0][1] == receiver.asked[1][1]
    assert receiver.ids[0] == receiver.ids[1] != receiver.ids[2]
    receiver.verify(pushed.secrets[identity])


async def test_two_secrets_count_while_one_is_changed(pushed: Pushed, receiver: Receiver) -> None:
    identity = await pushed.subscribe(receiver.url)
    old = pushed.secrets[identity]

    async def sent() -> tuple[dict[str, str], bytes]:
        await pushed.submit()
        assert await pushed.step() == 1
        return receiver.asked[-1]

    told = await pushed.order(ChangeSubscription(id=identity, rotate=True))
    new = told["secret"]
    headers, body = await sent()
    for secret in (old, new):
        Webhook(secret).verify(body, headers)
    told = await pushed.order(ChangeSubscription(id=identity, retire=True))
    assert (told["secret"], told["secrets"]) == (None, 1)
    headers, body = await sent()
    Webhook(new).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(body, headers)


# --- receivers in trouble -------------------------------------------------------------------------


async def test_retry_after_is_honoured_and_bounded(pushed: Pushed, receiver: Receiver) -> None:
    identity = await pushed.subscribe(receiver.url)
    await pushed.submit()
    for asked, least in (("90", 90), ("99999999", 86_400)):
        receiver.will(503, Retry_After=asked)
        before = pushed.clock()
        await pushed.step()
        (push,) = (await pushed.show(identity))["pushes"]
        wait = read(push["next_try"]) - before
        assert dt.timedelta(seconds=least) <= wait < dt.timedelta(seconds=least + 60)
        pushed.clock.by += wait
    assert await pushed.step() == 1


async def test_410_disables_and_what_was_given_up_is_replayed(
    pushed: Pushed, receiver: Receiver
) -> None:
    identity = await pushed.subscribe(receiver.url)
    await pushed.submit()
    receiver.will(410)
    await pushed.step()
    shown = await pushed.show(identity)
    assert (shown["state"], shown["dead"]) == ("disabled", 1)
    assert (await one_dead(pushed, identity))["reason"] == "GONE"
    await pushed.submit()
    pushed.move(hours=1)
    assert await pushed.step() == 0
    assert (await pushed.replay(identity))["replayed"] == 1
    assert await pushed.step() == 2
    assert receiver.ids[1] == receiver.ids[0]
    assert [e["data"]["last"] for e in receiver.events] == [1, 1, 2]
    assert (await pushed.show(identity))["upto"] == 2


@pytest.mark.parametrize(
    ("answer", "reason"), [(301, "REDIRECTED"), (307, "REDIRECTED")], ids=["moved", "there"]
)
async def test_a_redirect_is_not_followed(
    pushed: Pushed, receiver: Receiver, answer: int, reason: str
) -> None:
    identity = await pushed.subscribe(receiver.url)
    await pushed.submit()
    receiver.will(answer, Location="https://10.0.0.1/")
    await pushed.step()
    dead = await one_dead(pushed, identity)
    assert (dead["reason"], dead["tries"]) == (reason, 1)
    assert "never followed" in dead["mend"]
    # What comes after is not thrown after it at once, but not lost either.
    await pushed.submit()
    assert await pushed.step() == 0
    pushed.move(minutes=6)
    assert await pushed.step() == 1
    assert receiver.events[-1]["data"]["first"] == 2


async def test_after_three_days_it_is_given_up(pushed: Pushed, receiver: Receiver) -> None:
    identity = await pushed.subscribe(receiver.url)
    await pushed.submit()
    receiver.will(*[500] * (len(DELAYS) + 1))
    for delay in (dt.timedelta(), *DELAYS):
        pushed.clock.by += delay * 1.1
        assert await pushed.step() == 0
    assert len(receiver.asked) == len(DELAYS) + 1
    assert len(set(receiver.ids)) == 1
    dead = await one_dead(pushed, identity)
    assert (dead["reason"], dead["tries"]) == ("REFUSED", len(DELAYS) + 1)
    assert (await pushed.show(identity))["state"] == "active"
    with pytest.raises(Refused):
        await pushed.replay(identity, "psh_other")
    await pushed.replay(identity, dead["id"])
    assert await pushed.step() == 1
    assert (await pushed.show(identity))["pushes"] == []
    with pytest.raises(Refused):
        await pushed.replay(identity)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/x", "https://10.0.0.1/x", "https://169.254.169.254/", "https://a b/"]
)
async def test_a_url_that_leads_inside_is_not_taken(pushed: Pushed, url: str) -> None:
    with pytest.raises(Refused) as refused:
        await pushed.subscribe(url)
    assert "cannot be used" in str(refused.value.detail)


async def test_a_name_that_leads_inside_later_is_not_called(
    pushed: Pushed, receiver: Receiver, pki: DevelopmentPki
) -> None:
    """Rebinding: each delivery looks anew, and goes to no address but those it looked at."""
    found = [["127.0.0.1"], ["127.0.0.1", "10.0.0.1"]]

    async def resolve(host: str, port: int) -> Sequence[str]:
        return found.pop(0)

    allow = (ipaddress.ip_network("127.0.0.1/32"),)
    hooks = Hooks(Courier(ca=pki.server_ca, allow=allow, resolve=resolve))
    identity = await pushed.subscribe(receiver.url.replace("127.0.0.1", "localhost"))
    await pushed.submit()
    assert await pushed.step(hooks=hooks) == 1
    await pushed.submit()
    assert await pushed.step(hooks=hooks) == 0
    assert (await one_dead(pushed, identity))["reason"] == "ADDRESS_REFUSED"
    assert len(receiver.asked) == 1


async def test_a_receiver_that_lets_us_wait_holds_up_nobody_else(
    tmp_path: Path, pki: DevelopmentPki, receiver: Receiver
) -> None:
    async with receiving(pki) as slow, pushed_in(tmp_path, pki, by_hand=False) as pushed:
        slow.hold.clear()
        await pushed.subscribe(slow.url)
        await pushed.submit()
        await until(lambda: slow.asked)
        identity = await pushed.subscribe(receiver.url)  # added while the other is waited for
        for count in range(1, 4):
            await until(lambda count=count: len(receiver.asked) == count)
            await pushed.submit()
        assert len(slow.asked) == 1
        slow.hold.set()
        await until(lambda: len(slow.asked) == 2)
        assert slow.events[-1]["data"]["first"] == 2
        await until(lambda: not pushed.house.gateway.store.pushes.pushes(identity))


async def test_a_broken_one_beside_a_whole_one(pushed: Pushed, receiver: Receiver) -> None:
    broken = await pushed.subscribe("https://127.0.0.1:1025/")
    whole = await pushed.subscribe(receiver.url)
    for _ in range(3):
        await pushed.submit()
        assert await pushed.step() == 1
    assert (await pushed.show(whole))["upto"] == 3
    shown = await pushed.show(broken)
    assert (shown["upto"], shown["reason"]) == (0, "NOT_REACHED")
    figures = {name: values for name, _, values in pushed.house.gateway.store.pushes.figures()}
    assert figures["pushes_delivered"] == {("webhook", broken): 0.0, ("webhook", whole): 3.0}
    assert figures["pushes_waiting"]["webhook", broken] == 1.0
    assert figures["pushes_behind"] == {("webhook", broken): 3.0, ("webhook", whole): 0.0}


# --- steering -------------------------------------------------------------------------------------


async def test_pause_resume_rewind_and_remove(pushed: Pushed, receiver: Receiver) -> None:
    identity = await pushed.subscribe(receiver.url)
    await pushed.submit()
    await pushed.steer(identity, "pause")
    assert await pushed.step() == 0
    await pushed.steer(identity, "resume")
    assert await pushed.step() == 1
    await pushed.submit()
    assert await pushed.step() == 1
    await pushed.rewind(identity, 0)
    assert await pushed.step() == 1
    assert [(e["data"]["first"], e["data"]["last"]) for e in receiver.events] == [
        (1, 1), (2, 2), (1, 2),
    ]  # fmt: skip
    await pushed.steer(identity, "remove")
    await pushed.submit()
    assert await pushed.step() == 0
    shown = await pushed.show(identity)
    assert (shown["state"], shown["url"], shown["secrets"]) == ("removed", None, 0)
    with pytest.raises(Refused):
        await pushed.steer(identity, "resume")


async def test_whoever_lost_the_feed_is_told_nothing_more(
    pushed: Pushed, receiver: Receiver
) -> None:
    identity = await pushed.subscribe(receiver.url)
    await pushed.submit()
    pushed.house.gateway.store.registry.forget()
    pushed.house.gateway.store.registry._parties[FEED, pushed.clock().date()] = type(
        "Nobody", (), {"id": FEED, "kind": "consumer", "classes": frozenset()}
    )()
    assert await pushed.step() == 0
    assert (await pushed.show(identity))["reason"] == "NOT_ENTITLED"
    assert receiver.asked == []


async def test_the_ledger_says_what_went_and_no_url_and_no_secret(
    pushed: Pushed, receiver: Receiver
) -> None:
    identity = await pushed.subscribe(receiver.url)
    await pushed.submit(2)
    await pushed.step()
    evidence = pushed.house.gateway.store.evidence
    entries = [evidence.entry(n) for n in range(evidence.size)]
    kinds = [json.loads(each)["kind"] for each in entries]
    assert kinds.count("subscription.added") == kinds.count("feed.pushed") == 1
    whole = b"\n".join(entries)
    assert b"127.0.0.1" not in whole
    assert pushed.secrets[identity].encode() not in whole
