"""Sending a large file in parts that survive a broken connection (tus 1.0.0).

What is needed to go on is kept in a small file in a state directory, so that the same command, run
again after whatever happened, continues where the gateway has got to and not from zero.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from gateway.client.connection import Connection, Reply, seconds
from gateway.client.problem import Problem, UnreachableError

PART_BYTES: Final = 4 * 1024 * 1024
# Progress is told, and the body handed over, in pieces of this size.
PIECE_BYTES: Final = 64 * 1024
# Once it has the last part the gateway reads the whole back; longer than at this pace it is not asked.
_WHOLE_BYTES_A_SECOND: Final = 5 * 1024 * 1024
_WHOLE_LEAST_SECONDS: Final = 300.0
_AGAIN_SECONDS: Final = 0.5
_VERSION: Final = {"Tus-Resumable": "1.0.0"}
_PART_TYPE: Final = "application/offset+octet-stream"

# Told how many bytes have gone, and of how many.
Progress = Callable[[int, int], None]


class Remembered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of an upload under way."""

    location: str
    size: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Where one upload is remembered; without a directory it is not."""

    directory: Path | None
    name: str

    @property
    def _path(self) -> Path | None:
        return None if self.directory is None else self.directory / f"{self.name}.upload.json"

    def recall(self, size: int) -> str | None:
        """The location of an upload of this size that was under way."""
        if self._path is None:
            return None
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=Remembered)
        except (OSError, msgspec.DecodeError):
            return None
        return found.location if found.size == size else None

    def keep(self, location: str, size: int) -> None:
        """Remember it; the file appears whole or not at all."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = self._path.with_suffix(f".{secrets.token_hex(4)}")
        temporary.write_bytes(msgspec.json.encode(Remembered(location, size)))
        temporary.replace(self._path)

    def forget(self) -> None:
        """It is over."""
        if self._path is not None:
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()


class Upload:
    """One file on its way; `send` returns the gateway's answer to the whole of it."""

    def __init__(
        self,
        connection: Connection,
        path: Path,
        metadata: Mapping[str, str],
        memory: Memory,
        progress: Progress | None,
    ) -> None:
        self._connection = connection
        self._path = path
        self._size = path.stat().st_size
        self._metadata = metadata
        self._memory = memory
        self._progress = progress

    async def send(self) -> Reply:
        """Send what is still to be sent; raises as `Connection.call` does.

        Whatever breaks, the gateway is asked how much it has, and it goes on from there. It gives up
        after as many failures in a row as the connection has patience for.
        """
        location = self._memory.recall(self._size) or await self._create()
        patience = self._connection.patience
        failures = 0
        offset: int | None = None
        waited = _Waiting(self._size)
        while True:
            try:
                if offset is None:
                    offset = await self._offset(location)
                if offset is None:  # it expired there: begin again
                    location, offset = await self._create(), 0
                reply = await self._part(location, offset)
            except (UnreachableError, Problem) as error:
                failures += 1
                if not _passing(error) or failures >= patience.attempts:
                    self._end(error)
                    raise
                offset = None
                await patience.wait(failures, error)
                continue
            failures = 0
            if reply.status != 204:
                self._memory.forget()
                return reply
            offset = int(reply.headers["Upload-Offset"])
            if offset == self._size:  # all is there, and the gateway is still busy with it
                await waited.on(seconds(reply.headers.get("Retry-After")) or 0.0)

    def _end(self, error: UnreachableError | Problem) -> None:
        """A refusal ends the upload at the gateway; anything else may be gone on with."""
        if isinstance(error, Problem) and not _passing(error):
            self._memory.forget()

    async def _create(self) -> str:
        metadata = ",".join(
            f"{name} {base64.b64encode(value.encode()).decode()}"
            for name, value in self._metadata.items()
        )
        headers = {"Upload-Length": str(self._size), "Upload-Metadata": metadata}
        # Created twice does no harm: one of the two is never used and expires.
        reply = await self._connection.call("POST", "/v1/uploads", headers=_VERSION | headers)
        location = reply.headers.get("Location", "")
        # It goes behind the gateway's name, and must not change it.
        if not location.startswith("/"):
            raise UnreachableError(
                "What answered does not take uploads as a gateway does. Check the url in the profile."
            )
        self._memory.keep(location, self._size)
        return location

    async def _offset(self, location: str) -> int | None:
        try:
            reply = await self._connection.call("HEAD", location, headers=_VERSION)
        except Problem as problem:
            if problem.status == 404:
                return None
            raise
        return int(reply.headers["Upload-Offset"])

    async def _part(self, location: str, offset: int) -> Reply:
        length = min(PART_BYTES, self._size - offset)
        headers = {
            "Upload-Offset": str(offset),
            "Content-Type": _PART_TYPE,
            "Content-Length": str(length),
        }
        return await self._connection.call(
            "PATCH",
            location,
            headers=_VERSION | headers,
            # An empty part behind the end asks what became of the whole.
            body=(lambda: self._pieces(offset, length)) if length else b"",
            again=False,
        )

    async def _pieces(self, offset: int, length: int) -> AsyncIterator[bytes]:
        end = offset + length
        with self._path.open("rb") as file:
            file.seek(offset)
            while offset < end:
                piece = file.read(min(PIECE_BYTES, end - offset))
                if not piece:
                    raise OSError("the file became shorter while it was sent")
                yield piece
                offset += len(piece)
                if self._progress is not None:
                    self._progress(offset, self._size)


class _Waiting:
    """Bounds how long a gateway that has all of a file is asked what became of it."""

    def __init__(self, size: int) -> None:
        self._left = _WHOLE_LEAST_SECONDS + size / _WHOLE_BYTES_A_SECOND
        self._since = 0.0

    async def on(self, asked: float) -> None:
        """Wait as long as the gateway asks for; raises UnreachableError when it is enough."""
        self._since = self._since or time.monotonic()
        if time.monotonic() - self._since > self._left:
            raise UnreachableError(
                "The gateway has the whole file and has not said yet what became of it. Send it again "
                "later: nothing will be sent twice.",
            )
        await asyncio.sleep(max(asked, _AGAIN_SECONDS))


def _passing(error: UnreachableError | Problem) -> bool:
    """Whether trying again may help."""
    if isinstance(error, UnreachableError):
        return True
    return (
        error.status in {409, 429}
        or error.status >= 500
        or error.slug
        in {
            "body-truncated",
            "body-too-slow",
        }
    )


def state_directory(configured: Path | None) -> Path:
    """Where uploads are remembered: as the profile says, else by the XDG convention."""
    if configured is not None:
        return configured
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "cms-gateway"
