"""What the simulated year came to: counted, and checked against the law by code of its own."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, Final

from gateway.judge.store import verify_store
from gateway.notify_stand_in.serving import StandIn
from gateway.store.sqlite.connection import fetch, open_reader
from gateway.wiring import Gateway

# Where a request may stand when nothing more will happen to it.
LAWFUL: Final = {"answered", "refused", "withdrawn", "escalated"}
_ELECTRONIC: Final = {"api", "sftp", "webhook", "email"}


def checked(gateway: Gateway, post: StandIn, did: dict[str, int], lived: float) -> bool:
    """Print the summary; whether every state, every channel and the ledger are as they must be."""
    db = open_reader(gateway.settings.data)
    states: Counter[str] = Counter(
        dict(fetch(db, "SELECT state, count(*) FROM request GROUP BY state"))
    )
    forms: Counter[str] = Counter(
        dict(fetch(db, "SELECT form, count(*) FROM notice WHERE sent IS NOT NULL GROUP BY form"))
    )
    kinds = fetch(db, "SELECT kind, count(*) FROM notice GROUP BY kind ORDER BY 2 DESC")
    unlawful = sum(count for state, count in states.items() if state not in LAWFUL)
    wrong_way = _wrong_ways(db)
    unsent = fetch(db, "SELECT count(*) FROM notice WHERE sent IS NULL")[0][0]
    carried = forms["email"] + forms["post"]
    twice = sum(post.messages.taken.values()) - carried
    packs = fetch(db, "SELECT count(*) FROM evidence_pack")[0][0]
    began = time.perf_counter()
    verdict = verify_store(gateway.settings.data, gateway.ring.evidence.vkey)
    judged = time.perf_counter() - began
    _table("what happened", {**did, "evidence packs": packs})
    _table("requests at the end", states)
    _table("notices by form", forms)
    _table("notices by kind", dict(kinds))
    print(f"\nrequests in no lawful state: {unlawful}")
    print(f"notices by a way that was not agreed that day: {wrong_way}")
    print(f"notices not sent: {unsent}; e-mails and letters at Notify beyond one each: {twice}")
    found = [f"{f.where}: {f.what}" for f in verdict.findings[:3]]
    print(
        f"the judge on {verdict.entries:,} entries: {'sound' if verdict.ok else found} ({judged:.0f} s)"
    )
    print(f"the year took {lived:.0f} s")
    return verdict.ok and not unlawful and not wrong_way and not unsent and not twice


def _wrong_ways(db: Any) -> int:
    """Notices that went electronically without a live agreement, or by post against one."""
    agreed: dict[tuple[str, str, str], tuple[str, str, str | None]] = {}
    for identity, who, purpose, form, since, until in fetch(
        db, "SELECT id, correspondent, purpose, form, since, until FROM agreement"
    ):
        agreed[identity, who, purpose] = (form, since, until)
    by_party = {(who, purpose): value for (_, who, purpose), value in agreed.items()}
    prefers = {row[0] for row in fetch(db, "SELECT correspondent FROM preference WHERE post = 1")}
    wrong = 0
    for who, purpose, form, agreement, sent in fetch(
        db,
        "SELECT correspondent, purpose, form, agreement, sent FROM notice WHERE sent IS NOT NULL",
    ):
        held = by_party.get((who, purpose))
        if form in _ELECTRONIC:
            found = agreed.get((agreement, who, purpose))
            live = found is not None and found[0] == form and found[1] <= sent[:10]
            wrong += not live or who in prefers
        else:
            wrong += held is not None and who not in prefers
    return wrong


def _table(title: str, rows: dict[str, int]) -> None:
    print(f"\n{title}")
    for name, count in sorted(rows.items(), key=lambda pair: -pair[1]):
        print(f"  {name:<28}{count:>10,}")
