"""One SFTP session: requests of version 3 turned into steps of the inbox's story.

Nothing here knows a path of this machine: every method of the library's server that would touch the
file system is replaced, and what is not in the table of requests is answered as unknown.

If an attacker controls this module they can do what the organisation of the session may do.
"""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

import asyncssh
import structlog

from gateway import inbox as story
from gateway.core.identity import Caller, Credentials
from gateway.core.inbox_item import Item
from gateway.core.inbox_path import INBOX, Place, path_of, place_of
from gateway.core.limits import SFTP_HANDLES
from gateway.edge.sftp.door import SshDoor
from gateway.edge.sftp.results import Results
from gateway.edge.sftp.status import told
from gateway.inbox import SCOPE, Inbox, Writing

log = structlog.get_logger("sftp")

_FILE_MODE: Final = stat.S_IFREG | 0o600
_RESULT_MODE: Final = stat.S_IFREG | 0o400
_FOLDER_MODE: Final = stat.S_IFDIR | 0o700


@dataclass(frozen=True, slots=True)
class Room:
    """What every session needs of the rest.

    `folders` lists the folders of an organisation: its requests, its lists, and its submissions with
    refused rows; `is_folder` says whether one is there. `asked` gives what is asked in a folder, as
    files by their names.
    """

    inbox: Inbox
    door: SshDoor
    results: Results
    folders: Callable[[str], list[str]]
    is_folder: Callable[[str, str], bool]
    asked: Callable[[str, str], dict[str, bytes]]


@dataclass(slots=True)
class Reading:
    """A result that was opened: its bytes as they were then."""

    data: bytes
    changed: int


class Session(asyncssh.SFTPServer):
    """What one organisation sees and does; `key` is the blob it came in with."""

    def __init__(
        self,
        chan: asyncssh.SSHServerChannel[bytes],
        organisation: str,
        key: bytes,
        room: Room,
        alive: Callable[[], None],
    ) -> None:
        super().__init__(chan)
        self._organisation = organisation
        self._key = key
        self._room = room
        self._inbox = room.inbox
        self._files: set[int] = set()
        self._alive = alive
        self.broken = False

    def alive(self) -> None:
        """The session has something to say; raises SFTPPermissionDenied once its key is revoked."""
        if self._room.door.holder(self._key) != self._organisation and not self.broken:
            raise asyncssh.SFTPPermissionDenied("This SSH key is not registered, or was revoked.")
        self._alive()

    async def _caller(self) -> Caller:
        return await self._room.door.authenticate(Credentials(None, None, ssh_key=self._key), SCOPE)

    # --- places ---------------------------------------------------------------------------------

    def _place(self, path: bytes) -> Place:
        """Where a path leads, in a folder that is there; raises SFTPNoSuchFile."""
        place = place_of(path)
        if place is None:
            raise asyncssh.SFTPNoSuchFile(
                "There is only /inbox, with folders for requests and for submissions to complete."
            )
        if place.folder and not self._room.is_folder(self._organisation, place.folder):
            raise asyncssh.SFTPNoSuchFile(
                "There is no such request or submission of your organisation."
            )
        return place

    def _file(self, path: bytes) -> Place:
        """Where a path leads, if a file of the organisation can be there."""
        place = self._place(path)
        if place.name is None:
            raise asyncssh.SFTPPermissionDenied("Folders are made by the gateway alone.")
        if place.result is not None:
            raise asyncssh.SFTPPermissionDenied(
                "Results are the gateway's; they go together with the file they are about."
            )
        if self._asked(place) is not None:
            raise asyncssh.SFTPPermissionDenied(
                "This is what is asked; give the answer another name."
            )
        return place

    def _asked(self, place: Place) -> bytes | None:
        """What is asked, where a path names it."""
        if not place.folder or place.name is None:
            return None
        return self._room.asked(self._organisation, place.folder).get(place.name)

    def _found(self, place: Place) -> Item:
        item = self._inbox.find(self._organisation, place)
        if item is None:
            raise asyncssh.SFTPNoSuchFile("There is no such file in this inbox.")
        return item

    # --- looking --------------------------------------------------------------------------------

    @told
    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Size and time of what is at a path."""
        place = self._place(path)
        if place.name is None:
            return _attrs(_FOLDER_MODE, 0, 0)
        asked = self._asked(place)
        if asked is not None:
            return _attrs(_RESULT_MODE, len(asked), 0)
        item = self._found(place)
        if place.result is None:
            return _attrs(_FILE_MODE, item.size, item.changed)
        data = self._room.results.of(item, self._inbox).get(place.result)
        if data is None:
            raise asyncssh.SFTPNoSuchFile("There is no such result, or not yet.")
        return _attrs(_RESULT_MODE, len(data), item.changed)

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """The same: there are no links."""
        return await self.stat(path)

    @told
    async def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        """Size and time of an open file."""
        if isinstance(file_obj, Reading):
            return _attrs(_RESULT_MODE, len(file_obj.data), file_obj.changed)
        assert isinstance(file_obj, Writing)
        return _attrs(_FILE_MODE, file_obj.end, file_obj.item.changed)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """What is in a folder, files with their results."""
        for name, attrs in await self._listed(path):
            yield asyncssh.SFTPName(name.encode(), "", attrs)

    @told
    async def _listed(self, path: bytes) -> list[tuple[str, asyncssh.SFTPAttrs]]:
        place = self._place(path)
        if place.name is not None:
            raise asyncssh.SFTPFailure("This is not a folder.")
        organisation = (await self._caller()).party
        folder = _attrs(_FOLDER_MODE, 0, 0)
        found = [(".", folder), ("..", folder)]
        if not place.inside:
            return [*found, (INBOX, folder)]
        if not place.folder:
            found += [(name, folder) for name in self._room.folders(organisation)]
        else:
            asked = self._room.asked(organisation, place.folder)
            found += [(name, _attrs(_RESULT_MODE, len(data), 0)) for name, data in asked.items()]
        for item in self._inbox.items.listed(organisation, place.folder):
            await asyncio.sleep(0)  # a full inbox must not hold up the others
            name = self._inbox.name(item)
            found.append((name, _attrs(_FILE_MODE, item.size, item.changed)))
            sizes = self._room.results.sizes_of(item, self._inbox)
            found += [
                (name + ending, _attrs(_RESULT_MODE, size, item.changed))
                for ending, size in sizes.items()
            ]
        return found

    async def realpath(self, path: bytes) -> bytes:
        """The one form of a path."""
        return await self._realpath(path)

    @told
    async def _realpath(self, path: bytes) -> bytes:
        return path_of(path)

    # --- writing and reading --------------------------------------------------------------------

    @told
    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Open a result to read, or a file to write; what was sent is not given back."""
        del attrs
        if len(self._files) >= SFTP_HANDLES - 1:
            raise asyncssh.SFTPFailure("Too many files are open; close one first.")
        caller = await self._caller()
        opened: Reading | Writing
        if not pflags & asyncssh.FXF_WRITE:
            opened = self._open_result(path)
        else:
            opened = await self._open_file(path, pflags, caller)
        self._files.add(id(opened))
        return opened

    def _open_result(self, path: bytes) -> Reading:
        place = self._place(path)
        if place.name is None:
            raise asyncssh.SFTPFailure("This is a folder.")
        asked = self._asked(place)
        if asked is not None:
            return Reading(asked, 0)
        item = self._found(place)
        if place.result is None:
            raise asyncssh.SFTPPermissionDenied(
                "What was sent is not given back; what became of it is in NAME.outcome.json."
            )
        data = self._room.results.of(item, self._inbox).get(place.result)
        if data is None:
            raise asyncssh.SFTPNoSuchFile("There is no such result, or not yet.")
        return Reading(data, item.changed)

    async def _open_file(self, path: bytes, pflags: int, caller: Caller) -> Writing:
        place = self._file(path)
        item = self._inbox.find(self._organisation, place)
        if item is None and not pflags & asyncssh.FXF_CREAT:
            raise asyncssh.SFTPNoSuchFile("There is no such file in this inbox.")
        if item is not None and pflags & asyncssh.FXF_EXCL:
            raise asyncssh.SFTPFailure("There is a file of this name already.")
        anew = item is None or bool(pflags & asyncssh.FXF_TRUNC)
        writing = await story.begin(caller, self._key, place, self._inbox, anew=anew)
        writing.appends = bool(pflags & asyncssh.FXF_APPEND)
        return writing

    @told
    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Bytes of a result."""
        if not isinstance(file_obj, Reading):
            raise asyncssh.SFTPPermissionDenied("A file that is being written cannot be read.")
        return file_obj.data[offset : offset + size]

    @told
    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Bytes of a file."""
        if not isinstance(file_obj, Writing):
            raise asyncssh.SFTPPermissionDenied("Results are read only.")
        await file_obj.write(offset, data)
        return len(data)

    async def close(self, file_obj: object) -> None:
        """The file is whole, and is taken; or the session broke, and it stays as it is."""
        self._files.discard(id(file_obj))
        if not isinstance(file_obj, Writing):
            return
        if self.broken:
            await self._cut(file_obj)
        else:
            await self._close(file_obj)

    async def _cut(self, writing: Writing) -> None:
        """Keep what is there, whoever may not come back; nobody is left to be told of trouble."""
        try:
            await writing.cut()
        except Exception as error:  # noqa: BLE001 - other files of the session are to be kept too
            log.error("not_kept", error=type(error).__name__)  # noqa: TRY400 - a trace may hold data

    async def _close(self, writing: Writing) -> None:
        try:
            self.alive()
        except asyncssh.SFTPError:
            await self._cut(writing)
            raise
        await self._whole(writing)

    @told
    async def _whole(self, writing: Writing) -> None:
        await writing.close()

    @told
    async def fsync(self, file_obj: object) -> None:
        """Make durable what was written."""
        if isinstance(file_obj, Writing):
            await file_obj.flush()

    # --- names ----------------------------------------------------------------------------------

    @told
    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Give an unfinished file its name; that takes it."""
        await self._rename(oldpath, newpath, replace=False)

    @told
    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """The same, over a file that is there."""
        await self._rename(oldpath, newpath, replace=True)

    async def _rename(self, oldpath: bytes, newpath: bytes, *, replace: bool) -> None:
        caller = await self._caller()
        old, new = self._file(oldpath), self._file(newpath)
        await story.rename(caller.party, old, new, self._inbox, replace=replace)

    @told
    async def remove(self, path: bytes) -> None:
        """Take a file and its results out of the inbox."""
        await story.remove((await self._caller()).party, self._file(path), self._inbox)

    @told
    async def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Folders are there already, one for each request."""
        del attrs
        if self._place(path).name is None:
            raise asyncssh.SFTPFailure("This folder is there already.")
        raise asyncssh.SFTPPermissionDenied("Folders are made by the gateway alone.")

    @told
    async def rmdir(self, path: bytes) -> None:
        """Folders stay."""
        del path
        raise asyncssh.SFTPPermissionDenied("Folders are made by the gateway alone.")

    # --- attributes that clients like to set ----------------------------------------------------

    @told
    async def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Times and permissions are the gateway's: asking for others is heard and changes nothing."""
        item = self._found(self._file(path))
        _same_size(attrs, item.size)

    async def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """The same: there are no links."""
        await self.setstat(path, attrs)

    @told
    async def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """The same, of an open file."""
        _same_size(attrs, file_obj.end if isinstance(file_obj, Writing) else 0)

    def format_user(self, uid: int | None) -> str:
        """Whose a file is, in a listing."""
        del uid
        return "cms"

    def format_group(self, gid: int | None) -> str:
        """Likewise."""
        del gid
        return "cms"

    def exit(self) -> None:
        """The session has ended; its files were closed before."""


def _refusing(text: str) -> Callable[..., Any]:
    def refuse(_self: Session, *_args: object, **_kwargs: object) -> Any:
        raise asyncssh.SFTPOpUnsupported(text)

    return refuse


# What the library would do on this machine's file system.
for _name in ("readlink", "symlink", "link"):
    setattr(Session, _name, _refusing("There are no links here."))
for _name in ("open56", "lock", "unlock", "statvfs", "fstatvfs", "map_path", "reverse_map_path"):
    setattr(Session, _name, _refusing("This is not offered here."))


def _same_size(attrs: asyncssh.SFTPAttrs, size: int) -> None:
    if attrs.size is not None and attrs.size != size:
        raise asyncssh.SFTPOpUnsupported("A file is not cut or filled; send it anew.")


def _attrs(mode: int, size: int, changed: int) -> asyncssh.SFTPAttrs:
    return asyncssh.SFTPAttrs(
        permissions=mode, size=size, uid=0, gid=0, nlink=1, atime=changed, mtime=changed
    )
