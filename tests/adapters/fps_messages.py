"""Full Payment Submissions written from a few values, with an IRmark made another way than ours."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from xml.sax.saxutils import escape

from lxml import etree

from adapters.employers.fps import FPS
from gateway.core.adapter import ReadContext
from gateway.core.record import Item, Note, Record, RowError
from gateway.core.stages import MemoryBody

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
MARK = "MARKED7431"
GOVTALK = "http://www.govtalk.gov.uk/CM/envelope"
FPS_NAMESPACE = "http://www.govtalk.gov.uk/taxation/PAYE/RTI/FullPaymentSubmission/26-27/1"

KEYS = (
    '<Keys><Key Type="TaxOfficeNumber">123</Key><Key Type="TaxOfficeReference">EX456</Key></Keys>'
)
HEADER = (
    "<Header><MessageDetails><Class>HMRC-PAYE-RTI-FPS</Class><Qualifier>request</Qualifier>"
    "<Function>submit</Function></MessageDetails><SenderDetails/></Header>"
)


def part(name: str, **texts: str) -> str:
    """An element with children of these texts, which are escaped."""
    inner = "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in texts.items())
    return f"<{name}>{inner}</{name}>"


DETAILS = (
    f"<EmployeeDetails><NINO>AA000001A</NINO>{part('Name', Fore='Alex', Sur='Sample')}"
    "<BirthDate>1988-02-29</BirthDate><Gender>F</Gender></EmployeeDetails>"
)
PAID = part("Payment", PayFreq="M1", PmtDate="2026-10-30", TaxablePay="1450.00")
EMPLOYEE = f"<Employee>{DETAILS}<Employment><PayId>17</PayId>{PAID}</Employment></Employee>"


def body_of(*employees: str, year: str = "26-27", irmark: str = "<IRmark/>") -> str:
    """A Body with these employees."""
    return (
        f'<Body>\n <IRenvelope xmlns="{FPS_NAMESPACE}">\n  <IRheader>{KEYS}'
        f"<PeriodEnd>2027-04-05</PeriodEnd>\n {irmark}\n <Sender>Employer</Sender></IRheader>\n"
        f"  <FullPaymentSubmission><EmpRefs><OfficeNo>123</OfficeNo><PayeRef>EX456</PayeRef>"
        f"</EmpRefs><RelatedTaxYear>{year}</RelatedTaxYear>\n   "
        + "\n   ".join(employees)
        + "\n  </FullPaymentSubmission>\n </IRenvelope>\n</Body>"
    )


def envelope(body: str, header: str = HEADER, declared: str = "") -> str:
    """A whole message."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<GovTalkMessage xmlns="{GOVTALK}"{declared}>'
        f"<EnvelopeVersion>2.0</EnvelopeVersion>{header}<GovTalkDetails>{KEYS}</GovTalkDetails>"
        f"{body}</GovTalkMessage>"
    )


def fps(*employees: str) -> str:
    """A message without an IRmark."""
    return envelope(body_of(*(employees or (EMPLOYEE,))))


def irmark_of(body: str, declared: str = "") -> str:
    """The IRmark of a Body: cut out as text, given its namespaces, put into canonical form whole."""
    alone = body.replace("<Body>", f'<Body xmlns="{GOVTALK}"{declared}>', 1)
    alone = re.sub(r"<IRmark[^>]*(?:/>|>.*?</IRmark>)", "", alone, flags=re.DOTALL)
    parser = etree.XMLParser(remove_comments=True)
    canonical = etree.tostring(etree.fromstring(alone.encode(), parser), method="c14n")
    return base64.b64encode(hashlib.sha1(canonical, usedforsecurity=False).digest()).decode()


def marked(*employees: str, declared: str = "") -> str:
    """A message with its IRmark."""
    body = body_of(*(employees or (EMPLOYEE,)))
    mark = f'<IRmark Type="generic">{irmark_of(body, declared)}</IRmark>'
    return envelope(body.replace("<IRmark/>", mark), declared=declared)


def read(content: str | bytes) -> list[Item]:
    data = content if isinstance(content, bytes) else content.encode()
    return list(FPS.read(MemoryBody(data), ReadContext(now=NOW)))


def records(items: list[Item]) -> list[Record]:
    return [item for item in items if isinstance(item, Record)]


def told(items: list[Item]) -> list[tuple[int, str, str]]:
    return [(item.row, item.field, item.code) for item in items if isinstance(item, RowError)]


def notes(items: list[Item]) -> list[str]:
    return [item.code for item in items if isinstance(item, Note)]
