"""Opening the database: version, durability and ownership are checked, not hoped for.

SQLite 3.7.0 to 3.51.2 can corrupt a database when the write-ahead log is reset, so older libraries
are refused. `synchronous=FULL` is read back after it is set: with NORMAL a power cut loses
acknowledged commits.
"""

from __future__ import annotations

import fcntl
import os
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import apsw

OLDEST: Final = (3, 51, 3)
DATABASE: Final = "gateway.sqlite"


class StoreError(Exception):
    """The store cannot be used as it is; the message says what to do."""


def check_library() -> None:
    """Refuse an SQLite library with the log-reset bug; raises StoreError."""
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if version < OLDEST:
        raise StoreError(
            f"SQLite {apsw.sqlite_lib_version()} can lose data; install apsw with 3.51.3 or newer.",
        )


def open_writer(directory: Path) -> tuple[apsw.Connection, int]:
    """Open, lock and migrate the database in a directory; the one writer.

    Returns the connection and the file descriptor that holds the lock. Raises StoreError when
    another gateway owns the store.
    """
    check_library()
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise StoreError(
            f"Another gateway is using {directory}; stop it, or choose another data directory.",
        ) from error
    path = directory / DATABASE
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    db = apsw.Connection(str(path))
    db.set_busy_timeout(5_000)
    _pragma(db, "journal_mode", "wal")
    _pragma(db, "synchronous", 2)  # FULL: every commit is flushed
    _pragma(db, "foreign_keys", 1)
    _pragma(db, "trusted_schema", 0)
    _pragma(db, "secure_delete", 1)  # what is deleted is overwritten: a wrapped key, above all
    db.execute("PRAGMA cache_size=-65536")
    db.execute("PRAGMA wal_autocheckpoint=4000")
    result = db.execute("PRAGMA quick_check(1)").fetchall()
    if result != [("ok",)]:
        raise StoreError(f"The database is damaged ({result[0][0]}); restore it from a backup.")
    migrate(db)
    return db, lock


def open_reader(directory: Path) -> apsw.Connection:
    """Open the database for reading only."""
    check_library()
    db = apsw.Connection(str(directory / DATABASE), flags=apsw.SQLITE_OPEN_READONLY)
    db.set_busy_timeout(5_000)
    db.execute("PRAGMA cache_size=-65536")
    return db


def migrate(db: apsw.Connection) -> None:
    """Run the numbered SQL files that this database has not seen; forward only."""
    scripts = sorted(
        (
            item
            for item in (files("gateway.store") / "sql" / "sqlite").iterdir()
            if item.name.endswith(".sql")
        ),
        key=lambda item: item.name,
    )
    done = int(db.pragma("user_version") or 0)
    if done > len(scripts):
        raise StoreError("This database was written by a newer gateway; upgrade this one.")
    for number, script in enumerate(scripts[done:], start=done + 1):
        with db:
            db.execute(script.read_text())
            db.pragma("user_version", number)


def _pragma(db: apsw.Connection, name: str, value: int | str) -> None:
    db.pragma(name, value)
    if db.pragma(name) != value:
        raise StoreError(f"SQLite did not accept {name}={value}; is this a local disk?")


def fetch(db: apsw.Connection, sql: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
    """Every row of a query; their types are those of the STRICT tables they come from."""
    return db.execute(sql, parameters).fetchall()
