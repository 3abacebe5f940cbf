"""Large bodies and their blocks in sealed files, beside the database.

A body is `<submission>.body`: pieces of up to 64 KiB, each behind its length (four bytes,
big-endian) and sealed under the submission's data key. `<submission>.blocks` holds the frames
that `block.place` points at. Both are flushed before the database speaks of them; a file that the
database does not know is the rest of something that was never acknowledged, and is removed when the
gateway starts.
"""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import errno
import io
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from gateway.core.envelope import NONCE_BYTES, OVERHEAD_BYTES, Envelope
from gateway.core.limits import DISK_RESERVE_BYTES, SPOOL_CHUNK_BYTES
from gateway.core.refusal import Reason, Refused

_LENGTH: Final = 4
_UNFINISHED: Final = ".part"


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Trouble with the disk is for the sender to wait out: Refused(STORE_UNAVAILABLE)."""
    try:
        yield
    except OSError as error:
        raise Refused(Reason.STORE_UNAVAILABLE, retry_after=30) from error


class OrphanError(Exception):
    """The gateway that asked for this is gone; another may have begun anew."""


class SealedFile(io.RawIOBase):
    """A readable stream over a sealed body, for io.BufferedReader."""

    def __init__(self, path: Path, envelope: Envelope) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=4 * SPOOL_CHUNK_BYTES)
        self._envelope = envelope
        self._path = path
        self._number = 0
        self._rest = memoryview(b"")
        self._at = 0
        self._ends: list[int] | None = None  # where each piece ends, in clear; once it is needed
        self._places: list[int] = [0]

    def seekable(self) -> bool:
        """Any place can be read."""
        return True

    def tell(self) -> int:
        """The place of the next byte, in clear."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place in clear; the lengths of all pieces are read the first time."""
        if self._ends is None:
            self._ends = []
            for length in _pieces(self._path):
                before = self._ends[-1] if self._ends else 0
                self._ends.append(before + length - OVERHEAD_BYTES)
                self._places.append(self._places[-1] + _LENGTH + length)
        size = self._ends[-1] if self._ends else 0
        target = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: size}[whence]
        if target < 0:
            raise OSError(errno.EINVAL, "there is nothing before the first byte")
        self._number = bisect.bisect_right(self._ends, target)
        self._file.seek(self._places[self._number])
        self._rest = memoryview(b"")
        if self._number < len(self._ends):
            first = self._ends[self._number - 1] if self._number else 0
            self._rest = memoryview(self._next())[target - first :]
        self._at = target
        return target

    def readable(self) -> bool:
        """Streams of this kind are only read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer with the next bytes in clear; raises EnvelopeError if they were altered."""
        if not self._rest:
            self._rest = memoryview(self._next())
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._at += count
        return count

    def _next(self) -> bytes:
        head = self._file.read(_LENGTH)
        if not head:
            return b""
        sealed = self._file.read(int.from_bytes(head, "big"))
        piece = self._envelope.open(b"body", self._number, sealed)
        self._number += 1
        return piece

    def close(self) -> None:
        """Close the file underneath too."""
        self._file.close()
        super().close()


class FileBody:
    """A large body; `size` is in bytes in clear."""

    def __init__(self, path: Path, envelope: Envelope, size: int) -> None:
        self._path = path
        self._envelope = envelope
        self.size = size

    def open(self) -> BinaryIO:
        """A new stream at the first byte."""
        return io.BufferedReader(SealedFile(self._path, self._envelope), 2 * SPOOL_CHUNK_BYTES)


class BodyWriter:
    """A sealed body being written, from a piece number on."""

    def __init__(self, path: Path, envelope: Envelope, number: int = 0, size: int = 0) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.fdopen(os.open(path, flags, 0o600), "ab", buffering=8 * SPOOL_CHUNK_BYTES)
        self._path = path
        self._envelope = envelope
        self.number = number
        self.size = size
        self.on_closed: Callable[[int, int], None] | None = None

    def write(self, piece: bytes) -> None:
        """Seal and append up to 64 KiB."""
        sealed = self._envelope.seal(b"body", self.number, piece, os.urandom(NONCE_BYTES))
        with _told():
            self._file.write(len(sealed).to_bytes(_LENGTH, "big") + sealed)
        self.number += 1
        self.size += len(piece)

    async def close(self) -> FileBody:
        """Flush to disk, in a thread; the body can be read from now on, and survives a power cut."""
        with _told():
            await asyncio.to_thread(self._flush)
        if self.on_closed is not None:
            self.on_closed(self.number, self.size)
        return FileBody(self._path, self._envelope, self.size)

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        _flush_directory(self._path.parent)

    def discard(self) -> None:
        """Leave nothing behind; on a full disk closing would write again, and fail again."""
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._file.close()


class Bodies:
    """The directory of sealed files (`gateway.submission.Files`)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        # How many pieces an upload that goes on had, at which offset: else each part counts them.
        self._counted: dict[str, tuple[int, int]] = {}

    def check_room(self, size: int) -> None:
        """Raise Refused(STORE_UNAVAILABLE) unless so many bytes fit, and some are left after."""
        with _told():
            free = shutil.disk_usage(self.directory).free
        if free < size + DISK_RESERVE_BYTES:
            raise Refused(
                Reason.STORE_UNAVAILABLE,
                "There is no room for a file of this size at the moment.",
                retry_after=300,
            )

    def path(self, submission: str, suffix: str) -> Path:
        """Where a file is; ids are ours, but nothing that is not one ever becomes a path."""
        if not submission.replace("_", "").isalnum() or not submission.isascii():
            raise ValueError("not an id")
        return self.directory / f"{submission}.{suffix}"

    def create(self, submission: str, data_key: bytes) -> BodyWriter:
        """Begin a new sealed body."""
        self.check_room(0)
        with _told():
            return BodyWriter(self.path(submission, "body"), Envelope(data_key, submission))

    def body(self, submission: str, data_key: bytes) -> FileBody:
        """A body that was closed before."""
        self._counted.pop(submission, None)
        path = self.path(submission, "body")
        return FileBody(path, Envelope(data_key, submission), clear_size(path))

    def resume(self, upload: str, data_key: bytes, offset: int) -> BodyWriter:
        """Go on with an upload at an offset; what a crash left beyond it is cut off."""
        path = self.path(upload, "body")
        with _told():
            path.touch(mode=0o600)
            counted = self._counted.pop(upload, None)
            if counted is not None and counted[1] == offset:
                number = counted[0]
                place = offset + number * (_LENGTH + OVERHEAD_BYTES)
                if path.stat().st_size < place:
                    raise ValueError("the file does not hold what the database says")
            else:
                number, place = _find_offset(path, offset)
            os.truncate(path, place)
            writer = BodyWriter(path, Envelope(data_key, upload), number, offset)
        writer.on_closed = lambda pieces, size: self._counted.update({upload: (pieces, size)})
        return writer

    def frame(self, submission: str, place: int, length: int) -> bytes:
        """The bytes of a block frame."""
        with self.path(submission, "blocks").open("rb") as file:
            return os.pread(file.fileno(), length, place)

    def discard(self, submission: str) -> None:
        """Remove what belongs to a submission that was not kept."""
        self._counted.pop(submission, None)
        for suffix in ("body", "blocks"):
            self.path(submission, suffix).unlink(missing_ok=True)

    def sweep(self, known: Iterable[str]) -> list[str]:
        """Remove files of submissions that the database does not know; returns their names."""
        keep = set(known)
        gone = []
        for path in sorted(self.directory.iterdir()):
            if path.suffix == _UNFINISHED or path.name.partition(".")[0] not in keep:
                path.unlink()
                gone.append(path.name)
        return gone


def _pieces(path: Path) -> Iterator[int]:
    """Lengths of the sealed pieces of a file, in order."""
    with path.open("rb") as file:
        while head := file.read(_LENGTH):
            length = int.from_bytes(head, "big")
            file.seek(length, os.SEEK_CUR)
            yield length


def clear_size(path: Path) -> int:
    """Bytes in clear of a sealed body, from the lengths of its pieces."""
    return sum(length - OVERHEAD_BYTES for length in _pieces(path))


def _find_offset(path: Path, offset: int) -> tuple[int, int]:
    """The number of pieces up to an offset in clear, and their place in the file."""
    number = place = size = 0
    for length in _pieces(path):
        if size == offset:
            break
        number, place = number + 1, place + _LENGTH + length
        size += length - OVERHEAD_BYTES
    if size != offset:
        raise ValueError("the file does not hold what the database says")
    return number, place


class FrameFile:
    """Block frames being written one after the other, by the process that reads a large body.

    They stand in a file of this process's own until they are whole: a gateway that was killed and
    started again must not share a file with what the old one left running.
    """

    def __init__(self, path: Path) -> None:
        self._whole = path
        self._path = path.with_suffix(f".{os.getpid()}{_UNFINISHED}")
        self._parent = os.getppid()
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._path, flags, 0o600), "wb", buffering=1 << 20)
        self._place = 0

    def append(self, frame: bytes) -> int:
        """Write a frame; returns its place. Raises OrphanError once the gateway is gone."""
        if os.getppid() != self._parent:
            raise OrphanError
        place = self._place
        self._file.write(frame)
        self._place += len(frame)
        return place

    def close(self) -> None:
        """Flush to disk, under the name by which the database knows it."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        if os.getppid() != self._parent:
            raise OrphanError
        self._path.replace(self._whole)
        _flush_directory(self._path.parent)

    def discard(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)


def _flush_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
