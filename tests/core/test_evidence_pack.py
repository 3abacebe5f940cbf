"""An evidence pack: the same bytes for the same input, and a page that anybody can read and print."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from lxml import html

from gateway.core.evidence_pack import ENTRIES, TEXT_CHARS, PackError, evidence_pack, pack_entry
from tests.judge.packs import MADE_AT, Story, unanswered


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return unanswered(tmp_path_factory.mktemp("ring") / "keys")


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def page_of(data: bytes) -> Any:
    return html.document_fromstring(members(data)["summary.html"].decode())


def text_of(page: Any) -> str:
    """What it says, with a space between each two texts, as cells of a table have none."""
    return " ".join(" ".join(page.itertext()).split())


def test_the_same_input_gives_the_same_bytes(story: Story) -> None:
    first = story.bytes()
    assert story.bytes() == first
    elsewhere = MADE_AT.astimezone(dt.timezone(dt.timedelta(hours=5)))
    assert story.bytes(made_at=elsewhere) == first
    assert story.bytes(made_at=MADE_AT + dt.timedelta(seconds=2)) != first


def test_any_program_opens_it_and_nothing_in_it_is_compressed(story: Story) -> None:
    data = story.bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
    assert {info.compress_type for info in infos} == {zipfile.ZIP_STORED}
    assert {info.date_time for info in infos} == {(2026, 11, 22, 21, 30, 6)}
    names = [info.filename for info in infos]
    assert names[:4] == [
        "summary.html",
        "request.json",
        "notices/01-request.txt",
        "notices/02-reminder.txt",
    ]
    assert names[-3:] == ["checkpoint", "manifest.json", "manifest.sig"]
    assert members(data)["entries/000000004.json"] == story.ledger[4]
    assert members(data)["notices/01-request.txt"] == story.notices[0].text.encode()


def test_nothing_is_said_of_the_subject_unless_it_is_given(story: Story) -> None:
    told = json.loads(members(story.bytes())["request.json"])
    assert told["subject"] is None
    subject = {"surname": "<Example>", "nino": "AA000001A"}
    data = story.bytes(subject=subject)
    assert json.loads(members(data)["request.json"])["subject"] == subject
    assert "About: surname <Example>" in text_of(page_of(data))
    without = {
        name: text for name, text in members(story.bytes()).items() if name != "manifest.sig"
    }
    assert not any(b"AA000001A" in text for text in without.values())


def test_the_page_says_it_all(story: Story) -> None:
    text = text_of(page_of(story.bytes()))
    for said in (
        "Example <Employer> & Söhne (example-employer)",
        "SI 2008/2551 reg 4(1)",
        "The request is now escalated",
        "made at 22 November 2026, 21:30:07 UTC",
        "5 September 2026 Interpretation Act 1978 s 7",
        "<b>Zoë</b>",
        "Second reminder.",
        "handed to the carrier",
        "Still to be answered, and due by 1 October 2026: address",
        "--request req_1",
        story.key.vkey,
    ):
        assert said in text


def test_what_the_organisation_did_is_told_apart(story: Story) -> None:
    page = page_of(story.bytes())
    (table,) = page.xpath("//table[caption='Steps of the organisation']")
    assert [cell.text for cell in table.xpath(".//tbody//td")] == [
        "7 September 2026, 09:00:00 UTC",
        "acknowledged",
        "6",
    ]
    request = msgspec.structs.replace(story.pack().request, organisation="another", left=())
    text = text_of(page_of(story.bytes(request=request)))
    assert "Nothing that the gateway knows of." in text
    assert "all that was asked for has been answered" in text


def test_the_page_can_be_read_by_everybody_and_printed(story: Story) -> None:
    page = page_of(story.bytes())
    assert page.get("lang") == "en-GB"
    assert len(page.xpath("//h1")) == 1
    levels = [int(heading.tag[1]) for heading in page.xpath("//h1|//h2|//h3")]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for table in page.xpath("//table"):
        assert table.xpath("./caption[normalize-space()]")
        assert all(cell.get("scope") in {"row", "col"} for cell in table.xpath(".//th"))
        assert table.xpath(".//th")
    assert "@page{size:A4" in page.xpath("//style")[0].text


def test_the_page_runs_nothing_and_fetches_nothing(story: Story) -> None:
    page = page_of(story.bytes())
    assert not page.xpath("//script|//link|//img|//iframe|//form|//object|//base|//@onclick|//b")
    links = set(page.xpath("//@href|//@src"))
    assert links
    assert links <= members(story.bytes()).keys()


def test_a_request_without_a_notice_is_a_pack_too(story: Story) -> None:
    served = {each.entry for each in story.notices}
    entries = tuple(each for each in story.pack().entries if each.index not in served)
    assert "No notice was sent." in text_of(page_of(story.bytes(notices=(), entries=entries)))


def altered(story: Story, case: str) -> dict[str, Any]:
    pack = story.pack()
    notice = pack.notices[0]
    replace = msgspec.structs.replace
    other = pack_entry(1, story.ledger[3], (), pack.checkpoint)
    return {
        "nothing ever happened": {"request": replace(pack.request, history=())},
        "named": {"entries": pack.entries[1:]},
        "in order": {"entries": pack.entries[::-1]},
        "once each": {"notices": (*pack.notices, notice)},
        "of another": {"entries": (replace(pack.entries[0], proof=other.proof), *pack.entries[1:])},
        "the proof of entry 1": {
            "entries": (replace(pack.entries[0], proof="x"), *pack.entries[1:])
        },
        "its kind, or its length": {"notices": (replace(notice, kind="../x"), *pack.notices[1:])},
        "or its length": {
            "notices": (replace(notice, text="x" * (TEXT_CHARS + 1)), *pack.notices[1:])
        },
        "by a rule, or not at all": {
            "notices": (replace(notice, deemed_citation=None), *pack.notices[1:])
        },
        "its checkpoint": {"checkpoint": pack.checkpoint.replace("\n16\n", "\n15\n")},
        "another ledger": {"origin": "another.test/ledger"},
        f"up to {ENTRIES}": {"entries": pack.entries * ENTRIES},
    }[case]


@pytest.mark.parametrize(
    "case",
    ["nothing ever happened", "named", "in order", "once each", "of another", "the proof of entry 1",
     "its kind, or its length", "or its length", "by a rule, or not at all", "its checkpoint",
     "another ledger", f"up to {ENTRIES}"],
)  # fmt: skip
def test_what_would_not_verify_is_not_made(story: Story, case: str) -> None:
    with pytest.raises(PackError, match=case):
        story.bytes(**altered(story, case))


def test_a_proof_under_another_checkpoint_is_refused(story: Story) -> None:
    older = unanswered(story.directory)
    pack = older.pack()
    older.other(50)
    newer = older.pack()
    assert newer.checkpoint != pack.checkpoint
    mixed = msgspec.structs.replace(newer, entries=pack.entries)
    with pytest.raises(PackError, match="under another checkpoint"):
        evidence_pack(mixed, older.key.sign)
