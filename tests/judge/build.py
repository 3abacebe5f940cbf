"""Build valid evidence the plain way, straight from docs/evidence.md, sharing no code with ours.

Everything is small enough to be looked at, and everything can be altered before it is sealed.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ORIGIN = "gateway.example/ledger"
SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = SECRET.public_key().public_bytes_raw()
KEY_ID = hashlib.sha256(ORIGIN.encode() + b"\n\x01" + PUBLIC).digest()[:4]
VKEY = f"{ORIGIN}+{KEY_ID.hex()}+{base64.b64encode(bytes([1]) + PUBLIC).decode()}"

VIEW = (
    base64.urlsafe_b64encode(hashlib.sha256(b"what a feed may show").digest()).decode().rstrip("=")
)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def b64(data):
    return base64.b64encode(data).decode()


def b64u(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def root_of(leaves):
    """RFC 6962 section 2.1, word for word."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01", root_of(leaves[:k]), root_of(leaves[k:]))


def path_of(index, leaves):
    """RFC 6962 section 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if index < k:
        return [*path_of(index, leaves[:k]), root_of(leaves[k:])]
    return [*path_of(index - k, leaves[k:]), root_of(leaves[:k])]


def leaf_of(entry):
    return sha256(b"\x00", entry)


def checkpoint_of(entries, *, size=None, root=None, origin=ORIGIN):
    root = root_of([leaf_of(entry) for entry in entries]) if root is None else root
    text = f"{origin}\n{len(entries) if size is None else size}\n{b64(root)}\n"
    signature = SECRET.sign(text.encode())
    return f"{text}\n\u2014 {ORIGIN} {b64(KEY_ID + signature)}\n"


def instant(n):
    return f"2026-11-22T21:{n // 60 % 60:02d}:{n % 60:02d}.{n:06d}Z"


def jws_of(claims, header=None):
    header = header or {"alg": "EdDSA", "kid": KEY_ID.hex(), "typ": "cms-receipt+jwt"}
    signed = f"{b64u(canonical(header))}.{b64u(canonical(claims))}"
    return f"{signed}.{b64u(SECRET.sign(signed.encode()))}"


@dataclass
class Submission:
    """One accepted submission with its records, its entry and its receipt."""

    name: str
    rows: int = 3
    recorded: int = 5
    request: str | None = None
    tamper_claims: dict = field(default_factory=dict)
    tamper_entry: dict = field(default_factory=dict)

    def __post_init__(self):
        self.records = [
            {
                "type": "deduction",
                "row": row,
                "groups": {
                    "deduction": (
                        self._salt(row, 0),
                        {"deducted_pence": 100 * row, "due_pence": 5},
                    ),
                    "who": (self._salt(row, 1), {"name": f"Zo\u00eb {row}"}),
                },
            }
            for row in range(1, self.rows + 1)
        ]
        self.digests = [
            {name: sha256(salt, canonical(value)) for name, (salt, value) in r["groups"].items()}
            for r in self.records
        ]
        self.leaves = [
            leaf_of(
                f"{r['type']}\0{r['row']}\0".encode()
                + b"".join(name.encode() + b"\0" + d[name] for name in sorted(d)),
            )
            for r, d in zip(self.records, self.digests, strict=True)
        ]
        digest, salt = sha256(self.name.encode()), sha256(b"salt", self.name.encode())[:16]
        time = instant(self.recorded)
        shared = {
            "class": "employer",
            "format": "dfe-schedule-csv",
            "organisation": "org-7",
            "purposes": ["collection", "tracing"],
            "records": b64u(root_of(self.leaves)),
            "request": self.request,
            "rows": {"accepted": self.rows, "nil": 0, "refused": 1},
            "rules": "2026.11",
        }
        claims = shared | {
            "iss": ORIGIN,
            "sub": self.name,
            "iat": _epoch(time),
            "outcome": "accepted",
            "client": {"id": "client-1", "x5t#S256": b64u(sha256(b"certificate"))},
            "content": {
                "media_type": "text/csv",
                "size": 1234,
                "sha-256": b64u(digest),
                "salt": b64u(salt),
            },
            "received_at": instant(self.recorded - 1),
            "recorded_at": time,
            "delivery": {"instant": "received_at", "basis": "SI 2008/2551 reg 5"},
        }
        claims |= self.tamper_claims
        self.claims = claims
        self.jws = jws_of(claims)
        entry = shared | {
            "v": 1,
            "kind": "submission.accepted",
            "time": time,
            "submission": self.name,
            "content": b64u(sha256(salt, digest)),
            "receipt": b64u(sha256(self.jws.encode())),
        }
        self.entry = canonical(entry | self.tamper_entry)

    def _salt(self, row, group):
        return sha256(f"{self.name}/{row}/{group}".encode())[:16]

    def relayed(self, feeds):
        entry = {
            "v": 1,
            "kind": "submission.relayed",
            "time": instant(self.recorded),
            "submission": self.name,
            "feeds": {
                name: {"first": first, "count": self.rows, "view": VIEW}
                for name, first in feeds.items()
            },
        }
        return canonical(entry)


def _epoch(text):
    return int(dt.datetime.fromisoformat(text[:19] + "+00:00").timestamp())


def opened(time=1):
    return canonical({"v": 1, "kind": "ledger.opened", "time": instant(time), "origin": ORIGIN})


def delivered(first, last, time, feed="calculation", **changed):
    entry = {
        "v": 1,
        "kind": "feed.delivered",
        "time": instant(time),
        "feed": feed,
        "consumer": "calculation",
        "client": "client-9",
        "first": first,
        "last": last,
        "count": last - first + 1,
    }
    return canonical(entry | changed)


def retrieved(upto, time, feed="calculation"):
    entry = {
        "v": 1,
        "kind": "feed.retrieved",
        "time": instant(time),
        "feed": feed,
        "consumer": "calculation",
        "client": "client-9",
        "upto": upto,
    }
    return canonical(entry)


def refused_entry(**changed):
    entry = {
        "v": 1,
        "kind": "submission.refused",
        "time": instant(7),
        "submission": "sub-x",
        "organisation": "org-7",
        "reason": "file-rule",
        "content": None,
        "receipt": b64u(sha256(b"jws")),
    }
    return canonical(entry | changed)


def received_entry(**changed):
    entry = {
        "v": 1,
        "kind": "submission.received",
        "time": instant(8),
        "submission": "sub-2",
        "organisation": "org-7",
        "content": b64u(sha256(b"content")),
        "receipt": b64u(sha256(b"jws 2")),
    }
    return canonical(entry | changed)


def small_ledger():
    """Eleven entries, one of each kind that says something of a submission or a feed."""
    one, two = Submission("sub-1", 3, recorded=5), Submission("sub-2", 2, recorded=9)
    added = {
        "v": 1,
        "kind": "organisation.added",
        "time": instant(2),
        "id": "org-7",
        "name": "Caf\u00e9",
        "classes": ["employer"],
    }
    return [
        opened(),
        canonical(added),
        one.entry,
        one.relayed({"calculation": 1, "tracing": 1}),
        delivered(1, 3, 6),
        retrieved(3, 6),
        refused_entry(),
        received_entry(),
        two.entry,
        two.relayed({"calculation": 4}),
        delivered(4, 5, 10),
    ]


def name_of(index):
    groups = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03d}")
    return "/".join(groups)


def files_of(entries, **checkpoint):
    """Every file of an export, by name: C2SP tlog-tiles, "Merkle Tree" and "Log entries"."""
    leaves = [leaf_of(entry) for entry in entries]
    files = {"checkpoint": checkpoint_of(entries, **checkpoint).encode()}
    files["origin.vkey"] = f"{VKEY}\n".encode()
    for at in range(0, len(entries), 256):
        part = entries[at : at + 256]
        partial = f".p/{len(part)}" if len(part) < 256 else ""
        bundle = b"".join(len(entry).to_bytes(2, "big") + entry for entry in part)
        files[f"tile/entries/{name_of(at // 256)}{partial}"] = bundle
    level, row = 0, leaves
    while row:
        for at in range(0, len(row), 256):
            part = row[at : at + 256]
            partial = f".p/{len(part)}" if len(part) < 256 else ""
            files[f"tile/{level}/{name_of(at // 256)}{partial}"] = b"".join(part)
        full = len(row) // 256 * 256
        row = [root_of(row[at : at + 256]) for at in range(0, full, 256)]
        level += 1
    return files


def write_files(directory, files):
    for name, data in files.items():
        path = Path(directory, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def receipt_of(submission, entries, **changed):
    """The tlog-proof file of an accepted submission whose entry is among the entries."""
    index = entries.index(submission.entry)
    leaves = [leaf_of(entry) for entry in entries]
    extra = canonical(
        {"entry": b64u(submission.entry), "receipt": submission.jws} | changed.get("extra", {}),
    )
    lines = [
        "c2sp.org/tlog-proof@v1",
        f"extra {b64(extra)}",
        f"index {changed.get('index', index)}",
        *[b64(value) for value in path_of(index, leaves)],
    ]
    return "\n".join(lines) + "\n\n" + changed.get("checkpoint", checkpoint_of(entries))


SOURCE = "https://gateway.test/v1/feeds/calculation"
ENTRY_OF = {"sub-1": 2, "sub-2": 8, "sub-big": 1}


def event(kind, identity, data, envelope):
    """One line of a feed."""
    head = {"specversion": "1.0", "type": f"uk.gov.childmaintenance.{kind}.v1", "source": SOURCE}
    return json.dumps(head | {"id": identity} | envelope | {"data": data}, ensure_ascii=False)


def sent_of(submission, index):
    """What the envelope of anything of a submission says of it."""
    entry = json.loads(submission.entry)
    said = {"subject": submission.name, "organisationclass": entry["class"]}
    return said | {"ledgerentry": str(index), **{n: entry[n] for n in ("time", "organisation")}}


def block_line(submission, entries, n=0, /, **changed):
    leaves = [leaf_of(entry) for entry in entries]
    index = entries.index(submission.entry)
    roots = [root_of(submission.leaves[at : at + 256]) for at in range(0, submission.rows, 256)]
    entry = json.loads(submission.entry)
    block = {
        **{name: entry[name] for name in ("submission", "organisation", "class", "format")},
        "request": entry["request"],
        "recorded_at": entry["time"],
        "first": 256 * n,
        "leaves": [b64u(leaf) for leaf in submission.leaves[256 * n : 256 * n + 256]],
        "path": [b64u(value) for value in path_of(n, roots)],
        "records": submission.rows,
        "entry": b64u(submission.entry),
        "index": index,
        "inclusion": [b64u(value) for value in path_of(index, leaves)],
    }
    block |= changed
    return event("feed.block", f"block-{256 * n + 1}", block, sent_of(submission, block["index"]))


def record_line(submission, leaf, seq, /, withhold=("who",), **changed):
    record = submission.records[leaf]
    digests = submission.digests[leaf]
    line = {
        "seq": seq,
        "submission": submission.name,
        "leaf": leaf,
        "row": record["row"],
        "type": record["type"],
        "purposes": ["collection"],
        "groups": {
            name: {"salt": b64u(salt), "value": value}
            for name, (salt, value) in record["groups"].items()
            if name not in withhold
        },
        "withheld": {name: b64u(digests[name]) for name in withhold},
    }
    line |= changed
    seq, purpose = line["seq"], " ".join(map(str, line["purposes"])) or "none"
    envelope = sent_of(submission, ENTRY_OF[submission.name])
    envelope |= {"purpose": purpose, "confidence": "unasked", "sequence": f"{seq:016d}"}
    return event(f"record.{record['type']}", str(seq), line, envelope)


def page_line(entries, first, count, /, **changed):
    page = {
        "feed": "calculation",
        "consumer": "calculation",
        "first": first,
        "next": "c-12",
        "more": False,
        "count": count,
        "read": len(entries),
        "checkpoint": checkpoint_of(entries),
    }
    return event("feed.page", f"page-{first}", page | changed, {})
