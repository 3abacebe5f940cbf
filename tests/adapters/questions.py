"""Questions to start from, arbitrary ones, and what reading one gives."""

from __future__ import annotations

import datetime as dt

from hypothesis import strategies as st

from adapters.banks.auth001 import AUTH_001
from adapters.banks.write_auth001 import MESSAGES
from gateway.core.adapter import ReadContext
from gateway.core.groups.money import Account
from gateway.core.groups.person import Identifier, Who
from gateway.core.identifiers import IdentifierError, nino
from gateway.core.question import Question
from gateway.core.record import Item
from tests.adapters.bank_messages import NOW, Bytes

SUBJECT = Who(name="Alex Sample", date_of_birth=dt.date(1980, 2, 3), nino="AA000001A")
QUESTION = Question(
    id="req_0123456789abcdefghijklmnop",
    issued_at=NOW,
    due=dt.date(2026, 11, 2),
    citation="SI 2008/2551 reg 4(2)",
    purposes=("IDENTIFY_TRACE",),
    record_types=("account",),
    subject=SUBJECT,
    period=(dt.date(2026, 4, 6), dt.date(2026, 10, 4)),
    consumer="tracing",
    organisation="example-bank",
)


def read(content: bytes, *signers: bytes, now: dt.datetime = NOW) -> list[Item]:
    return list(AUTH_001.read(Bytes(content), ReadContext(now=now, signers=signers)))


def _valid(text: str) -> bool:
    try:
        return nino(text) == text
    except IdentifierError:
        return False


# Letters of every script, with marks, digits, punctuation and symbols; no controls.
CHARACTERS = st.characters(
    codec="utf-8", exclude_categories=["C", "Zl", "Zp"], exclude_characters="\ufffe\uffff"
)


def line(most: int) -> st.SearchStrategy[str]:
    return st.text(CHARACTERS, min_size=1, max_size=most).map(str.strip).filter(bool)


NINOS = st.from_regex(r"[A-C][A-C][0-9]{6}[A-D]?", fullmatch=True).filter(_valid)
IDENTIFIERS = st.builds(
    Identifier,
    scheme=st.sampled_from(["PASSPORT", "COID", "unspecified", "Ελλάδα"]),
    value=line(35),
    issuer=st.none() | line(35),
)
SUBJECTS = st.builds(
    Who,
    kind=st.sampled_from(["person", "organisation"]),
    name=line(140),
    nino=st.none() | NINOS,
    cms_reference=st.none() | st.from_regex(r"[0-9]{12}", fullmatch=True),
    nationality=st.none() | st.just("GB"),
    identifiers=st.lists(IDENTIFIERS, max_size=3).map(tuple),
).flatmap(
    lambda who: (
        st.just(who)
        if who.kind == "organisation"
        else st.dates(dt.date(1900, 1, 1), NOW.date()).map(
            lambda born: Who(**{name: getattr(who, name) for name in who.__struct_fields__}
                             | {"date_of_birth": born})
        )
    )
)  # fmt: skip
ACCOUNTS = st.builds(
    Account,
    sort_code=st.from_regex(r"[0-9]{6}", fullmatch=True),
    number=st.from_regex(r"[0-9]{8}", fullmatch=True),
    name=st.none() | line(70),
    currency=st.none() | st.sampled_from(["GBP", "EUR"]),
)
PERIODS = st.tuples(st.dates(), st.dates()).map(lambda days: (min(days), max(days)))
QUESTIONS = st.builds(
    Question,
    id=line(35),
    issued_at=st.just(NOW),
    due=st.none() | st.dates(),
    citation=line(200),
    purposes=st.lists(st.sampled_from(["IDENTIFY_TRACE", "COLLECT_ENFORCE"]), max_size=2).map(
        tuple
    ),
    record_types=st.sets(st.sampled_from([*MESSAGES, "nil_return"]), min_size=1)
    .filter(lambda types: types != {"nil_return"})
    .map(lambda types: tuple(sorted(types))),
    subject=SUBJECTS,
    account=st.none() | ACCOUNTS,
    period=st.none() | PERIODS,
    consumer=line(63),
    organisation=line(63),
    reference=st.none() | line(40),
)
