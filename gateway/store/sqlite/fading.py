"""Erasing in the database: keys first, then what they sealed; the entries and their proofs stay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import apsw
from cryptography import x509

from gateway.core import ledger
from gateway.core.notice_item import Draft
from gateway.store.sqlite.codes import Codes
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.notices import insert_notices
from gateway.store.sqlite.writer import Turn, Writer

_NOTHING = b""


class Fading:
    """What fades with time (`gateway.retention.Fading`)."""

    def __init__(self, writer: Writer, reader: apsw.Connection, codes: Codes) -> None:
        self._writer = writer
        self._reader = reader
        self._codes = codes

    def ended(self, by: str, limit: int) -> list[str]:
        """Requests that ended by an instant and are not erased; those in dispute are not ended."""
        rows = fetch(
            self._reader,
            "SELECT id FROM request WHERE ended IS NOT NULL AND ended <= ? "
            "AND erased IS NULL ORDER BY ended LIMIT ?",
            (by, limit),
        )
        return [row[0] for row in rows]

    def told(self, by: str, limit: int) -> list[str]:
        """Notices of no request that were sent by an instant and still have their words."""
        rows = fetch(
            self._reader,
            "SELECT id FROM notice WHERE request IS NULL AND sent IS NOT NULL "
            "AND sent <= ? AND wrapped_key IS NOT NULL LIMIT ?",
            (by, limit),
        )
        return [row[0] for row in rows]

    async def erase_requests(self, requests: Sequence[str]) -> None:
        """Destroy the keys of requests, of their notices and all that was sealed under them."""
        await self._writer.do(_Erase(tuple(requests)))

    async def erase_notices(self, notices: Sequence[str]) -> None:
        """Destroy the keys of notices, with what they said."""
        await self._writer.do(_EraseNotices(tuple(notices)))

    async def expire(self, now: str, codes_before: dt.date) -> int:
        """Forget sessions that have ended, and codes that stopped working by a day."""
        return await self._codes.expire(now, codes_before)

    async def scrub(self) -> None:
        """Leave nothing on the disk of what was erased; raises apsw.BusyError."""
        await self._writer.empty_log()

    def ending(self, day: dt.date, days: int) -> list[dict[str, Any]]:
        """Certificates that end within so many days, of whom nobody was warned at that line."""
        rows = fetch(
            self._reader,
            "SELECT thumbprint, party, der FROM certificate WHERE revoked IS NULL AND NOT EXISTS "
            "(SELECT 1 FROM certificate_warning AS w WHERE w.thumbprint = certificate.thumbprint "
            "AND w.days <= ?)",
            (days,),
        )
        found = []
        for thumbprint, party, der in rows:
            certificate = x509.load_der_x509_certificate(der)
            ends_on = certificate.not_valid_after_utc.date()
            if day <= ends_on <= day + dt.timedelta(days=days):
                subject = certificate.subject.rfc4514_string()
                told = {"thumbprint": thumbprint, "party": party, "ends_on": ends_on}
                found.append(told | {"subject": subject})
        return found

    async def warned(self, thumbprint: str, days: int, notice: Draft) -> None:
        """Keep that a warning was given, with the notice that gives it."""
        await self._writer.do(_Warned(thumbprint, days, notice))


class _Erase:
    """The end of requests: an entry for each, and nothing left to open."""

    def __init__(self, requests: tuple[str, ...]) -> None:
        self._requests = requests
        self.rows = 8 * len(requests)

    def prepare(self, turn: Turn) -> None:
        for identity in self._requests:
            turn.decided["erased", identity] = True
            turn.enter(ledger.REQUEST_ERASED, id=identity)

    def write(self, turn: Turn) -> None:
        each = [(identity,) for identity in self._requests]
        turn.db.executemany(
            "UPDATE request SET wrapped_key = ?, subject = ?, terms = NULL, reference = NULL, "
            "order_tag = NULL, question = NULL, erased = ? WHERE id = ?",
            [(_NOTHING, _NOTHING, turn.written, identity) for identity in self._requests],
        )
        turn.db.executemany(
            "UPDATE clarification SET question = ?, answer = NULL WHERE request = ?",
            [(_NOTHING, identity) for identity in self._requests],
        )
        turn.db.executemany("DELETE FROM evidence_pack WHERE request = ?", each)
        turn.db.executemany("DELETE FROM access_session WHERE request = ?", each)
        turn.db.executemany("DELETE FROM access_code WHERE request = ?", each)
        turn.db.executemany("DELETE FROM match WHERE request = ?", each)
        turn.db.executemany(
            "UPDATE notice SET wrapped_key = NULL, sealed = NULL WHERE request = ?", each
        )

    def answer(self, _turn: Turn) -> None:
        """Nothing but that it is durable."""
        return


class _EraseNotices:
    """The end of notices that belong to no request."""

    def __init__(self, notices: tuple[str, ...]) -> None:
        self._notices = notices
        self.rows = 2 * len(notices)

    def prepare(self, turn: Turn) -> None:
        for identity in self._notices:
            turn.enter(ledger.NOTICE_SETTLED, id=identity, state="erased", deemed=None)

    def write(self, turn: Turn) -> None:
        turn.db.executemany(
            "UPDATE notice SET wrapped_key = NULL, sealed = NULL WHERE id = ?",
            [(identity,) for identity in self._notices],
        )

    def answer(self, _turn: Turn) -> None:
        """Nothing but that it is durable."""
        return


class _Warned:
    """A warning, once for each line of the table."""

    rows = 2

    def __init__(self, thumbprint: str, days: int, notice: Draft) -> None:
        self._key = (thumbprint, days)
        self._notice = notice

    def prepare(self, turn: Turn) -> None:
        """Nothing to decide."""

    def write(self, turn: Turn) -> None:
        turn.db.execute("INSERT OR IGNORE INTO certificate_warning VALUES (?, ?)", self._key)
        insert_notices(turn, (self._notice,))

    def answer(self, _turn: Turn) -> None:
        """Nothing but that it is durable."""
        return
