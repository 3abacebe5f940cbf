"""Who may speak, in the database: parties, certificates, OAuth clients and assertions."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, TypeVar

import apsw
import msgspec

from gateway.core import ledger
from gateway.core.canonical import b64u, canonical
from gateway.core.instant import written
from gateway.core.refusal import Reason, Refused
from gateway.store.sqlite.change import Change
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.sshkeys import SshKeys
from gateway.store.sqlite.writer import Turn, Writer

_REMEMBERED: Final = 10_000


class Party(msgspec.Struct, frozen=True):
    """An organisation with its provider classes, or a consumer with its feeds, on a day."""

    id: str
    kind: str
    name: str
    classes: frozenset[str]


class Client(msgspec.Struct, frozen=True):
    """An OAuth client: whose it is, what it may do, and its public keys."""

    id: str
    party: str
    scope: frozenset[str]
    jwks: dict[str, Any]


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def _remembered(
    known: dict[_Key, _Value], key: _Key, read: Callable[[], _Value | None]
) -> _Value | None:
    """What is known under a key, or is found now.

    What is not there is not remembered, and no more than so many things are: names that somebody
    made up must not fill the memory.
    """
    found = known.get(key)
    if found is None:
        found = read()
        if found is not None:
            if len(known) >= _REMEMBERED:
                known.clear()
            known[key] = found
    return found


class Registry:
    """Reads are answered from memory until the next change; every change is a ledger entry."""

    def __init__(self, writer: Writer, reader: apsw.Connection) -> None:
        self._writer = writer
        self._reader = reader
        self._parties: dict[tuple[str, dt.date], Party] = {}
        self._certificates: dict[str, str] = {}
        self._clients: dict[str, Client] = {}
        self.ssh_keys = SshKeys(reader, self._change)

    def forget(self) -> None:
        """Read everything anew, because something changed."""
        self._parties.clear()
        self._certificates.clear()
        self._clients.clear()

    def party(self, identity: str, day: dt.date) -> Party | None:
        """A party as it is on a day."""
        return _remembered(self._parties, (identity, day), lambda: self._read_party(identity, day))

    def _read_party(self, identity: str, day: dt.date) -> Party | None:
        rows = fetch(self._reader, "SELECT kind, name FROM party WHERE id = ?", (identity,))
        if not rows:
            return None
        text = day.isoformat()
        classes = fetch(
            self._reader,
            "SELECT class FROM party_class WHERE party = ? AND in_force <= ? "
            "AND (until IS NULL OR until > ?)",
            (identity, text, text),
        )
        return Party(identity, rows[0][0], rows[0][1], frozenset(row[0] for row in classes))

    def holder(self, thumbprint: str) -> str | None:
        """The party whose certificate this is, unless it is revoked here."""
        return _remembered(self._certificates, thumbprint, lambda: self._read_holder(thumbprint))

    def _read_holder(self, thumbprint: str) -> str | None:
        rows = fetch(
            self._reader,
            "SELECT party FROM certificate WHERE thumbprint = ? AND revoked IS NULL",
            (thumbprint,),
        )
        return str(rows[0][0]) if rows else None

    def is_revoked(self, thumbprint: str) -> bool:
        """Whether a certificate was registered once, and has been withdrawn here."""
        return bool(
            fetch(
                self._reader,
                "SELECT 1 FROM certificate WHERE thumbprint = ? AND revoked IS NOT NULL",
                (thumbprint,),
            )
        )

    def client(self, identity: str) -> Client | None:
        """An OAuth client."""
        return _remembered(self._clients, identity, lambda: self._read_client(identity))

    def _read_client(self, identity: str) -> Client | None:
        rows = fetch(
            self._reader, "SELECT id, party, scope, jwks FROM client WHERE id = ?", (identity,)
        )
        if not rows:
            return None
        _, party, scope, jwks = rows[0]
        return Client(identity, party, frozenset(scope.split()), msgspec.json.decode(jwks))

    def doors(self, party: str) -> frozenset[Literal["api", "sftp"]]:
        """By which doors of ours a party can come in: a client or a mailbox, an SSH key."""
        rows = fetch(
            self._reader,
            "SELECT EXISTS (SELECT 1 FROM client WHERE party = ?1) OR EXISTS "
            "(SELECT 1 FROM mailbox WHERE organisation = ?1 AND removed IS NULL), "
            "EXISTS (SELECT 1 FROM ssh_key WHERE party = ?1 AND revoked IS NULL)",
            (party,),
        )
        names: tuple[Literal["api", "sftp"], ...] = ("api", "sftp")
        return frozenset(name for name, has in zip(names, rows[0], strict=True) if has)

    def parties(self, kind: str) -> list[dict[str, Any]]:
        """Every party of a kind, with its classes."""
        rows = fetch(
            self._reader,
            "SELECT id, name, added, (SELECT json_group_array(class) FROM party_class "
            "WHERE party = id AND until IS NULL) FROM party WHERE kind = ? ORDER BY id",
            (kind,),
        )
        return [
            {"id": row[0], "name": row[1], "added": row[2], "classes": msgspec.json.decode(row[3])}
            for row in rows
        ]

    def certificates(self, party: str) -> list[dict[str, Any]]:
        """Every certificate of a party."""
        rows = fetch(
            self._reader,
            "SELECT thumbprint, der, added, revoked FROM certificate WHERE party = ? ORDER BY added",
            (party,),
        )
        names = ("thumbprint", "der", "added", "revoked")
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def add_party(
        self,
        identity: str,
        kind: str,
        name: str,
        classes: Sequence[str],
        in_force: dt.date,
        conformance: str | None = None,
    ) -> None:
        """Add an organisation or a consumer; raises Refused(PARAMETER_NOT_VALID) if it exists.

        `conformance` is the hash of the certificate with which it was let in, if it showed one.
        """
        if fetch(self._reader, "SELECT 1 FROM party WHERE id = ?", (identity,)):
            raise Refused(Reason.PARAMETER_NOT_VALID, "There is already a party with this id.")

        def write(turn: Turn) -> None:
            turn.db.execute(
                "INSERT INTO party VALUES (?, ?, ?, ?)",
                (identity, kind, name, turn.written),
            )
            turn.db.executemany(
                "INSERT INTO party_class VALUES (?, ?, ?, NULL)",
                [(identity, item, in_force.isoformat()) for item in classes],
            )

        added = ledger.CONSUMER_ADDED if kind == "consumer" else ledger.ORGANISATION_ADDED
        # A sole trader's name is personal data: the ledger holds the id alone.
        told = {} if conformance is None else {"conformance": conformance}
        await self._change(added, write, id=identity, classes=sorted(classes), **told)

    async def add_certificate(self, party: str, thumbprint: str, der: bytes) -> None:
        """Register a certificate for a party."""

        def write(turn: Turn) -> None:
            turn.db.execute(
                "INSERT INTO certificate VALUES (?, ?, ?, ?, NULL)",
                (thumbprint, party, der, turn.written),
            )

        await self._change(ledger.CERTIFICATE_ADDED, write, id=party, thumbprint=thumbprint)

    async def revoke_certificate(self, thumbprint: str) -> None:
        """Stop accepting a certificate, from this moment on."""

        def write(turn: Turn) -> None:
            turn.db.execute(
                "UPDATE certificate SET revoked = ? WHERE thumbprint = ? AND revoked IS NULL",
                (turn.written, thumbprint),
            )

        await self._change(ledger.CERTIFICATE_REVOKED, write, id=thumbprint)

    async def add_client(
        self,
        identity: str,
        party: str,
        scope: Sequence[str],
        jwks: dict[str, Any],
    ) -> None:
        """Register an OAuth client with its public keys."""

        def write(turn: Turn) -> None:
            turn.db.execute(
                "INSERT INTO client VALUES (?, ?, ?, ?, ?)",
                (
                    identity,
                    party,
                    " ".join(sorted(scope)),
                    msgspec.json.encode(jwks).decode(),
                    turn.written,
                ),
            )

        keys = sorted(b64u(hashlib.sha256(canonical(key)).digest()) for key in jwks["keys"])
        await self._change(ledger.CLIENT_ADDED, write, id=identity, party=party, keys=keys)

    async def use_assertion(self, client: str, jti: str, expires: int) -> None:
        """Remember a client assertion; raises Refused(ASSERTION_REPLAYED) the second time."""
        await self._writer.do(_Assertion(client, jti, expires))

    async def expire(self, now: dt.datetime, keys_before: dt.datetime) -> int:
        """Forget assertions and uploads that have expired, and old keys; returns how many."""
        return int(await self._writer.do(_Expire(int(now.timestamp()), written(keys_before))))

    async def _change(self, kind: str, write: Callable[[Turn], None], **members: Any) -> None:
        await self._writer.do(Change(kind, write, members))
        self.forget()


class _Assertion:
    rows = 1

    def __init__(self, client: str, jti: str, expires: int) -> None:
        self._row = (client, jti, expires)

    def prepare(self, turn: Turn) -> None:
        place = ("assertion", *self._row[:2])
        used = fetch(turn.db, "SELECT 1 FROM assertion WHERE client = ? AND jti = ?", self._row[:2])
        if used or place in turn.decided:
            raise Refused(Reason.ASSERTION_REPLAYED)
        turn.decided[place] = True

    def write(self, turn: Turn) -> None:
        turn.db.execute("INSERT INTO assertion VALUES (?, ?, ?)", self._row)

    def answer(self, _turn: Turn) -> None:
        return None


class _Expire:
    rows = 2

    def __init__(self, now: int, keys_before: str) -> None:
        self._now = now
        self._keys_before = keys_before
        self._gone = 0

    def prepare(self, turn: Turn) -> None:
        """Nothing to decide."""

    def write(self, turn: Turn) -> None:
        for table in ("assertion", "upload"):
            turn.db.execute(f"DELETE FROM {table} WHERE expires < ?", (self._now,))  # noqa: S608
            self._gone += turn.db.changes()
        turn.db.execute("DELETE FROM idempotency WHERE used < ?", (self._keys_before,))
        self._gone += turn.db.changes()

    def answer(self, _turn: Turn) -> int:
        return self._gone
