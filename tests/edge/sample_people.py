"""Somebody to look for, and what matching one record with one request gives."""

from __future__ import annotations

import datetime as dt

from msgspec.structs import replace

from gateway.core.groups.person import Where, Who
from gateway.core.matching import Match, Person, Subject, explain, read_model
from gateway.edge.linkage import Linkage
from tests.conftest import ROOT

MODEL = read_model((ROOT / "schemas" / "matching.toml").read_text(encoding="utf-8"))
LINKAGE = Linkage(MODEL)

BORN = dt.date(1980, 2, 3)
HOME = Where(lines=("10 High Street",), town="Sampleton", postcode="AB1 2CD")
AWAY = Where(lines=("7 Low Road",), town="Elsewhere", postcode="EF3 4GH")
ALEX = Who(surname="Sample", forenames="Alex James", date_of_birth=BORN)
NINO = "AA000001A"


def one(asked: Who, sent: Who, home: Where | None = HOME, at: Where | None = HOME) -> Match | None:
    """The match of one record with one request, if there is one."""
    subject = Subject("req", asked, (home,) if home else ())
    found = LINKAGE.match([subject], [Person(1, sent, at)])
    assert len(found) <= 1
    for match in found:
        assert match.agreed
        assert 0 <= match.probability <= 1
        explain(match)
    return found[0] if found else None


def verdict(
    asked: Who, sent: Who, home: Where | None = HOME, at: Where | None = HOME
) -> str | None:
    match = one(asked, sent, home, at)
    return match.verdict if match else None


def alex(**members: object) -> Who:
    return replace(ALEX, **members)
