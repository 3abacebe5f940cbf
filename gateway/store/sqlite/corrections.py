"""What was sent before and is corrected now: who received it, and who has acknowledged that."""

from __future__ import annotations

from typing import Any

import apsw

from gateway.core.disclosure import View
from gateway.core.stages import Draft, Recorded
from gateway.correction import Sent
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.journal import Journal
from gateway.store.sqlite.shelf import Shelf


class Corrections:
    """Reads through the shelf, and writes through the journal (`gateway.correction.Journal`)."""

    def __init__(self, reader: apsw.Connection, journal: Journal, shelf: Shelf) -> None:
        self._reader = reader
        self._journal = journal
        self._shelf = shelf

    def sent(self, organisation: str, submission: str) -> Sent | None:
        """A submission of this organisation, with the views of the feeds that received it."""
        rows = fetch(
            self._reader,
            "SELECT number, state, class, format, request, wrapped_key, "
            "(SELECT count(*) FROM block WHERE submission = number) FROM submission "
            "WHERE id = ? AND organisation = ?",
            (submission, organisation),
        )
        if not rows:
            return None
        number, state, provider_class, form, request, wrapped_key, blocks = rows[0]
        asked = None if request is None else self._journal.request_of(organisation, request)
        return Sent(
            number=number,
            id=submission,
            state=state,
            provider_class=provider_class or "",
            format=form or "",
            request=asked,
            wrapped_key=wrapped_key,
            blocks=blocks,
            views=self._views(number),
        )

    def _views(self, number: int) -> dict[str, View]:
        rows = fetch(
            self._reader,
            "SELECT feed, min(view) FROM feed_item WHERE submission = ? GROUP BY feed",
            (number,),
        )
        return {feed: self._shelf.view(view) for feed, view in rows}

    def frame(self, number: int, n: int) -> tuple[bytes, int]:
        """The frame of a block, and its number of records."""
        return self._shelf.frame(number, n)

    async def record(self, draft: Draft) -> Recorded:
        """Commit the correction."""
        return await self._journal.record(draft)

    def amendments(self, submission: str) -> list[dict[str, Any]]:
        """What amended a submission, the oldest first, and who has acknowledged it.

        `acknowledged` is whether every consumer of every feed that received it has.
        """
        rows = fetch(
            self._reader,
            "SELECT by.number, by.id, how, by.recorded_at FROM amendment "
            "JOIN submission AS by ON by.number = amendment.number WHERE amendment.submission = "
            "(SELECT number FROM submission WHERE id = ?) ORDER BY amendment.number",
            (submission,),
        )
        found = []
        for number, by, how, recorded_at in rows:
            feeds = self._acknowledged(number)
            found.append(
                {
                    "submission": by,
                    "how": how,
                    "recorded_at": recorded_at,
                    "feeds": feeds,
                    "acknowledged": all(feed["acknowledged"] for feed in feeds),
                }
            )
        return found

    def _acknowledged(self, number: int) -> list[dict[str, Any]]:
        """Each feed that holds a submission, and whether all its consumers have taken it."""
        rows = fetch(
            self._reader,
            "SELECT feed, max(first + count - 1) AS last, "
            "(SELECT count(DISTINCT party) FROM party_class WHERE class = feed), "
            "(SELECT count(*) FROM acknowledgement AS a WHERE a.feed = feed_item.feed "
            "AND a.upto >= (SELECT max(first + count - 1) FROM feed_item AS i "
            "WHERE i.feed = feed_item.feed AND i.submission = feed_item.submission)) "
            "FROM feed_item WHERE submission = ? GROUP BY feed ORDER BY feed",
            (number,),
        )
        return [
            {
                "feed": feed,
                "seq": last,
                "consumers": consumers,
                "acknowledged": 0 < consumers <= taken,
            }
            for feed, last, consumers, taken in rows
        ]
