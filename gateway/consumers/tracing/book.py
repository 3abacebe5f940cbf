"""Whom tracing looks for, as the department's own systems know them (TOML)."""

from __future__ import annotations

import datetime as dt
import tomllib

import msgspec

from gateway.consumers.keys import CmsReference, Name, Nino


class Subject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who is looked for; `requests` are those that were raised about them."""

    reference: Name
    surname: str
    forenames: str | None = None
    date_of_birth: dt.date | None = None
    nino: Nino | None = None
    cms_reference: CmsReference | None = None
    requests: tuple[str, ...] = ()


class Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everybody who is looked for."""

    subject: tuple[Subject, ...] = ()


def read_book(text: str) -> Book:
    """Read a book; raises ValueError, saying what is wrong, for what is none."""
    try:
        book = msgspec.convert(tomllib.loads(text), Book)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"the book of tracing cannot be read: {error}") from error
    names = [subject.reference for subject in book.subject]
    if len(set(names)) != len(names):
        raise ValueError("the book of tracing has a reference twice")
    return book
