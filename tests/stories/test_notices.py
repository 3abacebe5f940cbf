"""Which way a notice goes, from when it counts, and what it says: real HTTP, real TLS, real SQLite."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import holidays
import pytest

from certs.development import DevelopmentPki
from gateway.core import webhook
from gateway.core.canonical import b64u
from gateway.core.envelope import derive
from gateway.core.notice_item import NOTICE_SALT
from tests.asking import ADDRESS, EMAIL, MARSH, Clock, Story, at, stand_in, story_in
from tests.edge.test_courier import Receiver, receiving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BOUNCES = "perm-fail@simulator.notify"
TERMS = {"order": "LSDO-2026-0001", "amount_pence": 120_055, "account": "000017 00000017"}
RATES = {
    "weekly_pence": 2_500,
    "two_weekly_pence": 5_000,
    "four_weekly_pence": 10_000,
    "monthly_pence": 10_855,
}


@pytest.fixture
async def story(tmp_path: Path, pki: DevelopmentPki) -> AsyncIterator[Story]:
    time = Clock()
    async with story_in(tmp_path, pki, time=time, post=stand_in(time)) as opened:
        yield opened


@pytest.fixture
async def hook(pki: DevelopmentPki) -> AsyncIterator[Receiver]:
    async with receiving(pki) as receiver:
        yield receiver


async def prepared(story: Story, form: str, receiver: Receiver) -> str:
    """A bank that can be reached in every way, and agreed to one; the address it agreed to."""
    url = f"https://127.0.0.1:{receiver.port}/in"
    await story.reached("bank", address=ADDRESS, email=EMAIL, webhook=url, secret=SECRET)
    address = {"email": EMAIL, "webhook": url}.get(form, form)
    if form == "sftp":
        blob = os.urandom(51)
        await story.store.registry.ssh_keys.add("bank", b64u(hashlib.sha256(blob).digest()), blob)
    await story.agrees("bank", form, address)
    return address


async def form_of(story: Story, **more: Any) -> str | None:
    """Ask the bank; the form by which its notice went."""
    request = await story.ask("tracing", "bank", "identity", **more)
    (notice,) = story.notices(request)
    return notice.form if notice.sent else None


FORMS = ("api", "sftp", "webhook", "email")

# --- which way ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
async def test_it_goes_by_what_was_agreed(story: Story, hook: Receiver, form: str) -> None:
    await prepared(story, form, hook)
    request = await story.ask("tracing", "bank", "identity")
    (notice,) = story.notices(request)
    assert (notice.form, notice.agreement, notice.state) == (form, "agr_bank_1", "sent")
    assert (story.state(request), story.stored(request).served_on) == ("served", notice.deemed_on)
    assert len(story.posted) == (form == "email")
    assert len(hook.asked) == (form == "webhook")
    (entry,) = story.entries("notice.sent")
    assert (entry["form"], entry["agreement"]) == (form, "agr_bank_1")


@pytest.mark.parametrize("form", FORMS)
async def test_it_goes_by_post_where_the_agreement_does_not_cover_it(
    story: Story, hook: Receiver, form: str
) -> None:
    address = await prepared(story, form, hook)
    # For another purpose: reminders were not agreed to.
    due = (story.time.day + dt.timedelta(days=1)).isoformat()
    order = await story.order("lsdo_interim", "bank", TERMS)
    assert [notice.form for notice in story.notices(order)] == ["post"]
    # Ended today.
    await story.store.correspondents.end("agr_bank_1", story.time.day)
    assert await form_of(story, due=due) == "post"
    # Not yet begun.
    await story.agrees("bank", form, address, since=story.time.day + dt.timedelta(days=1))
    assert await form_of(story) == "post"
    assert not hook.asked
    assert {message.type for message in story.posted} == {"letter"}
    assert story.posted[0].to["address_line_1"] == ADDRESS[0]


@pytest.mark.parametrize("form", ["webhook", "email"])
async def test_an_agreement_covers_no_other_address(
    story: Story, hook: Receiver, form: str
) -> None:
    await prepared(story, form, hook)
    url = f"https://127.0.0.1:{hook.port}/other"
    other = "someone.else@bank.example"
    await story.reached("bank", address=ADDRESS, email=other, webhook=url, secret=SECRET)
    assert await form_of(story) == "post"
    assert not hook.asked


async def test_a_preference_for_post_beats_every_agreement(story: Story, hook: Receiver) -> None:
    for form in FORMS:
        await prepared(story, form, hook)
    assert await form_of(story) == "api"
    prefer = story.store.correspondents.prefer
    await prefer("bank", story.time.day, post=True)
    assert await form_of(story) == "post"
    await prefer("bank", story.time.day, post=False)
    assert await form_of(story) == "api"
    assert len(story.entries("preference.changed")) == 2


# --- post -----------------------------------------------------------------------------------------


async def test_without_an_address_it_is_stuck_counted_and_sent_once_there_is_one(
    story: Story,
) -> None:
    await story.reached("bank")
    request = await story.ask("tracing", "bank", "identity")
    assert [notice.state for notice in story.notices(request)] == ["stuck"]
    _, metrics, _ = await story.house.bank.call("GET", "/metrics")
    assert b"cms_gateway_notices_stuck 1" in metrics or b"notices_stuck 1" in metrics
    await story.sent()
    assert (story.posted, story.state(request)) == ([], "issued")
    await story.reached("bank", address=ADDRESS)
    await story.sent()
    assert [notice.state for notice in story.notices(request)] == ["sent"]
    assert len(story.posted) == 1
    assert story.store.notices.stuck() == 0


async def test_a_letter_serves_on_the_day_on_which_it_is_posted(story: Story) -> None:
    await story.reached("bank", address=ADDRESS)
    story.on(0, hour=23, minute=30)
    request = await story.ask("tracing", "bank", "identity")
    await story.run("fates")
    assert (story.state(request), story.stored(request).served_on) == ("issued", None)
    day = story.on(1, hour=9)
    story.post.messages._pace = type(story.post.messages._pace)(posted=9 * 3600.0)  # type: ignore[union-attr]
    await story.run("fates")
    (notice,) = story.notices(request)
    assert notice.state == "delivered"
    assert (notice.deemed_on, story.stored(request).served_on) == (day.isoformat(),) * 2
    assert story.events(request) == ["raised", "issued", "served"]
    await story.run("fates")
    assert len(story.entries("notice.settled")) == 1


async def test_an_email_that_bounces_is_followed_by_a_letter(story: Story) -> None:
    await story.reached("employer", address=ADDRESS, email=BOUNCES)
    await story.agrees("employer", "email", BOUNCES, purpose="orders")
    terms = {"order": "DEO-1", "start": "2026-12-01", **RATES}
    request = await story.order("deo", "employer", terms)
    served = story.stored(request)
    assert served.served_on == (story.time.day + dt.timedelta(days=1)).isoformat()
    day = story.on(3)
    await story.run("fates", "notices")
    first, second = story.notices(request)
    assert (first.state, second.form, second.state) == ("failed", "post", "sent")
    assert [message.type for message in story.posted] == ["letter", "email"]
    # What bounced served nothing: neither its day nor the due day that followed from it holds.
    assert story.stored(request).served_on is None
    story.to(story.time() + dt.timedelta(minutes=2))
    await story.run("fates")
    found = story.stored(request)
    assert found.served_on == day.isoformat()
    assert found.due == (day + dt.timedelta(days=7)).isoformat() != served.due


async def test_a_bounce_without_a_postal_address_is_stuck(story: Story) -> None:
    await story.reached("bank", email=BOUNCES)
    await story.agrees("bank", "email", BOUNCES)
    request = await story.ask("tracing", "bank", "identity")
    story.to(story.time() + dt.timedelta(minutes=1))
    await story.run("fates", "notices")
    assert [notice.state for notice in story.notices(request)] == ["failed", "stuck"]
    story.on(40)
    await story.run("reminders")
    assert story.state(request) == "served"  # nobody is late who was not reached
    await story.reached("bank", address=ADDRESS)
    await story.sent()
    assert story.notices(request)[1].form == "post"


# --- what time and law make of it -----------------------------------------------------------------


def friday_before_a_working_monday(day: dt.date) -> tuple[dt.date, dt.date]:
    closed = holidays.country_holidays("GB", subdiv="ENG")
    friday = day + dt.timedelta(days=(4 - day.weekday()) % 7 or 7)
    while friday in closed or friday + dt.timedelta(days=3) in closed:
        friday += dt.timedelta(days=7)
    return friday, friday + dt.timedelta(days=3)


async def test_a_bank_order_on_a_friday_counts_from_monday(story: Story) -> None:
    friday, monday = friday_before_a_working_monday(story.time.day)
    story.to(at(friday, 10))
    await story.connected("bank", "employer")
    order = await story.order("lsdo_interim", "bank", TERMS)
    asked = await story.ask("tracing", "bank", "identity")
    deo = await story.order("deo", "employer", {"order": "DEO-1", "start": "2026-12-01", **RATES})
    saturday = friday + dt.timedelta(days=1)
    days = [story.stored(each).served_on for each in (order, asked, deo)]
    assert days == [monday.isoformat(), saturday.isoformat(), saturday.isoformat()]
    assert story.stored(order).due == (monday + dt.timedelta(days=7)).isoformat()
    assert story.stored(deo).due == (saturday + dt.timedelta(days=7)).isoformat()
    assert "S.R. 2022/178" in (story.notices(order)[0].deemed_by or "")


async def test_welsh(story: Story) -> None:
    await story.reached("bank", address=ADDRESS, email=EMAIL, language="cy")
    await story.agrees("bank", "email", EMAIL)
    await story.ask("tracing", "bank", "identity")
    await story.order("lsdo_interim", "bank", TERMS)
    letter, email = story.posted
    assert email.subject.startswith("Atebwch gais am wybodaeth erbyn ")
    assert letter.type == "letter"
    assert "The law" not in letter.body


# --- what it says ---------------------------------------------------------------------------------


def committed(story: Story, notice: Any, text: str) -> str:
    """The commitment to a text, computed by hand from docs/evidence.md."""
    salt = derive(story.key_of(notice), NOTICE_SALT)
    digest = hashlib.sha256(salt + hashlib.sha256(text.encode()).digest()).digest()
    return b64u(digest)


async def test_the_words_kept_are_those_that_were_sent_and_committed_to(story: Story) -> None:
    await story.reached("bank", address=ADDRESS, email=EMAIL)
    await story.agrees("bank", "email", EMAIL)
    requests = [
        await story.ask("tracing", "bank", "identity"),
        await story.order("lsdo_interim", "bank", TERMS),
    ]
    await story.agrees("bank", "api", purpose="requests")
    requests.append(await story.ask("tracing", "bank", "identity"))
    entries = {entry["id"]: entry for entry in story.entries("notice.sent")}
    at_carrier = {message.reference: message for message in story.posted}
    assert len(entries) == 3
    for request in requests:
        (notice,) = story.notices(request)
        said = story.words(notice)
        text = f"{said.subject}\n\n{said.body}\n"
        assert entries[notice.id]["content"] == committed(story, notice, text)
        assert entries[notice.id]["content"] != committed(story, notice, text + " ")
        if notice.id in at_carrier:
            message = at_carrier[notice.id]
            assert (message.subject, message.body) == (said.subject, said.body)
        assert request in text


async def test_nothing_of_the_person_but_in_an_order_by_post(story: Story, hook: Receiver) -> None:
    secrets = [
        *MARSH.values(),
        "14 March 1988",
        "LSDO-2026-0001",
        "000017 00000017",
        "1,200",
        "1200",
    ]
    url = f"https://127.0.0.1:{hook.port}/in"
    await story.reached("bank", address=ADDRESS, email=EMAIL, webhook=url, secret=SECRET)
    await story.ask("tracing", "bank", "identity")
    for form, address in (("email", EMAIL), ("webhook", url)):
        for purpose in ("requests", "orders", "reminders"):
            await story.agrees("bank", form, address, purpose=purpose)
        request = await story.ask("tracing", "bank", "identity", due=story.time.day.isoformat())
        await story.order("lsdo_interim", "bank", TERMS)
        await story.do("bank", request, "clarifications", text="Is it Tamsin?")
        await story.do("tracing", request, "clarifications/answer", text="It is Tamsin Marsh.")
    said = [f"{message.subject} {message.body}" for message in story.posted]
    said += [body.decode() for _, _, body in hook.asked]
    rows = story.store._reader.execute("SELECT id FROM request").fetchall()
    kept = [story.words(notice) for (each,) in rows for notice in story.notices(each)]
    said += [f"{words.subject} {words.body}" for words in kept]
    assert len(said) > 10
    assert not [text for text in said for secret in secrets if secret in text]

    await story.store.correspondents.prefer("bank", story.time.day, post=True)
    await story.order("lsdo_interim", "bank", TERMS)
    letter = story.posted[0]
    assert letter.type == "letter"
    for secret in ("Marsh", "Tamsin", "£1200.55", "000017 00000017"):
        assert secret in letter.body


async def test_a_webhook_says_where_to_look_and_is_signed(story: Story, hook: Receiver) -> None:
    await prepared(story, "webhook", hook)
    request = await story.ask("tracing", "bank", "identity")
    ((_, sent, body),) = hook.asked
    (notice,) = story.notices(request)
    webhook.verify(SECRET, sent, body, story.time())
    assert sent["webhook-id"] == notice.id
    assert json.loads(body) == {
        "type": "notice",
        "id": notice.id,
        "kind": "information_request",
        "request": request,
        "location": f"https://gateway.test/v1/requests/{request}",
    }
