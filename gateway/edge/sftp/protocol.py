"""The library's SFTP protocol, less what is not offered, and told a close from a broken connection."""

from __future__ import annotations

from typing import Any, Final, cast

import asyncssh
from asyncssh.packet import SSHPacket
from asyncssh.sftp import SFTPServerHandler

from gateway.core.limits import SFTP_HANDLES, SFTP_PACKET_BYTES

VERSION: Final = 3
_EXTENSIONS: Final = (b"posix-rename@openssh.com", b"fsync@openssh.com")


class Handler(SFTPServerHandler):
    """Reads requests one after the other; its server is a `gateway.edge.sftp.session.Session`."""

    _extensions = [(name, b"1") for name in _EXTENSIONS]  # noqa: RUF012 - as in the library
    _packet_handlers = {  # noqa: RUF012
        kind: handler
        for kind, handler in SFTPServerHandler._packet_handlers.items()  # noqa: SLF001
        if isinstance(kind, int) or kind in _EXTENSIONS
    }

    async def recv_packet(self) -> SSHPacket:
        """The next packet; the session ends at one that is too large."""
        assert self._reader is not None
        size = int.from_bytes(await self._reader.readexactly(4), "big")
        if size > SFTP_PACKET_BYTES:
            raise asyncssh.SFTPBadMessage("A packet is larger than is taken.")
        return SSHPacket(await self._reader.readexactly(size))

    async def _cleanup(self, exc: Exception | None) -> None:
        # The library closes what is open; that must not look as if the client had closed it.
        cast("Any", self._server).broken = True
        await super()._cleanup(exc)

    def _get_next_handle(self) -> bytes:
        if len(self._file_handles) + len(self._dir_handles) >= SFTP_HANDLES:
            raise asyncssh.SFTPFailure(f"{SFTP_HANDLES} handles are open; close one first.")
        return super()._get_next_handle()
