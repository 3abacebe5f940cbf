"""Payment schedules as XML: a header with the control totals, and an element for each employee.

Structure, order and lengths are those of `schemas/xsd/schedule/deduction-schedule.xsd`; values are
judged as in CSV. A row is the running number of a Deduction element, from 1, and the field of a row
error is the name of an element.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from importlib import resources
from itertools import repeat
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from lxml import etree
from msgspec.structs import replace

from adapters.employers.columns import BARE, HEAD, RARE, USUAL
from adapters.employers.schedule import Schedule
from gateway.core.adapter import Adapter, Body, ReadContext
from gateway.core.hardened_xml import load_schema, stream
from gateway.core.limits import MIB
from gateway.core.record import Item
from gateway.core.refusal import Reason, Refused

NAMESPACE: Final = "urn:cms-gateway:deduction-schedule:1"
LIMIT_BYTES: Final = 5 * 1024 * MIB

# Columns to elements; the employer stands in the header alone.
ELEMENTS: Final[dict[str, str]] = {
    "pay_frequency": "PayFrequency",
    "period_start": "PeriodStart",
    "period_end": "PeriodEnd",
    "pay_date": "PayDate",
    "employee_cm_ref": "EmployeeCMRef",
    "nino": "NINO",
    "surname": "Surname",
    "forename": "Forename",
    "payroll_no": "PayrollNo",
    "ndr_due": "NDRDue",
    "net_earnings": "NetEarnings",
    "amount_deducted": "AmountDeducted",
    "admin_charge": "AdminCharge",
    "reason_code": "ReasonCode",
    "reason_note": "ReasonNote",
    "left_date": "LeftDate",
    "payment_ref": "PaymentRef",
    "payment_method": "PaymentMethod",
    "payment_date": "PaymentDate",
    "address_1": "Address1",
    "address_2": "Address2",
    "address_3": "Address3",
    "town": "Town",
    "postcode": "Postcode",
}
_FIELDS: Final = ELEMENTS | {"employer_ref": "Employer"}

_SCHEMA: Final = "xsd/schedule/deduction-schedule.xsd"
_SCHEDULE: Final = f"{{{NAMESPACE}}}Schedule"
_HEADER: Final = f"{{{NAMESPACE}}}Header"
_DEDUCTION: Final = f"{{{NAMESPACE}}}Deduction"
_STREAMED: Final = (_SCHEDULE, _HEADER, _DEDUCTION)

# The tags of each part of a row; the schema demands those of the head.
_head = itemgetter(*(f"{{{NAMESPACE}}}{ELEMENTS[column]}" for column in HEAD[1:]))
_USUAL: Final = tuple(f"{{{NAMESPACE}}}{ELEMENTS[column]}" for column in USUAL)
_RARE: Final = tuple(f"{{{NAMESPACE}}}{ELEMENTS[column]}" for column in RARE)
_BLANKS: Final = repeat("")

# What may stand before the root element, and the root element itself. The quantifiers are possessive:
# with others, a run of comments could be tried in more ways than there is time.
_PROLOG: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s++|<\?.*?\?>|<!--.*?-->)*+"
    rb"<(?:[A-Za-z_][\w.-]*:)?Schedule\s[^>]*[\"']" + NAMESPACE.encode() + rb"[\"']",
    re.DOTALL,
)

_compiled = threading.local()


def read(body: Body, context: ReadContext) -> Iterator[Item]:
    """Read a schedule; memory does not grow with it.

    Refuses with what `hardened_xml.stream` refuses, and for what spoils the whole file.
    """
    schedule = Schedule(context)
    judge = schedule.row
    employer = rows = total = ""
    number = 0
    whole = False
    with body.open() as source:
        for element in stream(source, _STREAMED, _schema(), limit_bytes=LIMIT_BYTES):
            # Seen here because a parser that validates takes a file cut off between rows for whole.
            if element.tag == _SCHEDULE:
                whole = True
                continue
            texts = {child.tag: child.text or "" for child in element}
            if element.tag == _HEADER:
                employer, rows, total = texts.values()
                continue
            number += 1
            usual = tuple(map(texts.get, _USUAL, _BLANKS))
            # Where no more elements are there than the head and the usual ones, none is a rare one.
            bare = len(texts) == len(HEAD) - 1 + len(USUAL) - usual.count("")
            rare = BARE if bare else tuple(map(texts.get, _RARE, _BLANKS))
            found = judge(number, (employer, *_head(texts)), usual, rare)
            if isinstance(found, list):
                yield from (replace(error, field=_FIELDS[error.field]) for error in found)
            else:
                yield found
    if not whole:
        raise Refused(Reason.XML_NOT_WELL_FORMED, "The document ends inside the element Schedule.")
    yield from schedule.end(rows, total)


def _schema() -> etree.XMLSchema:
    """Our schema, compiled once in each thread that reads."""
    known: dict[str, Any] = vars(_compiled)
    if _SCHEMA not in known:
        known[_SCHEMA] = load_schema(Path(str(resources.files("schemas"))) / _SCHEMA)
    schema: etree.XMLSchema = known[_SCHEMA]
    return schema


def _recognises(head: bytes) -> bool:
    return _PROLOG.match(head) is not None


SCHEDULE_XML: Final = Adapter(
    name="deduction-schedule.xml.v1",
    title="Payment schedule for deductions from earnings, as XML",
    media_types=("application/vnd.cms-gateway.deduction-schedule+xml",),
    general_media_types=("application/xml", "text/xml"),
    provider_classes=frozenset({"employer", "occupational_pension"}),
    record_types=frozenset({"deduction", "nil_return"}),
    partial=True,
    limit_bytes=LIMIT_BYTES,
    read=read,
    recognises=_recognises,
    schema=_SCHEMA,
)
