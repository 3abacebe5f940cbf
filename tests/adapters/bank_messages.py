"""An answer of a bank to start from, ways to change it, and what reading it gives."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from pathlib import Path

from lxml import etree

from adapters.banks.auth002 import AUTH_002
from adapters.banks.message import AUTH_002 as ANSWER
from adapters.banks.message import DISPUTED, SUPL_027
from gateway.core.adapter import ReadContext
from gateway.core.record import Item, Record, RowError

REPOSITORY = Path(__file__).parents[2]
SAMPLES = REPOSITORY / "schemas" / "samples"
NOW = dt.datetime(2026, 10, 5, 12, tzinfo=dt.UTC)
MARK = "MARKED7431"

Change = Callable[[etree._Element], object]

DISPUTE = f"""<Document xmlns="{DISPUTED[1:-1]}"><Disputed>
  <DisputedEntityId><Id>AA000003C</Id><Code>NINO</Code></DisputedEntityId>
  <DisputedEntityId><Id>00000000</Id><Code>COID</Code></DisputedEntityId>
  <FinancialInstitutionId><Id>EXAMPLE</Id><Code>Y</Code></FinancialInstitutionId>
</Disputed></Document>"""


class Bytes:
    def __init__(self, content: bytes) -> None:
        self.content = content

    @property
    def size(self) -> int:
        return len(self.content)

    def open(self) -> io.BytesIO:
        return io.BytesIO(self.content)


def read(content: bytes | etree._Element) -> list[Item]:
    given = content if isinstance(content, bytes) else etree.tostring(content)
    return list(AUTH_002.read(Bytes(given), ReadContext(now=NOW)))


def records(items: list[Item]) -> list[Record]:
    return [item for item in items if isinstance(item, Record)]


def errors(items: list[Item]) -> list[tuple[int, str, str]]:
    return [(item.row, item.field, item.code) for item in items if isinstance(item, RowError)]


def sample() -> etree._Element:
    return etree.parse(SAMPLES / "bank-answer.xml").getroot()


def first(root: etree._Element, path: str) -> etree._Element:
    found = root.find(path)
    assert found is not None, path
    return found


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def text(path: str, value: str) -> Change:
    def change(root: etree._Element) -> None:
        first(root, path).text = value

    return change


def supplement(root: etree._Element, content: str) -> etree._Element:
    extra = etree.SubElement(first(root, f".//{ANSWER}InfReqRspn"), f"{ANSWER}SplmtryData")
    etree.SubElement(extra, f"{ANSWER}Envlp").append(etree.fromstring(content))
    return root


def other_account(root: etree._Element, value: str, scheme: str = "") -> etree._Element:
    names = first(root, f".//{SUPL_027}Acct/{SUPL_027}Id")
    names.clear()
    other = etree.SubElement(names, f"{SUPL_027}Othr")
    etree.SubElement(other, f"{SUPL_027}Id").text = value
    if scheme:
        name = etree.SubElement(other, f"{SUPL_027}SchmeNm")
        kind = "Cd" if len(scheme) <= 4 else "Prtry"
        etree.SubElement(name, f"{SUPL_027}{kind}").text = scheme
    return root


def set_identifier(
    root: etree._Element, value: str, scheme: str, *, code: bool, issuer: str = ""
) -> etree._Element:
    """Give the first holder one identifier in this scheme."""
    other = first(root, f".//{SUPL_027}PrvtId/{SUPL_027}Othr")
    other.clear()
    etree.SubElement(other, f"{SUPL_027}Id").text = value
    name = etree.SubElement(other, f"{SUPL_027}SchmeNm")
    etree.SubElement(name, f"{SUPL_027}{'Cd' if code else 'Prtry'}").text = scheme
    if issuer:
        etree.SubElement(other, f"{SUPL_027}Issr").text = issuer
    return root
