"""Who takes part in the demonstration, what is asked, and which sample files are sent."""

from __future__ import annotations

import datetime as dt
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple

from gateway.administration.orders import Kind
from gateway.core.duty import Law


class Part(NamedTuple):
    """One party of the story."""

    id: str
    kind: Kind
    name: str
    classes: tuple[str, ...]


class Question(NamedTuple):
    """One information request: who asks whom, why, and for what."""

    consumer: str
    organisation: str
    purpose: str
    citation: str
    record_types: tuple[str, ...]


class Answering(NamedTuple):
    """An organisation of a class, what it is asked, and the sample with which it answers."""

    slug: str
    part: Part
    asked: Question
    file: str


class Sample(NamedTuple):
    """A file of `schemas/samples`, who sends it, and what it answers (None: sent unasked)."""

    file: str
    sender: str
    answers: Question | None


BANK: Final = "example-bank"
EMPLOYER: Final = "example-bakery"
HMRC: Final = "hmrc"

PARTS: Final = (
    Part(BANK, "organisation", "Example Bank plc", ("deposit_taker",)),
    Part(EMPLOYER, "organisation", "Example Bakery Limited", ("employer",)),
    Part(HMRC, "organisation", "HM Revenue and Customs", ("gov_hmrc_dwp",)),
    Part("tracing", "consumer", "CMS tracing team", ("tracing",)),
    Part("calculation", "consumer", "CMS calculation team", ("calculation",)),
    Part("enforcement", "consumer", "CMS enforcement team", ("enforcement",)),
)

WHERE: Final = Question(
    "tracing",
    BANK,
    "IDENTIFY_TRACE",
    "SI 2008/2551 reg 3(1)(a)",
    ("account", "party", "safe_deposit_box"),
)
HOW_MUCH: Final = Question(
    "calculation",
    BANK,
    "DETERMINE_APPLICATION",
    "SI 2008/2551 reg 4(1)(a)",
    ("account",),
)
EARNED: Final = Question(
    "calculation", HMRC, "CALCULATE", "SI 2008/2551 reg 3(1)(b)", ("earnings",)
)
PAID: Final = Question(
    "calculation",
    EMPLOYER,
    "DETERMINE_APPLICATION",
    "SI 2008/2551 reg 4(1)(a)",
    ("earnings", "employment"),
)
STOOD: Final = Question(
    "calculation",
    BANK,
    "DETERMINE_APPLICATION",
    "SI 2008/2551 reg 4(1)(a)",
    ("balance", "transaction"),
)
OWNED: Final = Question(
    "enforcement",
    BANK,
    "COLLECT_ENFORCE",
    "SI 2008/2551 reg 4(1)(c)",
    ("account", "balance", "transaction", "party"),
)
QUESTIONS: Final = (WHERE, HOW_MUCH, EARNED, PAID, STOOD, OWNED)

# Made up throughout: these are nobody's name and number.
SUBJECT: Final[dict[str, Any]] = {"surname": "Sample", "forenames": "Alex", "nino": "AA000001A"}

SCHEDULE: Final = Sample("schedule.csv", EMPLOYER, None)
SAMPLES: Final = (
    SCHEDULE,
    Sample("schedule.xml", EMPLOYER, None),
    Sample("bank-answer.xml", BANK, WHERE),
    Sample("bank-answer-soap.xml", BANK, HOW_MUCH),
    Sample("rti-income.json", HMRC, EARNED),
    Sample("fps.xml", EMPLOYER, PAID),
    Sample("statement.xml", BANK, STOOD),
    Sample("open-banking.json", BANK, OWNED),
)


def answers(law: Law, day: dt.date) -> list[Answering]:
    """Every class that is in force on a day, with a sample of the first record type it is asked for."""
    found = []
    for slug, item in law.classes.items():
        if law.in_force(slug, day) is not None:
            line = item.sends[0]
            purpose = next(
                purpose
                for purpose in law.purposes.values()
                if line.groups(purpose.use) and purpose.code not in item.barred
            )
            team = next(name for name, feed in law.feeds.items() if feed.use == purpose.use)
            part = Part(f"a-{slug.replace('_', '-')}", "organisation", item.title, (slug,))
            types = (line.record_type,)
            asked = Question(team, part.id, purpose.code, item.ground.citation, types)
            found.append(Answering(slug, part, asked, f"records/{line.record_type}.csv"))
    return found


def copy_samples(directory: Path) -> None:
    """Put the sample files where whoever watches can look at them and send them again."""
    samples = files("schemas") / "samples"
    for folder in ("", "records"):
        (directory / folder).mkdir()
        for source in (samples / folder).iterdir():
            if source.is_file():
                (directory / folder / source.name).write_bytes(source.read_bytes())


def with_a_mistake(schedule: bytes) -> bytes:
    """One row of the sample schedule with an impossible National Insurance number."""
    header, row, *_ = schedule.decode().splitlines()
    cells = row.split(",")
    cells[header.split(",").index("nino")] = "QQ00001"
    due = cells[header.split(",").index("amount_deducted")]
    return "\n".join((header, ",".join(cells), f"TOTAL,1,{due}", "")).encode()
