"""The client as programs use it: send, ask, collect, acknowledge, and hold the gateway to its word.

    async with Client(load(Path("profile.toml"))) as client:
        outcome = await client.submit(Path("schedule.csv"))
        print(outcome.rows.accepted, outcome.receipt)

Every receipt is verified as it comes, where the profile pins the ledger's key. If an attacker
controls the gateway they can refuse us and read what we send; with the key pinned they cannot give us
a receipt that proves nothing.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from gateway.client import export, media
from gateway.client.answers import (
    Amendment,
    ArchiveFile,
    Format,
    Outcome,
    RowError,
    Sent,
)
from gateway.client.asking import Asking
from gateway.client.collecting import Collecting
from gateway.client.connection import Connection, Patience, Reply
from gateway.client.packing import Encoding, packed
from gateway.client.problem import EvidenceError, Problem
from gateway.client.profile import Profile
from gateway.client.returned import Returned
from gateway.client.source import digest_of, guessed, key_of, size_of
from gateway.client.upload import Memory, Progress, Upload
from gateway.judge.receipt import verify_receipt

# Beyond this a body goes in parts, each of which survives a broken connection.
WHOLE_BYTES: Final = 1024 * 1024
WAIT_SECONDS: Final = 30
_HEAD_BYTES: Final = 4_096


class Client(Asking, Collecting):
    """Speaks to one gateway as one party; use it as `async with Client(profile) as client`.

    What is about requests is in `gateway.client.asking`, about feeds in `gateway.client.collecting`. `state` is where uploads under way are remembered; without it they begin anew. `returned` gives
    back what was sent, to be mended.
    """

    def __init__(
        self, profile: Profile, *, state: Path | None = None, patience: Patience | None = None
    ) -> None:
        self.profile = profile
        self._connection = Connection(profile, patience)
        self.returned = Returned(self._connection)
        self._state = state or profile.state
        self._formats: tuple[Format, ...] = ()

    async def __aenter__(self) -> Self:
        await self._connection.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.__aexit__()

    # --- organisations --------------------------------------------------------------------------

    async def submit(
        self,
        source: Path | bytes,
        media_type: str | None = None,
        *,
        request: str | None = None,
        completes: str | None = None,
        idempotency_key: str | None = None,
        progress: Progress | None = None,
        wait: bool = True,
        encoding: Encoding | None = None,
    ) -> Outcome:
        """Send a file and wait for its outcome; safe to call again with the same bytes.

        A file of more than 1 MiB goes in parts; bytes in memory always go in one request. With an
        `encoding` it is sent compressed. `completes` names an earlier submission whose refused rows
        the file brings again.

        Raises Problem when the file is refused, with its row errors and the receipt of the refusal;
        EvidenceError when the receipt does not verify; UnreachableError; OSError for a file that
        cannot be read. Without `wait` the outcome of a large file may still be `received`.
        """
        digest = await asyncio.to_thread(digest_of, source)
        if media_type is None:
            media_type = media.known(guessed(source), await self.formats())
        key = idempotency_key or key_of(digest, request, completes)
        described = {
            "Content-Type": media_type,
            "Idempotency-Key": f'"{key}"',
        }
        if request is not None:
            described["Request-Id"] = request
        if completes is not None:
            described["Completes"] = completes
        if encoding is not None:
            described["Content-Encoding"] = encoding
        try:
            async with packed(source, encoding) as wire:
                reply = await self._send(wire, described, progress)
            outcome: Outcome = reply.read(Outcome)
            self._verify(outcome.receipt, digest)
            while wait and outcome.state == "received":
                outcome = await self.outcome(outcome.id, wait_seconds=WAIT_SECONDS)
        except Problem as problem:
            if problem.receipt is not None:
                self._verify(problem.receipt, None)
            raise
        if outcome.state == "refused":
            raise await self._refusal(outcome)
        self._verify(outcome.receipt, digest)
        return outcome

    async def submit_archive(
        self,
        source: Path,
        *,
        idempotency_key: str | None = None,
        progress: Progress | None = None,
    ) -> tuple[ArchiveFile, ...]:
        """Send a zip archive with a manifest, and wait for the outcome of each file in it.

        Safe to call again with the same archive. Raises as `submit` does, where the archive is
        refused whole; what became of a file is in its own answer.
        """
        described = {"Content-Type": media.ARCHIVE}
        if idempotency_key is not None:
            described["Idempotency-Key"] = f'"{idempotency_key}"'
        reply = await self._send(source, described, progress)
        files = msgspec.convert(reply.read(dict[str, Any])["files"], tuple[ArchiveFile, ...])
        return tuple([await self._whole(file) for file in files])

    async def _whole(self, file: ArchiveFile) -> ArchiveFile:
        """A file of an archive with its outcome, once it is there, and its receipt verified."""
        outcome, receipt = file.outcome, (file.problem or {}).get("receipt")
        while outcome is not None and outcome.state == "received":
            outcome = await self.outcome(outcome.id, wait_seconds=WAIT_SECONDS)
        if outcome is not None:
            receipt = outcome.receipt
        if receipt is not None:
            self._verify(receipt, None)
        return msgspec.structs.replace(file, outcome=outcome)

    async def _send(
        self, source: Path | bytes, described: dict[str, str], progress: Progress | None
    ) -> Reply:
        """Send what is on the wire, whole or in parts, with its digest."""
        size, digest = size_of(source), await asyncio.to_thread(digest_of, source)
        described["Content-Digest"] = f"sha-256=:{base64.b64encode(digest).decode()}:"
        if isinstance(source, Path) and size > WHOLE_BYTES:
            metadata = {name.lower(): value for name, value in described.items()}
            memory = Memory(self._state, self._name(digest, metadata))
            return await Upload(self._connection, source, metadata, memory, progress).send()
        body = source if isinstance(source, bytes) else await asyncio.to_thread(source.read_bytes)
        reply = await self._connection.call("POST", "/v1/submissions", headers=described, body=body)
        if progress is not None:
            progress(size, size)
        return reply

    def _name(self, digest: bytes, metadata: Mapping[str, str]) -> str:
        """The name under which an upload is remembered: the same file, sent the same way, again."""
        said = (self.profile.issuer, self.profile.client, digest.hex(), *sorted(metadata.values()))
        return hashlib.sha256("\0".join(said).encode()).hexdigest()[:32]

    async def _refusal(self, outcome: Outcome) -> Problem:
        """The refusal of a large file, which comes as an outcome, as any other refusal comes."""
        kept, count = await self._kept(outcome.id) if outcome.errors else ((), 0)
        note = outcome.notes[0] if outcome.notes else None
        slug = note.code.lower().replace("_", "-") if note else "refused"
        body: dict[str, Any] = {
            "type": f"{self.profile.issuer}/problems/{slug}",
            "title": "The file was refused",
            "detail": note.message if note else "It was refused when it was read.",
            "fix": "Mend what the errors name and send the whole file again.",
            "errors": msgspec.to_builtins(outcome.errors),
            "error_count": max(count, outcome.rows.refused, len(kept)),
            "submission": outcome.id,
            "receipt": outcome.receipt,
        }
        return Problem(422, body, None)

    async def outcome(self, submission: str, *, wait_seconds: int = 0) -> Outcome:
        """What became of a submission; waits for it up to 60 seconds."""
        path = f"/v1/submissions/{submission}"
        params = {"wait": str(wait_seconds)}
        found: Outcome = (await self._connection.call("GET", path, params=params)).read(Outcome)
        self._verify(found.receipt, None)
        return found

    async def correct(
        self,
        submission: str,
        status: str,
        *,
        rows: Sequence[int] = (),
        reason: str | None = None,
        replaced_by: str | None = None,
    ) -> Outcome:
        """Say that what was sent before is disputed, incorrect, withdrawn or superseded.

        Without `rows` it is said of the whole submission. Raises Problem and EvidenceError.
        """
        said = {
            "submission": submission,
            "status": status,
            "rows": list(rows),
            "reason": reason,
            "replaced_by": replaced_by,
        }
        body = msgspec.json.encode({name: value for name, value in said.items() if value})
        path = f"/v1/submissions/{submission}/corrections"
        headers = {"Content-Type": "application/json"}
        reply = await self._connection.call("POST", path, headers=headers, body=body)
        outcome: Outcome = reply.read(Outcome)
        self._verify(outcome.receipt, hashlib.sha256(body).digest())
        return outcome

    async def amendments(self, submission: str) -> tuple[Amendment, ...]:
        """What completed or corrected a submission, and who has taken note; the oldest first."""
        reply = await self._connection.call("GET", f"/v1/submissions/{submission}/amendments")
        found: dict[str, Any] = reply.read(dict[str, Any])
        return msgspec.convert(found["amendments"], tuple[Amendment, ...])

    async def errors(self, submission: str) -> tuple[RowError, ...]:
        """Every row error that was kept of a submission."""
        return (await self._kept(submission))[0]

    async def _kept(self, submission: str) -> tuple[tuple[RowError, ...], int]:
        """The row errors that were kept, and how many there were."""
        reply = await self._connection.call("GET", f"/v1/submissions/{submission}/errors")
        found: dict[str, Any] = reply.read(dict[str, Any])
        return msgspec.convert(found["errors"], tuple[RowError, ...]), int(found["refused"])

    async def receipt(self, submission: str) -> str:
        """The receipt file of a submission."""
        text = (
            await self._connection.call("GET", f"/v1/submissions/{submission}/receipt")
        ).body.decode()
        self._verify(text, None)
        return text

    async def submissions(self, *, before: str | None = None, limit: int = 50) -> tuple[Sent, ...]:
        """What was sent, newest first."""
        params = {"limit": str(limit)} | ({} if before is None else {"before": before})
        reply = await self._connection.call("GET", "/v1/submissions", params=params)
        return msgspec.convert(reply.read(dict[str, Any])["submissions"], tuple[Sent, ...])

    # --- the ledger, which anybody may read -----------------------------------------------------

    async def formats(self) -> tuple[Format, ...]:
        """What the gateway reads."""
        if not self._formats:
            reply = await self._connection.call("GET", "/v1/formats", public=True)
            listed = reply.read(dict[str, Any])["formats"]
            self._formats = msgspec.convert(listed, tuple[Format, ...])
        return self._formats

    async def checkpoint(self) -> str:
        """The newest signed checkpoint."""
        return (await self._ledger("checkpoint")).decode()

    async def vkey(self) -> str:
        """The key in the profile, else the one that the gateway names: then compare it elsewhere."""
        return self.profile.vkey or (await self._ledger("vkey")).decode().strip()

    async def proof(self, index: int) -> str:
        """A tlog-proof that an entry is in the ledger."""
        return (await self._ledger(f"proof/{index}")).decode()

    async def export_ledger(
        self, directory: Path, progress: Callable[[int, int], None] | None = None
    ) -> int:
        """Copy the ledger into a new directory; returns its size. Raises export.ExportError."""
        vkey, checkpoint = await self.vkey(), await self.checkpoint()
        return await export.export(directory, vkey, checkpoint, self._ledger, progress)

    async def _ledger(self, path: str) -> bytes:
        return (await self._connection.call("GET", f"/v1/ledger/{path}", public=True)).body

    def _verify(self, receipt: str, digest: bytes | None) -> None:
        if self.profile.vkey is None:
            return
        verdict = verify_receipt(receipt, self.profile.vkey, digest=digest)
        if not verdict.ok:
            raise EvidenceError("The receipt", verdict)
