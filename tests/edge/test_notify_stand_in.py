"""The stand-in for GOV.UK Notify, by Notify's own client over real HTTP on loopback."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from aiohttp import ClientSession

from gateway.core.notices import KINDS, LANGUAGES
from gateway.notify_stand_in import messages
from gateway.notify_stand_in.keys import new_key, read_key
from gateway.notify_stand_in.serving import BODY_BYTES
from tests.edge.notify_place import (
    LETTER,
    NOWHERE,
    SOMEBODY,
    TEMPLATES,
    VALUES,
    WITHDRAWN,
    WITHDRAWN_LETTER,
    Place,
    post_email,
)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with Place().serving() as found:
        yield found


async def test_an_email_by_the_real_client(place: Place) -> None:
    sent = await place.real(post_email(reference="n-1"))
    assert sent["reference"] == "n-1"
    assert sent["uri"] == f"{place.url}/v2/notifications/{sent['id']}"
    assert sent["template"]["id"] == WITHDRAWN
    assert sent["template"]["version"] == 1
    assert sent["scheduled_for"] is None
    written = TEMPLATES.render("withdrawn", "en", VALUES)
    assert sent["content"]["subject"] == written.subject
    assert sent["content"]["body"] == written.body
    assert sent["content"]["from_email"].endswith(".example")

    seen = []
    for seconds in (0, 2, 4):
        place.moved += dt.timedelta(seconds=seconds)
        seen.append(await place.real(lambda client: client.get_notification_by_id(sent["id"])))
    assert [each["status"] for each in seen] == ["created", "sending", "delivered"]
    assert [each["completed_at"] is None for each in seen] == [True, True, False]
    assert seen[0]["email_address"] == SOMEBODY
    assert seen[0]["line_1"] is None
    assert seen[0]["template"]["uri"].endswith(f"/v2/template/{WITHDRAWN}/version/1")


async def test_a_letter_by_the_real_client(place: Place) -> None:
    sent = await place.real(
        lambda client: client.send_letter_notification(WITHDRAWN_LETTER, VALUES | LETTER, "n-2")
    )
    assert sent["content"].keys() == {"subject", "body"}
    first = await place.real(lambda client: client.get_notification_by_id(sent["id"]))
    assert (first["type"], first["status"], first["line_4"]) == ("letter", "accepted", "SW1A 2AA")
    place.moved = dt.timedelta(hours=1)
    then = await place.real(lambda client: client.get_notification_by_id(sent["id"]))
    assert then["status"] == "received"
    assert then["postage"] == "second"


@pytest.mark.parametrize(
    ("to", "status"),
    [
        ("perm-fail@simulator.notify", "permanent-failure"),
        ("temp-fail@simulator.notify", "temporary-failure"),
    ],
)
async def test_addresses_that_fail(place: Place, to: str, status: str) -> None:
    sent = await place.real(post_email(to), "test")
    place.moved = dt.timedelta(minutes=1)
    found = await place.real(lambda client: client.get_notification_by_id(sent["id"]))
    assert found["status"] == status


@pytest.mark.parametrize("number", ["", "-2", "-3"])
async def test_addresses_that_only_look_as_if(place: Place, number: str) -> None:
    sent = await place.real(post_email(f"simulate-delivered{number}@notifications.service.gov.uk"))
    found = await place.refused(lambda client: client.get_notification_by_id(sent["id"]))
    assert found == (404, [{"error": "NoResultFound", "message": "No result found"}])
    assert place.stand_in.messages.newest() == []


async def test_all_notifications_are_listed_in_pages(place: Place) -> None:
    async with ClientSession() as session:
        for number in range(messages.PAGE + 5):
            told = {
                "email_address": SOMEBODY, "template_id": WITHDRAWN, "personalisation": VALUES,
                "reference": f"n-{number % 2}",
            }  # fmt: skip
            async with session.post(
                f"{place.url}/v2/notifications/email", json=told, headers=bearer(place)
            ) as answer:
                assert answer.status == 201
    everything = await place.real(lambda client: list(client.get_all_notifications_iterator()))
    assert len(everything) == len({each["id"] for each in everything}) == messages.PAGE + 5
    times = [each["created_at"] for each in everything]
    assert times == sorted(times, reverse=True)
    page = await place.real(lambda client: client.get_all_notifications(reference="n-1"))
    assert {each["reference"] for each in page["notifications"]} == {"n-1"}
    assert len(page["notifications"]) == (messages.PAGE + 5) // 2
    assert page["links"]["current"] == f"{place.url}/v2/notifications?reference=n-1"
    assert f"older_than={page['notifications'][-1]['id']}" in page["links"]["next"]


async def test_lists_are_filtered_by_state_and_kind_and_key(place: Place) -> None:
    await place.real(post_email("perm-fail@simulator.notify"))
    place.moved = dt.timedelta(minutes=1)
    await place.real(post_email())
    await place.real(
        lambda client: client.send_letter_notification(WITHDRAWN_LETTER, VALUES | LETTER)
    )

    async def count(key: str = "live", **told: Any) -> int:
        page = await place.real(lambda client: client.get_all_notifications(**told), key)
        return len(page["notifications"])

    assert await count() == 3
    assert await count(template_type="letter") == 1
    assert await count(status=["created", "permanent-failure"]) == 2
    assert await count(status="delivered") == 0
    assert await count(key="test") == 0
    assert await count(older_than=WITHDRAWN) == 0


async def test_templates_by_the_real_client(place: Place) -> None:
    held = await place.real(lambda client: client.get_template(WITHDRAWN))
    assert held["body"] == TEMPLATES.get("withdrawn", "en").body
    assert held["personalisation"] == {
        name: {"required": True} for name in ("reference", "contact")
    }
    assert await place.real(lambda client: client.get_template_version(WITHDRAWN, 1)) == held
    missing = await place.refused(lambda client: client.get_template_version(WITHDRAWN, 2))
    assert missing[0] == 404
    letters = await place.real(lambda client: client.get_all_templates("letter"))
    assert len(letters["templates"]) == len(KINDS) * len(LANGUAGES)
    shown = await place.real(lambda client: client.post_template_preview(WITHDRAWN, VALUES))
    assert shown["html"] == TEMPLATES.render("withdrawn", "en", VALUES).html
    assert await place.refused(lambda client: client.post_template_preview(WITHDRAWN, {})) == (
        400,
        [{"error": "BadRequestError", "message": "Missing personalisation: reference, contact"}],
    )


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        ({"personalisation": {"reference": "r"}}, "BadRequestError", "Missing personalisation: contact"),
        ({"template_id": NOWHERE}, "BadRequestError", "Template not found"),
        ({"template_id": WITHDRAWN_LETTER}, "BadRequestError", "letter template is not suitable for email notification"),
        ({"template_id": "1"}, "ValidationError", "template_id is not a valid UUID"),
        ({"email_address": "nobody"}, "ValidationError", "email_address Not a valid email address"),
    ],
)  # fmt: skip
async def test_an_email_that_is_refused(
    place: Place, changes: dict[str, Any], name: str, message: str
) -> None:
    told = await place.refused(post_email(**changes))
    assert told == (400, [{"error": name, "message": message}])


async def test_a_team_key_sends_to_the_team(place: Place) -> None:
    assert await place.real(post_email(), "team")
    status, errors = await place.refused(post_email("stranger@bank.example"), "team")
    assert status == 400
    assert errors[0]["message"].endswith("send to this recipient using a team-only API key")
    told = await place.refused(
        lambda client: client.send_letter_notification(WITHDRAWN_LETTER, VALUES | LETTER), "team"
    )
    assert told[0] == 403


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("A", "SW1A 2AA"), "Address must be at least 3 lines"),
        (("A", "B", "12345"), "Last line of address must be a real UK postcode or another country"),
        (("A", "(B", "SW1A 2AA"), "Address lines must not start with any of the following characters: @ ( ) = [ ] ” \\ / , < >"),
    ],
)  # fmt: skip
async def test_a_letter_that_is_refused(place: Place, lines: tuple[str, ...], message: str) -> None:
    told = VALUES | {f"address_line_{n}": line for n, line in enumerate(lines, start=1)}
    found = await place.refused(
        lambda client: client.send_letter_notification(WITHDRAWN_LETTER, told)
    )
    assert found == (400, [{"error": "ValidationError", "message": message}])


async def test_more_than_so_many_calls_a_minute_are_refused() -> None:
    async with Place().serving(per_minute=2) as place:
        for _ in range(2):
            await place.real(post_email())
        told = await place.refused(post_email())
        message = "Exceeded rate limit for key type LIVE of 2 requests per 60 seconds"
        assert told == (429, [{"error": "RateLimitError", "message": message}])


def bearer(place: Place, **changes: Any) -> dict[str, str]:
    key = place.keys["live"]
    claims = {"iss": key.service, "iat": int(time.time())} | changes.get("claims", {})
    claims = {name: value for name, value in claims.items() if value is not None}
    token = jwt.encode(claims, changes.get("secret", key.secret), changes.get("algorithm", "HS256"))
    return {"Authorization": f"{changes.get('scheme', 'Bearer')} {token}"}


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"scheme": "Basic"}, 401, "Unauthorized: authentication bearer scheme must be used"),
        ({"claims": {"iss": None}}, 403, "Invalid token: iss field not provided"),
        ({"claims": {"iss": "me"}}, 403, "Invalid token: service id is not the right data type"),
        ({"claims": {"iss": NOWHERE}}, 403, "Invalid token: service not found"),
        ({"claims": {"iat": None}}, 403, "Invalid token: API key not found"),
        ({"secret": NOWHERE}, 403, "Invalid token: API key not found"),
        ({"algorithm": "HS384", "secret": "x" * 48}, 403, "Invalid token: algorithm used is not HS256"),
    ],
)  # fmt: skip
async def test_a_token_that_is_refused(
    place: Place, changes: dict[str, Any], status: int, message: str
) -> None:
    headers = bearer(place, **changes)
    async with (
        ClientSession() as session,
        session.get(f"{place.url}/v2/templates", headers=headers) as answer,
    ):
        assert answer.status == status
        assert await answer.json() == {
            "status_code": status,
            "errors": [{"error": "AuthError", "message": message}],
        }


async def test_no_token_and_nonsense_are_refused(place: Place) -> None:
    async with ClientSession() as session:
        async with session.get(f"{place.url}/v2/templates") as answer:
            assert answer.status == 401
            assert "must be provided" in await answer.text()
        nonsense = {"Authorization": "Bearer a.b.c"}
        async with session.get(f"{place.url}/v2/templates", headers=nonsense) as answer:
            assert answer.status == 403
            assert "make sure your API token matches" in await answer.text()


@pytest.mark.parametrize("seconds", [-40, 40])
async def test_a_clock_that_is_wrong_is_told(place: Place, seconds: int) -> None:
    place.wrong = dt.timedelta(seconds=seconds)
    message = "Error: Your system clock must be accurate to within 30 seconds"
    assert await place.refused(post_email()) == (403, [{"error": "AuthError", "message": message}])
    place.wrong = dt.timedelta(seconds=seconds / 2)
    assert await place.real(post_email())


async def test_a_body_that_is_none_is_refused_in_words(place: Place) -> None:
    async with ClientSession() as session:
        for body, status in (
            (b"{", 400),
            (b"[]", 400),
            (b'{"a": 1}', 400),
            (b"x" * (BODY_BYTES + 1), 413),
        ):
            async with session.post(
                f"{place.url}/v2/notifications/email", data=body, headers=bearer(place)
            ) as answer:
                assert answer.status == status
                assert (await answer.json())["status_code"] == status
        async with session.get(f"{place.url}/nowhere") as answer:
            assert (await answer.json())["status_code"] == 404


async def test_the_inbox_is_for_people_and_for_programs(place: Place) -> None:
    hostile = VALUES | {"reference": "<script>alert(1)</script>"}
    await place.real(post_email(personalisation=hostile))
    async with ClientSession() as session:
        async with session.get(f"{place.url}/inbox") as answer:
            told = await answer.text()
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "&lt;script&gt;" in told
        assert "<script" not in told
        assert SOMEBODY in told
        asked = {"Accept": "application/json"}
        async with session.get(f"{place.url}/inbox", headers=asked) as answer:
            (held,) = await answer.json()
    assert held["email_address"] == SOMEBODY


async def test_only_the_newest_are_kept(place: Place) -> None:
    kept = messages.Messages(place.now, messages.Pace(), kept=2)
    ids = []
    for _ in range(3):
        await place.real(post_email())
        newest = place.stand_in.messages.newest()[0]
        kept.keep(newest)
        ids.append(newest.id)
    assert [each.id for each in kept.newest()] == [ids[2], ids[1]]


def test_a_key_is_read_from_its_text() -> None:
    for kind in ("live", "team", "test"):
        key = new_key(kind)  # type: ignore[arg-type]
        assert read_key(key.text) == key
    with pytest.raises(ValueError, match="UUID"):
        read_key("live-nothing")
