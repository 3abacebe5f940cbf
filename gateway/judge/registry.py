"""Who may speak: the tables against the acts of administration in the ledger.

A row that no entry accounts for was put there by somebody who could write to the database and did
not want to be seen.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from gateway.judge.strict import Unsound, canonical_json, json_object

Rows = Callable[..., Iterator[tuple[Any, ...]]]
Say = Callable[[str, str], None]

_BY_THUMBPRINT: Final = frozenset({"certificate.added", "sshkey.added"})
_UNSEEN: Final = "no entry of the ledger accounts for it"


def check_registry(rows: Rows, entries: list[dict[str, Any]], say: Say) -> None:
    """Compare parties, certificates, clients, mailboxes and duty tables with entries."""
    by_kind: dict[str, dict[str, dict[str, Any]]] = {}
    for entry in entries:
        key = entry.get("thumbprint") if entry["kind"] in _BY_THUMBPRINT else entry["id"]
        by_kind.setdefault(entry["kind"], {})[str(key)] = entry
    parties = {
        "organisation": by_kind.get("organisation.added", {}),
        "consumer": by_kind.get("consumer.added", {}),
    }
    for identity, kind in rows("SELECT id, kind FROM party"):
        classes = sorted(
            row[0] for row in rows("SELECT class FROM party_class WHERE party = ?", identity)
        )
        added = parties.get(kind, {}).get(identity)
        if added is None or added.get("classes") != classes:
            say(f"{kind} {identity}", f"of its classes, {_UNSEEN}")
    _check_keys("certificate", by_kind, rows, say)
    # A store that no newer gateway has opened yet has no such table.
    if list(rows("SELECT 1 FROM sqlite_schema WHERE name = 'ssh_key'")):
        _check_keys("sshkey", by_kind, rows, say)
    clients = by_kind.get("client.added", {})
    for identity, party, jwks in rows("SELECT id, party, jwks FROM client"):
        client = clients.get(identity)
        if client is None or (client.get("party"), client.get("keys")) != (party, _named(jwks)):
            say(f"client {identity}", _UNSEEN)
    _check_duties(rows, entries, say)
    if list(rows("SELECT 1 FROM sqlite_schema WHERE name = 'agreement'")):
        _check_agreements(rows, entries, by_kind, say)
    mailboxes = by_kind.get("mailbox.added", {})
    removed = by_kind.get("mailbox.removed", {})
    for identity, party, secret, gone in rows(
        "SELECT id, organisation, secret, removed FROM mailbox"
    ):
        box = mailboxes.get(identity)
        told = (party, _hash(secret), gone is not None)
        if box is None or told != (box.get("organisation"), box.get("secret"), identity in removed):
            say(f"mailbox {identity}", _UNSEEN)


def _check_duties(rows: Rows, entries: list[dict[str, Any]], say: Say) -> None:
    """Each duty table that was in use is the one the ledger speaks of, to the last byte."""
    said = [
        (entry.get("version"), entry.get("digest"))
        for entry in entries
        if entry["kind"] == "duties.changed"
    ]
    kept = []
    for version, digest, files in rows(
        "SELECT version, digest, files FROM duty_table ORDER BY number"
    ):
        if _digest_of(files) != digest:
            say(f"duty table {version}", "its text is not that of its digest")
        kept.append((version, _b64u(digest)))
    if kept != said:
        say("duty tables", "they are not those of the ledger's entries")


def _digest_of(files: str) -> bytes | None:
    """The digest of a duty table's files, by their names; None where these are none."""
    found = hashlib.sha256()
    try:
        for name, text in sorted(json_object(files).items()):
            data = text.encode()
            found.update(b"%b\0%d\0%b" % (name.encode(), len(data), data))
    except (ValueError, AttributeError):  # Unsound, half a character, or no text
        return None
    return found.digest()


def _check_agreements(
    rows: Rows,
    entries: list[dict[str, Any]],
    by_kind: dict[str, dict[str, dict[str, Any]]],
    say: Say,
) -> None:
    """What was agreed to, and what is preferred: as the entries have it, no more and no less."""
    ends = by_kind.get("agreement.ended", {})
    told = {
        (made["id"], *(made.get(name) for name in ("correspondent", "purpose", "form", "since")),
         ends.get(made["id"], {}).get("until"))
        for made in by_kind.get("agreement.made", {}).values()
    }  # fmt: skip
    kept = set(rows("SELECT id, correspondent, purpose, form, since, until FROM agreement"))
    for odd in sorted({str(row[0]) for row in told ^ kept}):
        say(f"agreement {odd}", _UNSEEN)
    # What is said twice of a day is as it was said last.
    preferred = {
        (entry["id"], entry.get("since")): bool(entry.get("post"))
        for entry in entries
        if entry["kind"] == "preference.changed"
    }
    found = {
        (who, since): bool(post)
        for who, since, post in rows("SELECT correspondent, since, post FROM preference")
    }
    for odd in sorted({who for (who, _), _ in set(preferred.items()) ^ set(found.items())}):
        say(f"preference of {odd}", _UNSEEN)


def _check_keys(
    kind: str, by_kind: dict[str, dict[str, dict[str, Any]]], rows: Rows, say: Say
) -> None:
    """Certificates, or SSH keys: whose they are, whether revoked, and that they are themselves."""
    added, revoked = by_kind.get(f"{kind}.added", {}), by_kind.get(f"{kind}.revoked", {})
    table, column = ("ssh_key", "blob") if kind == "sshkey" else ("certificate", "der")
    for thumbprint, party, data, gone in rows(
        f"SELECT thumbprint, party, {column}, revoked FROM {table}"  # noqa: S608 - constants
    ):
        given = added.get(thumbprint)
        if (
            given is None
            or given["id"] != party
            or (gone is None) == (thumbprint in revoked)
            or _b64u(hashlib.sha256(data).digest()) != thumbprint
        ):
            say(f"{kind} {thumbprint}", _UNSEEN)


def _named(jwks: str) -> list[str] | None:
    """How an entry names public keys: the hash of each JWK, as canonical JSON; None for no keys."""
    try:
        return sorted(_hash(canonical_json(key)) for key in json_object(jwks)["keys"])
    except (Unsound, KeyError, TypeError):
        return None


def _hash(data: bytes) -> str:
    return _b64u(hashlib.sha256(data).digest())


def _b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
