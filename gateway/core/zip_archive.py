"""A zip archive with a manifest, read within bounds and believed in nothing.

`manifest.json` names every other file of the archive, with its media type and its SHA-256; what is
in one and not in the other makes the archive refused. Files are stored or deflated, never encrypted;
they do not overlap, so that no few bytes are counted many times.

If an attacker controls an archive they can have it refused; nothing in it is ever a path.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Final

import msgspec

from gateway.core.file_name import FileNameError, clean_path
from gateway.core.limits import (
    ARCHIVE_DEPTH,
    ARCHIVE_DIRECTORY_BYTES,
    ARCHIVE_MEMBERS,
    DECOMPRESSION_RATIO,
    MANIFEST_BYTES,
    MIB,
    SPOOL_CHUNK_BYTES,
)
from gateway.core.refusal import Reason, Refused
from gateway.core.strict_json import strict_object

MANIFEST: Final = "manifest.json"
MEDIA_TYPE: Final = "application/zip"
_ZIPS: Final = frozenset({MEDIA_TYPE, "application/x-zip-compressed", "application/x-zip"})
_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000  # APPNOTE 4.4.4: encrypted, strongly, directory too
_LOCAL_HEADER_BYTES: Final = 30
_FAULTS: Final = (struct.error, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError,
                  RuntimeError, OverflowError, LookupError)  # fmt: skip


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the manifest says of one file; `sha256` is of the file as it is, in hexadecimal."""

    name: Annotated[str, msgspec.Meta(max_length=1_000)]
    media_type: Annotated[str, msgspec.Meta(max_length=200)]
    sha256: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    request: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    completes: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    idempotency_key: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class _Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    files: Annotated[tuple[Listed, ...], msgspec.Meta(min_length=1, max_length=ARCHIVE_MEMBERS)]


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the archive as the manifest and the archive both say it is; `size` in bytes."""

    listed: Listed
    size: int
    info: zipfile.ZipInfo


class ZipArchive:
    """An archive whose manifest and directory agree; the digests are still to be checked.

    `limit_bytes` bounds what all its files are together. Raises Refused.
    """

    def __init__(self, stream: BinaryIO, limit_bytes: int) -> None:
        with _told():
            self._zip = zipfile.ZipFile(_Bounded(stream))
        infos = _checked(self._zip)
        if MANIFEST not in infos:
            raise _bad(f"It holds no {MANIFEST} at its top.")
        manifest = infos.pop(MANIFEST)
        if manifest.file_size > MANIFEST_BYTES:
            raise _bad(f"The manifest is larger than {MANIFEST_BYTES} bytes.")
        listed = _manifest(b"".join(self._read(manifest)))
        if set(listed) != set(infos):
            raise _bad("Its files are not those that the manifest names.")
        if sum(info.file_size for info in infos.values()) > limit_bytes:
            raise Refused(Reason.DECOMPRESSION_LIMIT, f"All files may have {limit_bytes} bytes.")
        self.members = tuple(
            Member(one, infos[name].file_size, infos[name]) for name, one in listed.items()
        )

    def read(self, member: Member) -> Iterator[bytes]:
        """The bytes of a file, in pieces; raises Refused where they are not what was declared."""
        return self._read(member.info)

    def check(self, member: Member) -> Iterator[None]:
        """Read a file through and compare its digest; gives way between two pieces."""
        hasher = hashlib.sha256()
        for piece in self.read(member):
            hasher.update(piece)
            yield
        if not hmac.compare_digest(hasher.hexdigest(), member.listed.sha256):
            number = self.members.index(member) + 1
            raise Refused(Reason.DIGEST_MISMATCH, f"File {number} of the manifest is another.")

    def _read(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        size = 0
        with _told(), self._zip.open(info) as file:
            while piece := file.read(SPOOL_CHUNK_BYTES):
                size += len(piece)
                yield piece
        if size != info.file_size:
            raise _bad("A file is shorter than the archive says.")


def _checked(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files of the directory by their names; folders are left out."""
    found: dict[str, zipfile.ZipInfo] = {}
    folded: set[str] = set()
    end = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        if info.header_offset < end or (end == 0 and info.header_offset):
            raise _bad("Its files overlap, or it does not begin with one.")
        end = info.header_offset + _LOCAL_HEADER_BYTES + len(info.orig_filename)
        end += info.compress_size
        name = _name(info)
        if name.casefold() in folded:
            raise _bad("Two of its files have the same name.")
        folded.add(name.casefold())
        _check_kind(info)
        if not info.is_dir():
            found[name] = info
    if end > archive.start_dir:
        raise _bad("Its files overlap with its directory.")
    if len(folded) > ARCHIVE_MEMBERS + 1:
        raise _bad(f"It may hold {ARCHIVE_MEMBERS} files beside the manifest.")
    return found


def _name(info: zipfile.ZipInfo) -> str:
    if info.filename != info.orig_filename:
        raise _bad("The name of a file holds a zero byte.")
    try:
        return clean_path(info.filename.removesuffix("/"), ARCHIVE_DEPTH)
    except FileNameError as error:
        raise _bad(f"The name of a file cannot be used: {error}.") from error


def _check_kind(info: zipfile.ZipInfo) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise _bad("A file in it is encrypted; the connection already is.")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise _bad("A file in it is compressed by something other than deflate.")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR} or (info.is_dir() and info.file_size):
        raise _bad("Something in it is neither a file nor a folder.")
    if info.file_size > MIB and info.file_size > DECOMPRESSION_RATIO * info.compress_size:
        raise Refused(Reason.DECOMPRESSION_LIMIT)


def _manifest(data: bytes) -> dict[str, Listed]:
    """What the manifest lists, by name, in its order."""
    try:
        manifest = msgspec.convert(strict_object(data), _Manifest)
    except Refused as refusal:
        raise _bad(f"The manifest cannot be read: {refusal.detail or 'it is not JSON.'}") from (
            refusal
        )
    except msgspec.ValidationError as error:
        raise _bad(f"The manifest is not as it should be: {_place(error)}") from error
    found: dict[str, Listed] = {}
    for number, listed in enumerate(manifest.files, start=1):
        try:
            name = clean_path(listed.name, ARCHIVE_DEPTH)
        except FileNameError as error:
            raise _bad(f"The name of file {number} of the manifest: {error}.") from error
        if name in found or name == MANIFEST:
            raise _bad(f"File {number} of the manifest is named twice, or is the manifest.")
        if listed.media_type.partition(";")[0].strip().lower() in _ZIPS:
            raise _bad(f"File {number} of the manifest is an archive itself.")
        found[name] = listed
    return found


def _place(error: msgspec.ValidationError) -> str:
    """Where the manifest is wrong, without the words of the sender that it may quote."""
    _, _, place = str(error).rpartition(" - at `")
    known = {"files", *Listed.__struct_fields__}
    names = [name for name in known if f".{name}" in place]
    return f"look at {' and '.join(sorted(names))}." if names else "a member is missing or unknown."


class _Bounded(io.RawIOBase):
    """A stream of which nobody takes more than so much at once, whatever an archive declares."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if size > ARCHIVE_DIRECTORY_BYTES:
            raise _bad(f"Its directory is larger than {ARCHIVE_DIRECTORY_BYTES} bytes.")
        taken = self._stream.read(ARCHIVE_DIRECTORY_BYTES if size < 0 else size)
        if size < 0 and self._stream.read(1):
            raise _bad("Its directory cannot be found.")
        return taken

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


@contextmanager
def _told() -> Iterator[None]:
    """Whatever is wrong with an archive is one refusal; its words may quote names, so they go."""
    try:
        yield
    except _FAULTS as error:
        raise _bad("It is damaged, or is no zip archive.") from error
    except OSError as error:  # seeking before the start, where an archive says so
        raise _bad("It is damaged, or is no zip archive.") from error


def _bad(detail: str, **more: Any) -> Refused:
    return Refused(Reason.ARCHIVE_NOT_VALID, detail, **more)
