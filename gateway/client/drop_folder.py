"""A folder on the sender's own machine: what lies in its inbox, and where it goes afterwards.

    inbox/october.csv          what is to be sent; inbox/req_.../ names the request it answers,
                               inbox/sub_.../ the submission whose refused rows it brings
    done/october.csv           what was accepted, at least in part, with its results beside it
    refused/october.csv        what was refused, with its results beside it

Results are written before the file is moved, and the file is moved by a link that never replaces
anything: killed at any moment, the same steps end in the same place.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from gateway.core.inbox_path import OUTCOME, is_partial
from gateway.core.what_for import FOLDERS

INBOX: Final = "inbox"
DONE: Final = "done"
REFUSED: Final = "refused"
_MAKING: Final = ".making"
_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK})


class DropFolderError(ValueError):
    """The folder cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file in the inbox; `folder` is the request or submission, or empty; `mark` changes when the file does."""

    path: Path
    folder: str
    mark: tuple[int, ...]
    changed: float

    def is_same(self) -> bool:
        """Whether the file is still there as it was."""
        try:
            return _mark(self.path.lstat()) == self.mark
        except FileNotFoundError:
            return False


class DropFolder:
    """One folder, held by one watcher at a time; use it in a with block."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock: int | None = None

    def __enter__(self) -> Self:
        for name in (INBOX, DONE, REFUSED):
            (self.directory / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(self.directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise DropFolderError(
                f"Another watcher is at work in {self.directory}; one is enough."
            ) from error
        try:
            self._check()
        except BaseException:
            os.close(self._lock)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self._lock is not None
        os.close(self._lock)

    def _check(self) -> None:
        """Files are moved, never copied; and what a killed watcher was making is cleared away."""
        folders = [self.directory / name for name in (INBOX, DONE, REFUSED)]
        if any(folder.is_symlink() for folder in folders):
            raise DropFolderError(f"A folder in {self.directory} is a link; use real folders.")
        if len({folder.stat().st_dev for folder in folders}) != 1:
            raise DropFolderError(f"The folders in {self.directory} are on different file systems.")
        for folder in folders[1:]:
            for left in folder.rglob(f".*{_MAKING}"):
                left.unlink()

    def found(self) -> Iterator[Found]:
        """Every file that may be sent; links, folders and unfinished or hidden files are not."""
        inbox = self.directory / INBOX
        yield from _files(inbox, "")
        for entry in sorted(os.scandir(inbox), key=lambda entry: entry.name):
            if entry.name.startswith(FOLDERS) and entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path), entry.name)

    def put_away(
        self, file: Found, where: str, outcome: Mapping[str, Any], results: Mapping[str, bytes]
    ) -> Path:
        """Write the results, then move the file beside them; returns its new place.

        `outcome` says `sha256`, by which its results are known to be this file's. It is written
        last: where it is, all of them are.
        """
        folder = self.directory / where / file.folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = _home(folder, file.path, str(outcome["sha256"]))
        marked = dict(outcome) | {"mark": file.mark}
        told = msgspec.json.format(msgspec.json.encode(marked), indent=2) + b"\n"
        for ending, data in (*results.items(), (OUTCOME, told)):
            _write(target.with_name(target.name + ending), data)
        _flush(folder)
        self._finish(file, target)
        return target

    @staticmethod
    def _finish(file: Found, target: Path) -> None:
        _move(file.path, target)
        _flush(target.parent)
        _flush(file.path.parent)

    def go_on(self, file: Found, digest: str) -> tuple[Path, dict[str, Any]] | None:
        """Finish what a watcher began that was killed: its new place and outcome, if it was so.

        Results that were written for a file that was since put back into the inbox do not count.
        """
        for where in (DONE, REFUSED):
            folder = self.directory / where / file.folder
            target = _home(folder, file.path, digest) if folder.is_dir() else None
            outcome = None if target is None else _outcome_of(target)
            if target is None or outcome is None:
                continue
            if target.exists() or outcome.get("mark") == list(file.mark):
                self._finish(file, target)
                return target, outcome
        return None


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path, name: str) -> Iterator[Found]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith(".") or is_partial(entry.name):
            continue
        with contextlib.suppress(FileNotFoundError):  # gone since it was listed
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                changed = max(status.st_mtime, status.st_ctime)
                yield Found(Path(entry.path), name, _mark(status), changed)


def _mark(status: os.stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _home(folder: Path, file: Path, digest: str) -> Path:
    """A name that is free, or is this file's already; others are never replaced."""
    stem, suffix = file.stem, file.suffix
    names = [file.name, f"{stem}.{digest[:12]}{suffix}"]
    for number in range(2, 10_000):
        name = names.pop(0) if names else f"{stem}.{digest[:12]}-{number}{suffix}"
        target = folder / name
        if os.path.lexists(target):
            if target.samefile(file) and not target.is_symlink():
                return target  # linked already, by a watcher that was killed before it unlinked
            continue
        outcome = _outcome_of(target)
        if outcome is None or outcome.get("sha256") == digest:
            return target
    raise DropFolderError(f"{folder} holds too many files of the same name; clear it up.")


def _outcome_of(target: Path) -> dict[str, Any] | None:
    """The outcome that lies beside a place; None where there is none."""
    try:
        found = msgspec.json.decode(target.with_name(target.name + OUTCOME).read_bytes())
    except FileNotFoundError:
        return None
    except msgspec.DecodeError:
        return {}  # somebody else's
    return found if isinstance(found, dict) else {}


def _write(path: Path, data: bytes) -> None:
    """Write a file whole, so that it survives a power cut, or not at all."""
    temporary = path.with_name(f".{secrets.token_hex(8)}{_MAKING}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _move(source: Path, target: Path) -> None:
    """Move a file to a name that nothing has; a link, unlike a rename, replaces nothing."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        if not target.samefile(source):
            raise
    except OSError as error:
        if error.errno not in _NO_LINKS or os.path.lexists(target):
            raise
        source.rename(target)  # a file system without links
        return
    source.unlink()


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
