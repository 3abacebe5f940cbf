"""The published MESH client, unchanged, against the running gateway over mutual TLS."""

from __future__ import annotations

import gzip
import hashlib
import json
import warnings
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path

import pytest
import requests
from mesh_client import MeshClient, MeshError
from mesh_client.types import TrackingResponse_v2

from certs import development
from gateway.judge.receipt import verify_receipt
from tests.conftest import SAMPLES, House, house_in
from tests.edge.mailbox import ADDRESS, SCHEDULE, Mailbox, mailbox_of, rows

WORDS = {"workflow_id": "CMS_SUBMISSION"}


@pytest.fixture
async def shop(house: House) -> Mailbox:
    return await mailbox_of(house, "employer", "SHOP1")


async def test_it_pings_and_shakes_hands(shop: Mailbox) -> None:
    assert (await shop.run(MeshClient.ping))["status"] == "running"
    assert await shop.run(MeshClient.handshake) == b"hello"


async def test_a_file_is_sent_and_its_outcome_and_receipt_are_collected(shop: Mailbox) -> None:
    sent = await shop.send(local_id="pay-2026-10", subject="October")

    def collect(client: MeshClient) -> list[tuple[str, str, str, str, str, bytes]]:
        found = []
        for message in client.iterate_all_messages():
            with message:  # acknowledges it
                found.append(
                    (
                        message.message_type,
                        message.workflow_id,
                        message.local_id,
                        message.mex_header("linkedmsgid"),
                        message.subject,
                        message.read(),
                    )
                )
        return found

    outcome, receipt = await shop.run(collect)
    assert outcome[:5] == ("DATA", "CMS_SUBMISSION_ACK", "pay-2026-10", sent, "October")
    assert receipt[:5] == ("DATA", "CMS_SUBMISSION_RECEIPT", "pay-2026-10", sent, "October")
    told = json.loads(outcome[5])
    assert told["state"] == "accepted"
    assert told["rows"]["accepted"] == 3
    proof = receipt[5].decode()
    assert told["receipt"] == proof
    assert verify_receipt(proof, shop.house.gateway.ring.evidence.vkey).ok
    assert await shop.run(MeshClient.list_messages) == []
    _, same, _ = await shop.party.call("GET", f"/v1/submissions/{told['id']}")
    assert same == told


@pytest.mark.parametrize("compress", [False, True])
async def test_a_file_in_chunks_is_one_submission(shop: Mailbox, *, compress: bool) -> None:
    data = rows(4_000)
    assert len(data) > 200_000
    sent = await shop.send(
        data,
        max_chunk_size=50_000,
        compress=compress,
        content_type="text/csv",
        checksum=hashlib.sha256(data).hexdigest(),
    )
    tracked = await shop.run(lambda client: client.track_message(sent))
    found = shop.house.gateway.store.journal.latest("employer", None, 10)
    assert [one["id"] for one in found] == [tracked["submission"]]
    for _ in range(2):  # the outcome of a large file follows; the API waits for it
        _, outcome, _ = await shop.party.call(
            "GET", f"/v1/submissions/{tracked['submission']}?wait=30"
        )
    assert outcome["rows"]["accepted"] == 4_000
    tracked = await shop.run(lambda client: client.track_message(sent))
    assert (tracked["status"], tracked["status_success"]) == ("acknowledged", True)
    kinds = [headers["Mex-WorkflowID"] for headers, _ in await shop.collected()]
    assert kinds == ["CMS_SUBMISSION_ACK", "CMS_SUBMISSION_RECEIPT"]


async def test_a_small_file_compressed_on_the_way(shop: Mailbox) -> None:
    digest = hashlib.md5(SCHEDULE, usedforsecurity=False).hexdigest()
    await shop.send(compress=True, checksum=digest)
    await shop.send(gzip.compress(SCHEDULE + b"\n"), compressed=True, filename="schedule.csv.gz")
    states = [one["state"] for one in shop.house.gateway.store.journal.latest("employer", None, 9)]
    assert states == ["accepted"] * len(states)


async def test_a_file_that_is_refused_comes_back_as_a_report(shop: Mailbox) -> None:
    wrong = SCHEDULE.replace(b"2026", b"2O26")
    sent = await shop.send(wrong, local_id="bad", subject="October")

    def look(client: MeshClient) -> tuple[object, ...]:
        report, outcome, receipt = map(client.retrieve_message, client.list_messages())
        assert (report.message_type, report.local_id) == ("REPORT", "bad")
        assert report.workflow_id == "CMS_SUBMISSION"
        assert report.mex_header("linkedmsgid") == sent
        assert report.mex_header("statussuccess") == "ERROR"
        assert report.mex_header("statuscode") not in {None, "00"}
        assert report.mex_header("statusdescription")
        assert report.mex_header("subject") == "NDR: October"
        assert len(report.mex_header("statustimestamp") or "") == 14
        assert report.read() == b""
        return json.loads(outcome.read()), receipt.read().decode(), client.track_message(sent)

    problem, receipt, tracked = await shop.run(look)
    assert problem["errors"]
    assert problem["receipt"] == receipt
    assert verify_receipt(receipt, shop.house.gateway.ring.evidence.vkey).ok
    assert (tracked["status"], tracked["status_success"]) == ("error", False)


async def test_a_large_file_that_is_refused_comes_back_as_a_report(shop: Mailbox) -> None:
    data = rows(3_000).replace(b"TOTAL,3000", b"TOTAL,3001")
    sent = await shop.send(data, max_chunk_size=60_000)
    tracked = await shop.run(lambda client: client.track_message(sent))
    await shop.party.call("GET", f"/v1/submissions/{tracked['submission']}?wait=30")
    tracked = await shop.run(lambda client: client.track_message(sent))
    assert tracked["status"] == "error"
    report, outcome, receipt = await shop.collected()
    assert report[0]["Mex-MessageType"] == "REPORT"
    assert report[0]["Mex-StatusDescription"] == tracked["status_description"]
    assert json.loads(outcome[1])["state"] == "refused"
    assert verify_receipt(receipt[1].decode(), shop.house.gateway.ring.evidence.vkey).ok


async def test_what_is_asked_lies_in_the_inbox_and_is_answered(house: House) -> None:
    bank = await mailbox_of(house, "bank", "BANK1")
    asked = await house.ask("tracing", "bank", "account", "party", "safe_deposit_box")
    ((headers, text),) = await bank.collected()
    assert headers["Mex-WorkflowID"] == "CMS_REQUEST"
    assert headers["Mex-Subject"] == asked
    _, listed, _ = await house.bank.call("GET", "/v1/requests")
    assert [json.loads(text)] == listed["requests"]
    answer = (SAMPLES / "bank-answer.xml").read_bytes()
    sent = await bank.send(answer, subject=asked, filename="answer.xml")
    tracked = await bank.run(lambda client: client.track_message(sent))
    (found,) = house.gateway.store.journal.latest("bank", None, 9)
    assert (found["id"], found["request"]) == (tracked["submission"], asked)


async def test_it_looks_up_where_to_send(shop: Mailbox) -> None:
    def look(code: str, workflow: str) -> object:
        return lambda client: client.lookup_endpoint(code, workflow)["results"]

    (found,) = await shop.run(look("CMS", "CMS_SUBMISSION"))  # type: ignore[arg-type]
    assert found["mailbox_id"] == ADDRESS
    for code, workflow in (("X26", "CMS_SUBMISSION"), ("CMS", "SPINE_GPCAPITATION_EXTRACT")):
        assert await shop.run(look(code, workflow)) == []  # type: ignore[arg-type]


async def test_it_counts_lists_and_filters(shop: Mailbox) -> None:
    for number in range(6):
        await shop.send(SCHEDULE + b"\n" * number)
    sent_twice = 12  # an outcome and a receipt each, less what was a repeat

    def count(client: MeshClient) -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return client.count_messages()

    total = await shop.run(count)
    assert total == sent_twice
    everything = await shop.run(lambda client: list(client.iterate_message_ids(batch_size=10)))
    assert len(everything) == len(set(everything)) == total
    assert await shop.run(lambda client: client.list_messages(max_results=10)) == everything[:10]

    def filtered(pattern: str) -> object:
        return lambda client: list(client.iterate_message_ids(workflow_filter=pattern))

    receipts = await shop.run(filtered("*RECEIPT*"))  # type: ignore[arg-type]
    others = await shop.run(filtered("!CMS_SUBMISSION_RECEIPT"))  # type: ignore[arg-type]
    assert sorted([*receipts, *others]) == sorted(everything)  # type: ignore[misc]
    assert await shop.run(filtered("CMS_SUBMISSION_*")) == everything  # type: ignore[arg-type]
    assert await shop.run(filtered("!CMS_*")) == []  # type: ignore[arg-type]


async def test_the_same_id_of_its_sender_is_the_same_message(shop: Mailbox) -> None:
    first = await shop.send(local_id="pay-2026-10")
    assert await shop.send(local_id="pay-2026-10") == first
    assert len(await shop.inbox()) == 2
    with pytest.raises(MeshError, match="new key"):
        await shop.send(SCHEDULE + b"\n", local_id="pay-2026-10")


async def test_what_cannot_be_taken_is_an_error_the_client_knows(shop: Mailbox) -> None:
    with pytest.raises(MeshError, match="recipient"):
        await shop.run(lambda client: client.send_message("NOBODY", SCHEDULE, **WORDS))
    with pytest.raises(MeshError, match="workflow"):
        await shop.send(workflow_id="PATHOLOGY")
    with pytest.raises(MeshError, match="Checksum"):
        await shop.send(checksum="0" * 64)
    with pytest.raises(MeshError, match="empty"):
        await shop.send(b"")
    with pytest.raises(requests.HTTPError, match="404"):
        await shop.run(lambda client: client.retrieve_message("06H0BO3RD3B3TGPKCPGVBI5KKC"))


@pytest.fixture
async def narrow(tmp_path: Path, pki: development.DevelopmentPki) -> AsyncIterator[Mailbox]:
    """A mailbox of a gateway that sends out 1 KiB in a chunk."""
    async with house_in(tmp_path, pki, names=("employer",), mailbox_chunk_bytes=1_024) as house:
        yield await mailbox_of(house, "employer", "SHOP1")


async def test_a_long_message_goes_out_in_chunks(narrow: Mailbox) -> None:
    await narrow.send()
    outcome, _ = await narrow.inbox()
    status, _, headers = await narrow.call("GET", f"inbox/{outcome}")
    assert status == 206
    total = int(headers["Mex-Chunk-Range"].removeprefix("1:"))
    assert total > 1
    status, _, headers = await narrow.call("GET", f"inbox/{outcome}/{total}")
    assert (status, headers["Mex-Chunk-Range"]) == (200, f"{total}:{total}")
    assert (await narrow.call("GET", f"inbox/{outcome}/{total + 1}"))[0] == 404

    def read(client: MeshClient) -> bytes:
        return bytes(client.retrieve_message(outcome).read())

    assert json.loads(await narrow.run(read))["state"] == "accepted"


async def test_what_was_refused_is_mended_and_sent_again_under_the_same_id(shop: Mailbox) -> None:
    right = rows(3_000)
    wrong = right.replace(b"TOTAL,3000", b"TOTAL,3001")
    for data, state in ((wrong, "error"), (right, "acknowledged"), (right, "acknowledged")):
        sent = await shop.send(data, local_id="pay-2026-10", max_chunk_size=60_000)
        status = "accepted"
        while status == "accepted":
            tracked = await shop.run(lambda client, sent=sent: client.track_message(sent))
            status = tracked["status"]
        assert status == state
    states = [one["state"] for one in shop.house.gateway.store.journal.latest("employer", None, 9)]
    assert states == ["accepted", "refused"]
    _, body, _ = await shop.call("GET", "outbox/tracking?localID=pay-2026-10")
    assert body["message_id"] == sent


async def test_answers_have_the_members_that_are_published(shop: Mailbox) -> None:
    schemas = json.loads((files("schemas") / "openapi.json").read_text())["components"]["schemas"]
    sent = await shop.send()
    _, tracked, _ = await shop.call("GET", f"outbox/tracking?messageID={sent}")
    assert tracked.keys() == schemas["MeshTracking"]["properties"].keys()
    ours = {"recipient_name", "recipient_ods_code", "recipient_org_code", "recipient_org_name"}
    assert TrackingResponse_v2.__annotations__.keys() - tracked.keys() == ours  # not organisations'
    _, listed, _ = await shop.call("GET", "inbox")
    assert listed.keys() == schemas["MeshInbox"]["properties"].keys()
    for method, path, status in (("GET", "nothing", 404), ("DELETE", "inbox", 405)):
        found, error, _ = await shop.call(method, path)
        assert found == status
        assert error.keys() == schemas["MeshError"]["properties"].keys()


async def test_both_forms_of_every_answer(shop: Mailbox) -> None:
    one = {"headers": {"Accept": "application/json"}}
    sent = await shop.send(local_id="a")
    _, tracked, _ = await shop.call("GET", "outbox/tracking/a", **one)
    assert (tracked["messageId"], tracked["status"]) == (sent, "Acknowledged")
    assert (tracked["statusSuccess"], len(tracked["uploadTimestamp"])) == ("SUCCESS", 14)
    _, listed, headers = await shop.call("GET", "inbox", **one)
    assert list(listed) == ["messages"]
    assert headers["Content-Type"] == "application/json"
    _, counted, _ = await shop.call("GET", "count", **one)
    assert (counted["count"], counted["allResultsIncluded"]) == (2, True)
    _, found, _ = await shop.call(
        "GET", "/messageexchange/endpointlookup/CMS/CMS_SUBMISSION", **one
    )
    (result,) = found["results"]
    assert (result["address"], result["endpoint_type"]) == (ADDRESS, "MESH")
    assert found["query_id"]
    _, error, _ = await shop.call("GET", "inbox/x", **one)
    assert error.keys() == {"errorEvent", "errorCode", "errorDescription"}
