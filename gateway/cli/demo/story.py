"""The steps of the demonstration; each does what it says, and checks it before it says so."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any, Final

from gateway.cli.checking import judge
from gateway.cli.demo import asking as asking_by_letter
from gateway.cli.demo import cast, teams
from gateway.cli.demo.stage import Stage, expect
from gateway.cli.demo.voice import ABSENT, WITHHELD, Voice, cell
from gateway.client.events import FeedPage
from gateway.client.problem import Problem
from gateway.core.refusal import Reason, Refused
from gateway.core.tiles import decode_entries
from gateway.core.tlog_proof import parse_tlog_proof
from gateway.judge.feed import verify_feed
from gateway.judge.ledger import verify_export
from gateway.judge.receipt import verify_receipt

_FEEDS: Final = ("tracing", "calculation", "enforcement")
_WIDTH: Final = 256


async def tell(stage: Stage, voice: Voice) -> None:
    """Every step, in order."""
    await opening(stage, voice)
    await onboarding(stage, voice)
    await asking(stage, voice)
    await submitting(stage, voice)
    await repeating(stage, voice)
    await refusing(stage, voice)
    await collecting(stage, voice)
    await comparing(stage, voice)
    await verifying_feeds(stage, voice)
    await teams.proposing(stage, voice)
    await teams.answering_for(stage, voice)
    await verifying_receipts(stage, voice)
    await answering(stage, voice)
    await asking_by_letter.agreeing(stage, voice)
    await asking_by_letter.served_by_letter(stage, voice)
    await auditing(stage, voice)
    await tampering(stage, voice)


async def opening(stage: Stage, voice: Voice) -> None:
    """A gateway that answers, and the one key everything is checked with."""
    url = f"https://localhost:{stage.gateway.port}"
    voice.step(f"Opened a gateway on {url} with an empty ledger.")
    voice.line(f"Everything it has is in {stage.directory}.")
    voice.line("Everything it will say can be checked with this one public key:")
    voice.copy(stage.vkey)
    voice.shows("it needs no set-up. SQLite, the key ring and the certificates were just made.")


async def onboarding(stage: Stage, voice: Voice) -> None:
    """Organisations and consumers."""
    for part in cast.PARTS:
        await stage.onboard(part)
    voice.step("Let three organisations and three CMS teams in, while the gateway was running.")
    voice.table(
        ("who", "kind", "as"),
        [(part.name, part.kind, ", ".join(part.classes)) for part in cast.PARTS],
    )
    voice.shows(
        "nobody speaks without a certificate of their own, and a token that is bound to it; and "
        "letting somebody in is an entry in the ledger."
    )


async def asking(stage: Stage, voice: Voice) -> None:
    """Information requests, and one that the law does not allow."""
    due = (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=14)).isoformat()
    for question in cast.QUESTIONS:
        stage.requests[question] = await stage.clients[question.consumer].raise_request(
            organisation=question.organisation,
            purposes=(question.purpose,),
            citation=question.citation,
            record_types=question.record_types,
            subject=cast.SUBJECT,
            due=due,
        )
    voice.step(f"Raised {len(cast.QUESTIONS)} information requests, each for a purpose in law.")
    voice.table(
        ("asked by", "of", "purpose", "for"),
        [
            (q.consumer, q.organisation, q.purpose, ", ".join(q.record_types))
            for q in cast.QUESTIONS
        ],
    )
    try:
        await stage.clients["tracing"].raise_request(
            organisation=cast.BANK,
            purposes=("CALCULATE",),
            citation=cast.WHERE.citation,
            record_types=("account",),
            subject=cast.SUBJECT,
            due=due,
        )
    except Problem as problem:
        expect(problem.slug == "no-purpose", f"a request was refused as {problem.slug}")
        voice.line(f"Tracing then asked in order to calculate, and was refused: {problem.detail}")
    else:
        expect(False, "tracing could ask for a purpose that is not its own")  # noqa: FBT003
    voice.shows("nothing is asked without a purpose, and no team can borrow another's.")


async def submitting(stage: Stage, voice: Voice) -> None:
    """The sample files, over mutual TLS, each with its receipt."""
    rows, missing = [], []
    for sample in cast.SAMPLES:
        path = stage.samples / sample.file
        if not await asyncio.to_thread(_is_read, path):
            missing.append(sample.file)
            continue
        request = None if sample.answers is None else stage.requests[sample.answers]
        outcome = await stage.clients[sample.sender].submit(path, request=request)
        stage.outcomes[sample.file] = outcome
        stage.receipt(sample.file).write_text(outcome.receipt)
        why = "standing duty" if sample.answers is None else sample.answers.purpose
        entry = str(parse_tlog_proof(outcome.receipt).index)
        counted = str(outcome.rows.accepted)
        rows.append((sample.sender, sample.file, why, counted, entry))
    voice.step(f"Sent {len(rows)} files over mutual TLS; each came back with a signed receipt.")
    voice.table(("from", "file", "ground", "records", "entry"), rows)
    for name in missing:
        voice.line(f"{name} was left out: this installation has no reader for it.")
    voice.shows(
        "an organisation answers in the format it has, and holds a receipt at once. The receipt was "
        "given only after the records were safely on the disk."
    )


async def repeating(stage: Stage, voice: Voice) -> None:
    """The same file again."""
    first = stage.outcomes[cast.SCHEDULE.file]
    again = await stage.clients[cast.EMPLOYER].submit(stage.samples / cast.SCHEDULE.file)
    expect(again.repeat and again.id == first.id, "a repeated file became a second submission")
    expect(again.receipt == first.receipt, "a repeated file got another receipt")
    voice.step(f"Sent {cast.SCHEDULE.file} a second time; the answer was the same {first.id}.")
    voice.shows(
        "sending again is always safe. The same bytes are one submission, with one receipt, to the "
        "last character."
    )


async def refusing(stage: Stage, voice: Voice) -> None:
    """A file with a mistake, and words with which to mend it."""
    path = stage.directory / "samples" / "schedule-with-a-mistake.csv"
    source = stage.samples / cast.SCHEDULE.file
    path.write_bytes(cast.with_a_mistake(source.read_bytes()))
    try:
        await stage.clients[cast.EMPLOYER].submit(path)
    except Problem as problem:
        expect(problem.errors, "a refusal did not name the row")
        expect(problem.receipt, "a refusal came without its receipt")
        error = problem.errors[0]
        voice.step(f"Sent a schedule with a mistake in it; it was refused: {problem.title}.")
        voice.line(f"Row {error.row}, {error.field}: {error.message} {error.fix}")
        stage.receipt(path.name).write_text(problem.receipt or "")
        voice.shows(
            "an error names the row, the field and the mend, and never repeats what was in it. The "
            "refusal has a receipt too: that the file was sent can be proved."
        )
        return
    expect(False, "a file with a mistake was accepted")  # noqa: FBT003


async def collecting(stage: Stage, voice: Voice) -> None:
    """Each team reads its feed."""
    rows = []
    for name in _FEEDS:
        pages = [page async for page in stage.clients[name].feed(name)]
        stage.pages[name] = pages
        found = _records(pages)
        types = sorted({record["type"] for record in found})
        rows.append((name, str(len(found)), ", ".join(types)))
    voice.step("Each team read its own feed.")
    voice.table(("feed", "records", "of types"), rows)
    try:
        async for _ in stage.clients["tracing"].feed("calculation"):
            expect(False, "tracing could read the feed of calculation")  # noqa: FBT003
    except Problem as problem:
        expect(problem.status == 404, f"another's feed was refused with {problem.status}")
        voice.line("Tracing then tried to read calculation's feed: for tracing there is none.")
    voice.shows(
        "every look at the records is itself an entry in the ledger, before they are shown."
    )


async def comparing(stage: Stage, voice: Voice) -> None:
    """The same person, in three feeds."""
    voice.step("Put the same employee's row side by side, as each team sees it.")
    who = _with_address(stage)
    _side_by_side(stage, voice, "deduction", who, ("who", "where", "work", "pay", "deduction"))
    tracing = _one(stage, "tracing", "deduction", who)
    calculation = _one(stage, "calculation", "deduction", who)
    expect("where" in tracing["groups"], "tracing does not see the address")
    expect("pay" in tracing["withheld"], "tracing sees the pay")
    expect("pay" in calculation["groups"], "calculation does not see the pay")
    expect("where" in calculation["withheld"], "calculation sees the address")
    voice.line("And what the bank said of one account, asked by each for its own purpose:")
    nino = cast.SUBJECT["nino"]
    groups = ("who", "where", "account", "balance")
    _side_by_side(stage, voice, "account", nino, groups, feeds=("tracing", "calculation"))
    voice.shows(
        "a team sees the fields its purpose needs and no others. What is withheld was never sent to "
        "it; it gets a salted digest instead, so that it can still prove the rest."
    )


def _side_by_side(
    stage: Stage,
    voice: Voice,
    kind: str,
    nino: str,
    groups: tuple[str, ...],
    feeds: tuple[str, ...] = _FEEDS,
) -> None:
    records = [_one(stage, name, kind, nino) for name in feeds]
    rows = [(group, *(cell(record, group) for record in records)) for group in groups]
    rows = [row for row in rows if set(row[1:]) - {ABSENT, WITHHELD}]
    voice.table(("", *feeds), rows)


async def verifying_feeds(stage: Stage, voice: Voice) -> None:
    """Feeds, against the public key."""
    total = 0
    for name in _FEEDS:
        lines = [line for page in stage.pages[name] for line in page.lines]
        verdict = verify_feed(lines, stage.vkey)
        expect(verdict.ok, f"the feed {name} does not verify: {verdict.findings[:1]}")
        total += verdict.records
        (stage.directory / f"feed-{name}.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    voice.step(f"Verified all {total} records in the three feeds with the public key alone.")
    voice.shows(
        "what each team was shown is exactly what the organisation sent, in the ledger, in order, "
        "with nothing left out; although each saw only a part of it."
    )


async def verifying_receipts(stage: Stage, voice: Voice) -> None:
    """Receipts, against the public key and the files that were sent."""
    for name, outcome in stage.outcomes.items():
        digest = hashlib.sha256((stage.samples / name).read_bytes()).digest()
        verdict = verify_receipt(outcome.receipt, stage.vkey, digest=digest)
        expect(verdict.ok, f"the receipt of {name} does not verify: {verdict.findings[:1]}")
    verdict = verify_receipt(stage.receipt("schedule-with-a-mistake.csv").read_text(), stage.vkey)
    expect(verdict.ok, f"the receipt of the refusal does not verify: {verdict.findings[:1]}")
    voice.step(f"Verified all {len(stage.outcomes) + 1} receipts with the public key alone.")
    voice.shows(
        "an organisation can show, years later and without asking us, what it sent, when, and what "
        "became of it, down to the last bit of the file."
    )


async def answering(stage: Stage, voice: Voice) -> None:
    """Every class of organisation, each with a file of what it may be asked for."""
    law, day = stage.gateway.law, dt.datetime.now(dt.UTC).date()
    rows = []
    for each in cast.answers(law, day):
        await stage.onboard(each.part)
        asked = each.asked
        request = await stage.clients[asked.consumer].raise_request(
            organisation=asked.organisation,
            purposes=(asked.purpose,),
            citation=asked.citation,
            record_types=asked.record_types,
            subject=cast.SUBJECT,
            due=(day + dt.timedelta(days=14)).isoformat(),
        )
        outcome = await stage.clients[each.part.id].submit(
            stage.samples / each.file, request=request
        )
        expect(outcome.rows.accepted and not outcome.rows.refused, f"{each.file} was refused")
        rows.append((each.slug, asked.purpose, each.file, str(outcome.rows.accepted)))
    off = [slug for slug in law.classes if law.in_force(slug, day) is None]
    voice.step(f"Let an organisation of each of {len(rows)} classes in; each answered a request.")
    voice.table(("class", "purpose", "file", "records"), rows)
    voice.line(f"Off until the instrument they rest on is entered: {', '.join(off)}.")
    voice.shows(
        "the list of those who must answer is a table, dated and cited. Any of them can answer with "
        "a plain table, and a class is added by one file."
    )


async def auditing(stage: Stage, voice: Voice) -> None:
    """The whole ledger, copied and read again by the judge."""
    size = await stage.clients["enforcement"].export_ledger(stage.copy)
    verdict = await asyncio.to_thread(verify_export, stage.copy, stage.vkey)
    expect(verdict.ok, f"the ledger does not verify: {verdict.findings[:1]}")
    expect(verdict.entries == size, "the copy has another size than was said")
    voice.step(f"Copied the ledger and verified it offline: {size} entries, from the first on.")
    voice.shows(
        "an auditor trusts nobody. Every entry was read, every hash computed again, by a judge that "
        "shares no code with the gateway but the hash."
    )


async def tampering(stage: Stage, voice: Voice) -> None:
    """One bit of the copy, turned over and found."""
    index = parse_tlog_proof(stage.outcomes[cast.SCHEDULE.file].receipt).index
    path, at = _place(stage.copy, index)
    data = bytearray(path.read_bytes())
    data[at] ^= 0x01
    path.write_bytes(data)
    verdict = await asyncio.to_thread(verify_export, stage.copy, stage.vkey)
    expect(not verdict.ok, "a flipped bit was not found")
    named = verdict.findings[0]
    expect(named.where == f"entry {index}", f"the flipped bit was put down to {named.where}")
    data[at] ^= 0x01
    path.write_bytes(data)
    mended = await asyncio.to_thread(verify_export, stage.copy, stage.vkey)
    expect(mended.ok, "the copy does not verify although the bit was turned back")
    voice.step("Turned over one bit in the copy of the ledger; the judge found it.")
    voice.line(f"{named.where}: {named.what}.")
    voice.shows(
        "nothing in the ledger can be altered without it being found, and named. The bit was turned "
        "back, and the copy verifies again."
    )


def _is_read(path: Path) -> bool:
    """Whether this installation has the sample, and an adapter that knows it."""
    try:
        judge(path, None, None, [])
    except FileNotFoundError:
        return False
    except Refused as refusal:
        return refusal.reason is not Reason.CONTENT_TYPE_UNKNOWN
    return True


def _place(copy: Path, index: int) -> tuple[Path, int]:
    """The file that holds an entry, and the place of a byte in the middle of it."""
    n = index // _WIDTH
    folder = copy / "tile" / "entries"
    path = folder / f"{n:03d}"
    if not path.is_file():
        path = next((folder / f"{n:03d}.p").iterdir())
        width = int(path.name)
    else:
        width = _WIDTH
    entries = decode_entries(path.read_bytes(), width)
    before = sum(2 + len(entry) for entry in entries[: index % _WIDTH])
    return path, before + 2 + len(entries[index % _WIDTH]) // 2


def _records(pages: list[FeedPage]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for page in pages for line in page.lines]
    return [line["data"] for line in lines if ".record." in line["type"]]


def _with_address(stage: Stage) -> str:
    """The employee whose row has an address: the one who left."""
    for record in _records(stage.pages["tracing"]):
        if record["type"] == "deduction" and "where" in record["groups"]:
            return str(record["groups"]["who"]["value"]["nino"])
    expect(False, "no row of the schedule has an address")  # noqa: FBT003
    raise AssertionError("not reached")


def _one(stage: Stage, feed: str, kind: str, nino: str) -> dict[str, Any]:
    """The first record of a type about a person in a feed."""
    for record in _records(stage.pages[feed]):
        who = record["groups"].get("who")
        if record["type"] == kind and who is not None and who["value"].get("nino") == nino:
            return record
    expect(False, f"the feed {feed} has no {kind} of the person")  # noqa: FBT003
    raise AssertionError("not reached")
