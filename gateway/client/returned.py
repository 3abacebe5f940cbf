"""What a gateway gives back of a submission, to be mended: its errors, marked or listed, and its rows."""

from __future__ import annotations

from typing import Final

from gateway.client.connection import Connection

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Seconds that a large file may take to be read once more, beyond the usual.
_LONGER: Final = 300.0


class Returned:
    """Asks over a connection; every call may be made again, and raises Problem."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def errors_csv(self, submission: str) -> bytes:
        """Every row error that was kept, as a table."""
        return await self._get(f"{submission}/errors", {"Accept": "text/csv"})

    async def marked(self, submission: str) -> bytes:
        """The workbook that was sent, each wrong cell marked, with a first sheet of all errors."""
        return await self._get(f"{submission}/errors", {"Accept": _XLSX})

    async def refused_rows(self, submission: str) -> bytes:
        """The rows that are still open, in the format that was sent, to be mended and sent again."""
        return await self._get(f"{submission}/refused", {})

    async def _get(self, path: str, headers: dict[str, str]) -> bytes:
        reply = await self._connection.call(
            "GET", f"/v1/submissions/{path}", headers=headers, longer=_LONGER
        )
        return reply.body
