"""What was asked, and what became of it, cannot be changed in the database or made up in the ledger."""

import asyncio
import json
import shutil

import apsw
import evidence_build as build
import pytest

from certs.development import open_existing
from gateway.core.request_life import Event, State, after, events
from gateway.judge.asked import _LIFE
from gateway.judge.ledger import verify_export
from gateway.judge.store import verify_store
from tests.asking import ADDRESS, EMAIL, Clock, identity, lines, stand_in, story_in

HASH = build.b64u(build.sha256(b"words"))


# --- the database ---------------------------------------------------------------------------------


async def _lived(directory, pki):
    """Requests at every age, with notices by e-mail, by post and by their own door."""
    time = Clock()
    async with story_in(directory, pki, time=time, post=stand_in(time)) as story:
        await story.connected("employer")
        await story.reached("bank", address=ADDRESS, email=EMAIL)
        await story.agrees("bank", "email", EMAIL)
        old = await story.ask("tracing", "bank", "identity")
        await story.do("tracing", old, "withdraw")
        # A letter that served the day after it was handed over.
        await story.store.correspondents.prefer("bank", time.day, post=True)
        story.on(0, hour=23, minute=59)
        await story.ask("tracing", "bank", "identity")
        story.on(1, hour=0, minute=2)
        await story.run("fates")
        await story.store.correspondents.prefer("bank", time.day, post=False)
        late = await story.ask("tracing", "employer", "identity", due=time.day.isoformat())
        asked = await story.ask("tracing", "bank", "identity", "address")
        await story.do("bank", asked, "clarifications", text="Which Marsh?")
        answered = await story.ask("tracing", "bank", "identity")
        await story.send("bank", lines(identity()), Request_Id=answered)
        story.on(5)
        await story.run("reminders", "fates")
        assert {story.state(each) for each in (old, late, asked, answered)} == {
            "withdrawn",
            "overdue",
            "served",
            "answered",
        }
        # A draft of which nobody has heard.
        await story.ask("tracing", "bank", "identity", draft=True)
        return story.house.settings.data, story.vkey


@pytest.fixture(scope="module")
def lived(tmp_path_factory, pki_template):
    directory = tmp_path_factory.mktemp("lived")
    shutil.copytree(pki_template, directory / "pki")
    data, vkey = asyncio.run(_lived(directory, open_existing(directory / "pki")))
    assert verify_store(data, vkey).ok
    return data, vkey


def said_of(lived, sql, *parameters):
    """What the judge says of the store after a change, which is then undone."""
    data, vkey = lived
    path = data / "gateway.sqlite"
    before = path.read_bytes()
    db = apsw.Connection(str(path))
    db.execute(sql, parameters)
    assert db.changes()
    db.close()
    try:
        verdict = verify_store(data, vkey)
        return "" if verdict.ok else " | ".join(map(str, verdict.findings))
    finally:
        path.write_bytes(before)


# Whatever an entry speaks of. The rest is sealed, or says nothing that anybody relies on alone.
JUDGED = {
    "request": [
        "id",
        "organisation",
        "consumer",
        "purposes",
        "record_types",
        "due",
        "kind",
        "state",
        "events",
        "batch",
        "ended",
        "erased",
        "lapsed_on",
        "stopped",
    ],
    "request_event": [
        "request",
        "n",
        "event",
        "state",
        "at",
        "by",
        "submission",
        "notice",
        "entry",
    ],
    "notice": [
        "id",
        "request",
        "correspondent",
        "kind",
        "purpose",
        "state",
        "form",
        "agreement",
        "sent",
        "deemed_on",
        "entry",
    ],
}
OTHER = {
    "purposes": '["CALCULATE"]',
    "record_types": '["earnings"]',
    "state": "failed",
    "events": 9,
    "n": 99,
    "entry": 3,
    "form": "webhook",
    "lapsed_on": None,
    "stopped": None,
}
WHERE = {
    "lapsed_on": "lapsed_on IS NOT NULL",
    "stopped": "stopped IS NOT NULL",
    "submission": "submission IS NOT NULL",
    "notice": "notice IS NOT NULL",
    "ended": "ended IS NOT NULL",
    "deemed_on": "form = 'post'",
    "form": "form = 'email'",
    "agreement": "form = 'email'",
    "sent": "sent IS NOT NULL",
    "request.state": "state = 'overdue'",
    "notice.state": "state = 'delivered'",
}


@pytest.mark.parametrize(
    ("table", "column"), [(table, name) for table, names in JUDGED.items() for name in names]
)
def test_a_change_of_whatever_an_entry_speaks_of_is_named(lived, table, column):
    value = OTHER.get(column, "2020-01-01")
    where = WHERE.get(f"{table}.{column}") or WHERE.get(column) or "TRUE"
    if table == "request" and column == "state":
        value = "answered"
    if table == "notice" and column not in {"sent", "deemed_on", "form", "agreement", "state"}:
        where = "sent IS NOT NULL"
    name = "id" if table != "request_event" else "n"
    key = f"(SELECT {name} FROM {table} WHERE {where} LIMIT 1)"
    extra = (
        ""
        if table != "request_event"
        else f" AND request = (SELECT request FROM {table} WHERE {where} LIMIT 1)"
    )
    found = said_of(lived, f"UPDATE {table} SET {column} = ? WHERE {name} = {key}{extra}", value)
    assert "it is not what the ledger's entries say" in found
    assert ("notice ntc_" if table == "notice" else "request ") in found or "2020-01-01" in found


def test_every_row_counts(lived):
    """Each request, each event and each notice that went is looked at, and each is named."""
    data, _ = lived
    db = apsw.Connection(str(data / "gateway.sqlite"))
    requests = [row[0] for row in db.execute("SELECT id FROM request")]
    events = list(db.execute("SELECT request, n FROM request_event"))
    notices = [row[0] for row in db.execute("SELECT id FROM notice WHERE sent IS NOT NULL")]
    db.close()
    assert (len(requests), len(events) > 15, len(notices) > 4) == (6, True, True)
    for each in requests:
        assert f"request {each}" in said_of(
            lived, "UPDATE request SET due = '2030-01-01' WHERE id = ?", each
        )
    for each, n in events:
        sql = "UPDATE request_event SET by = 'somebody' WHERE request = ? AND n = ?"
        assert f"what happened to request {each}" in said_of(lived, sql, each, n)
    for each in notices:
        sql = "UPDATE notice SET kind = 'reminder_with_code' WHERE id = ?"
        assert f"notice {each}" in said_of(lived, sql, each)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("DELETE FROM request_event WHERE n = 2", "what happened to request"),
        ("DELETE FROM request WHERE state = 'drafted'", "it is not there"),
        ("DELETE FROM notice WHERE form = 'email'", "notice ntc_"),
        (
            (
                "INSERT INTO request_event SELECT request, 50, event, state, at, by, submission, notice, "
                "entry FROM request_event WHERE n = 1"
            ),
            "what happened to request",
        ),
        (
            (
                "INSERT INTO notice SELECT 'ntc_x', request, correspondent, kind, purpose, state, form, "
                "agreement, wrapped_key, sealed, made, next_try, tries, avoid, reference, sent, "
                "deemed_on, deemed_by, entry FROM notice WHERE form = 'email' LIMIT 1"
            ),
            "notice ntc_x",
        ),
        ("UPDATE request SET erased = '2026-11-23T00:00:00.000000Z'", "request req_"),
    ],
    ids=range(6),
)
def test_what_is_taken_away_or_put_in_is_named(lived, sql, told):
    assert told in said_of(lived, sql)


# --- the ledger -----------------------------------------------------------------------------------


def raised(identity="req-1", **changed):
    entry = {
        "v": 1, "kind": "request.raised", "time": build.instant(10), "id": identity, "n": 1,
        "state": "drafted", "organisation": "org-7", "consumer": "tracing", "asks": "information",
        "purposes": ["IDENTIFY_TRACE"], "record_types": ["identity"], "due": "2026-12-07",
        "batch": None,
    }  # fmt: skip
    return build.canonical(entry | changed)


def happened(event, state, n, identity="req-1", **changed):
    entry = {
        "v": 1, "kind": f"request.{event}", "time": build.instant(10 + n), "id": identity, "n": n,
        "state": state, "by": "gateway", "submission": None, "notice": None, "due": None,
    }  # fmt: skip
    return build.canonical(entry | changed)


def sent(**changed):
    entry = {
        "v": 1, "kind": "notice.sent", "time": build.instant(12), "id": "ntc-1", "request": "req-1",
        "correspondent": "org-7", "notice": "information_request", "purpose": "requests",
        "form": "email", "agreement": "agr-1", "deemed": "2026-11-24", "content": HASH,
    }  # fmt: skip
    return build.canonical(entry | changed)


ISSUED = happened("issued", "issued", 2)
SERVED = happened("served", "served", 3, notice="ntc-1")
LIFE = [
    build.opened(),
    raised(),
    ISSUED,
    sent(),
    SERVED,
    happened("queried", "served", 4),
    happened("explained", "served", 5, due="2026-12-09"),
    happened("reminded", "served", 6, notice="ntc-2"),
    happened("lapsed", "overdue", 7),
    happened("escalated", "escalated", 8),
    happened("part_answered", "escalated", 9, submission="sub-1"),
    happened("answered", "answered", 10, submission="sub-2"),
    happened("refused", "answered", 11, submission="sub-3"),
]


def verdict_on(directory, entries):
    build.write_files(directory, build.files_of(entries))
    return verify_export(directory, build.VKEY)


def test_a_whole_life_verifies(tmp_path):
    verdict = verdict_on(tmp_path, LIFE)
    assert verdict.ok, verdict.findings


@pytest.mark.parametrize(
    ("entries", "at", "told"),
    [
        ([raised(), happened("issued", "issued", 3)], 2, "it is step 3"),
        ([raised(), ISSUED, happened("issued", "issued", 2)], 3, "it is step 2"),
        ([raised(), ISSUED, happened("issued", "issued", 3)], 3, "cannot be issued"),
        ([raised(), happened("served", "served", 2)], 2, "a request that is drafted cannot be"),
        (
            [raised(), ISSUED, happened("lapsed", "overdue", 3)],
            3,
            "that is issued cannot be lapsed",
        ),
        (
            [raised(), ISSUED, SERVED, happened("escalated", "escalated", 4)],
            4,
            "cannot be escalated",
        ),
        (
            [raised(), happened("withdrawn", "withdrawn", 2), happened("answered", "answered", 3)],
            3,
            "that is withdrawn cannot be answered",
        ),
        ([raised(), happened("issued", "served", 2)], 2, "it leads to 'served', not to issued"),
        ([raised(), raised()], 2, "is raised a second time"),
        ([ISSUED], 1, "was never raised"),
        ([sent()], 1, "was never raised"),
        ([raised(), sent(agreement=None)], 2, "electronically without an agreement"),
        (
            [raised(), sent(form="webhook", agreement=None)],
            2,
            "electronically without an agreement",
        ),
        ([raised(), sent(form="post")], 2, "or by post on one"),
    ],
    ids=range(14),
)
def test_a_story_that_cannot_be_is_named(tmp_path, entries, at, told):
    verdict = verdict_on(tmp_path, [build.opened(), *entries])
    assert not verdict.ok
    assert f"entry {at}:" in str(verdict.findings[0])
    assert told in " | ".join(map(str, verdict.findings))


@pytest.mark.parametrize(
    "forged",
    [
        raised(n=2),
        raised(state="issued"),
        raised(subject="Marsh"),
        raised(due="soon"),
        happened("paused", "served", 2),
        happened("issued", "issued", 2, words="Which Marsh?"),
        happened("issued", "issued", -2),
        sent(form="fax"),
        sent(content="x"),
        sent(address="post.room@bank.example"),
    ],
    ids=range(10),
)
def test_an_entry_in_another_form_is_named(tmp_path, forged):
    verdict = verdict_on(tmp_path, [build.opened(), raised(identity="req-0"), forged])
    assert not verdict.ok
    assert any("entry 2:" in str(finding) for finding in verdict.findings)


def test_each_step_that_is_left_out_is_missed(tmp_path):
    for at in range(1, len(LIFE) - 1):
        if json.loads(LIFE[at])["kind"] == "notice.sent":
            continue
        verdict = verdict_on(tmp_path / str(at), [*LIFE[:at], *LIFE[at + 1 :]])
        assert not verdict.ok, at


def test_the_judges_table_and_the_gateways_agree():
    """They were written twice; whoever changes one of them looks at the other."""
    ours = {
        state.value: {event.value: after(state, event).value for event in events(state)}
        for state in State
    }
    assert ours == _LIFE
    assert {event.value for event in Event} >= {name for steps in _LIFE.values() for name in steps}
