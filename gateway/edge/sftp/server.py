"""The SSH server: public keys and SFTP, and nothing else of all that SSH can do.

No passwords, no shell, no commands, no forwarding of anything. The algorithms are a closed list.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, cast

import asyncssh
import structlog
from asyncssh.stream import SSHReader, SSHServerStreamSession, SSHWriter

from gateway.core.limits import (
    SSH_CONNECTIONS,
    SSH_CONNECTIONS_EACH,
    SSH_KEYS_TRIED,
    SSH_LOGIN_SECONDS,
    SSH_SESSIONS,
)
from gateway.edge.sftp.protocol import VERSION, Handler
from gateway.edge.sftp.session import Room, Session

log = structlog.get_logger("sftp")

KEX: Final = ("mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org")
CIPHERS: Final = (
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
)
# The ciphers authenticate by themselves; a list without one would be none.
MACS: Final = ("hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com")
SIGNATURES: Final = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
                     "ecdsa-sha2-nistp521", "rsa-sha2-512", "rsa-sha2-256")  # fmt: skip
_SWEEP_SECONDS: Final = 5


@dataclass(slots=True)
class House:
    """Every connection there is."""

    room: Room
    idle_seconds: float
    inside: set[Connection] = field(default_factory=set)

    def sweep(self) -> None:
        """End connections whose key was revoked, or that have said nothing for too long."""
        now = asyncio.get_running_loop().time()
        for connection in list(self.inside):
            if connection.organisation and not connection.is_known():
                connection.end("This SSH key was revoked.")
            elif now - connection.heard > self.idle_seconds:
                connection.end("Nothing was said for too long.")


class Connection(asyncssh.SSHServer):
    """One connection; `organisation` is empty until a key has been verified."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._tried = 0
        self._sessions = 0
        self._offered = b""
        self.heard = asyncio.get_running_loop().time()
        self.organisation = ""
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Somebody is there; one too many is turned away at once."""
        self._connection = conn
        if len(self._house.inside) >= SSH_CONNECTIONS:
            log.warning("too_many_connections", count=SSH_CONNECTIONS)
            conn.abort()
            return
        self._house.inside.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """They have gone."""
        del exc
        self._house.inside.discard(self)

    def is_known(self) -> bool:
        """Whether the key is still the organisation's."""
        return self._house.room.door.holder(self._offered) == self.organisation

    def alive(self) -> None:
        """Something was said."""
        self.heard = asyncio.get_running_loop().time()

    def end(self, why: str) -> None:
        """Send them away."""
        if self._connection is not None:
            self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, why)
        self._house.inside.discard(self)

    # --- who is there ---------------------------------------------------------------------------

    def begin_auth(self, username: str) -> bool:
        """Everybody has to show a key."""
        del username
        return True

    def public_key_auth_supported(self) -> bool:
        """The one way."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether a key is registered for the organisation that the user name is.

        The last key that was asked about is the one whose signature is verified next.
        """
        self._tried += 1
        if self._tried > SSH_KEYS_TRIED:
            self.end("Too many keys were tried.")
            return False
        self._offered = key.public_data
        return bool(username) and self._house.room.door.holder(self._offered) == username

    def auth_completed(self) -> None:
        """The signature verified."""
        self.organisation = self._house.room.door.holder(self._offered) or ""
        self.alive()
        of_theirs = [each for each in self._house.inside if each.organisation == self.organisation]
        if not self.organisation or len(of_theirs) > SSH_CONNECTIONS_EACH:
            self.end(f"{SSH_CONNECTIONS_EACH} connections are open already; close one first.")

    # --- what they may do -----------------------------------------------------------------------

    def session_requested(self) -> Any:
        """A session, of which only SFTP can be asked."""
        self.alive()
        if self._sessions >= SSH_SESSIONS:
            return False
        self._sessions += 1
        return Stream(self._session, self._ended)

    def _ended(self) -> None:
        self._sessions -= 1

    def _session(self, chan: asyncssh.SSHServerChannel[bytes]) -> Session:
        return Session(chan, self.organisation, self._offered, self._house.room, self.alive)


class Stream(SSHServerStreamSession[bytes]):
    """A session that speaks SFTP or nothing."""

    def __init__(self, session: Callable[[Any], Session], ended: Callable[[], None]) -> None:
        super().__init__(None)
        self._session = session
        self._ended = ended

    def pty_requested(self, *_: Any) -> bool:
        """There is no terminal."""
        return False

    def shell_requested(self) -> bool:
        """There is no shell."""
        return False

    def exec_requested(self, command: str) -> bool:
        """There are no commands."""
        del command
        return False

    def subsystem_requested(self, subsystem: str) -> bool:
        """The one thing there is."""
        return subsystem == "sftp"

    def session_started(self) -> None:
        """Speak SFTP."""
        assert self._chan is not None
        assert self._conn is not None
        chan = cast("Any", self._chan)
        chan.set_encoding(None)
        self._encoding = None
        reader, writer = SSHReader[bytes](self, chan), SSHWriter[bytes](self, chan)
        handler = Handler(self._session(chan), reader, writer, VERSION)
        self._conn.create_task(handler.run(), reader.logger)

    def connection_lost(self, exc: Exception | None) -> None:
        """The session has ended."""
        super().connection_lost(exc)
        self._ended()


@asynccontextmanager
async def listening(
    room: Room,
    host: str,
    port: int,
    host_key: bytes,
    idle_seconds: float,
) -> AsyncIterator[tuple[int, House]]:
    """Serve SFTP until the block is left; gives the port, and the house."""
    # The library's log names users and paths; ours says what happened.
    logging.getLogger("asyncssh").setLevel(logging.CRITICAL)
    house = House(room, idle_seconds)
    key = asyncssh.import_private_key(host_key)
    server = await asyncssh.listen(
        host,
        port,
        server_factory=lambda: Connection(house),
        server_host_keys=[key],
        server_version="cms-gateway",
        kex_algs=KEX,
        encryption_algs=CIPHERS,
        mac_algs=MACS,
        signature_algs=SIGNATURES,
        compression_algs=["none"],
        gss_host=None,
        agent_forwarding=False,
        x11_forwarding=False,
        allow_pty=False,
        allow_scp=False,
        line_editor=False,
        rdns_lookup=False,
        login_timeout=SSH_LOGIN_SECONDS,
        keepalive_interval=30,
        keepalive_count_max=3,
    )
    sweeper = asyncio.get_running_loop().create_task(_sweep(house))
    bound: int = server.get_port()
    log.info("sftp_serving", listen=f"{host}:{bound}", host_key=key.get_fingerprint())
    try:
        yield bound, house
    finally:
        sweeper.cancel()
        server.close()
        for connection in list(house.inside):
            connection.end("The gateway is being stopped.")
        with suppress(asyncio.CancelledError):
            await sweeper
        await server.wait_closed()


async def _sweep(house: House) -> None:
    while True:
        await asyncio.sleep(min(_SWEEP_SECONDS, house.idle_seconds / 2))
        house.sweep()
