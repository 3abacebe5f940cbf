"""A million-row schedule end to end, as CSV and XML, beside the bare cost of reading it."""

from __future__ import annotations

import csv
import datetime as dt
import time
from pathlib import Path
from typing import Annotated, Literal

import aiohttp
import msgspec
from lxml import etree

from bench.process import served
from bench.small import HEADER, context, token

SCHEMA = Path(__file__).resolve().parent.parent / "schemas/xsd/schedule/deduction-schedule.xsd"
ROW = (
    "E1234567,M,2026-10-01,2026-10-31,2026-10-30,{ref:012d},AA{n:06d}A,Surname{k},Forename{j},"
    "P{n:07d},{due}.00,{net}.40,{due}.00,1.00,,,,\r\n"
)


def write_csv(path: Path, rows: int) -> None:
    """A valid schedule of so many rows."""
    pence = 0
    with path.open("w", newline="") as file:
        file.write(HEADER)
        for n in range(rows):
            due = 50 + n % 200
            pence += due
            file.write(
                ROW.format(
                    ref=n + 1,
                    n=n % 1_000_000,
                    k=n % 5_000,
                    j=n % 700,
                    due=due,
                    net=900 + n % 900,
                )
            )
        file.write(f"TOTAL,{rows},{pence}.00\r\n")


Reference = Annotated[str, msgspec.Meta(pattern="^[0-9]{12}$")]
Nino = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}[0-9]{6}[A-D]$")]


class Row(msgspec.Struct):
    """What the bare readers make of a row: as many checked fields as ours."""

    employer_ref: str
    pay_frequency: Literal["W", "2W", "4W", "M"]
    period_start: dt.date
    period_end: dt.date
    pay_date: dt.date
    employee_cm_ref: Reference
    nino: Nino
    surname: str
    forename: str
    payroll_no: str
    ndr_due: float
    net_earnings: float
    amount_deducted: float
    admin_charge: float
    reason_code: str
    address_1: str
    town: str
    postcode: str


def bare_csv(path: Path) -> float:
    """csv.reader into checked Structs, rows in lists; records a second."""
    began = time.perf_counter()
    count = 0
    with path.open(newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        block: list[dict[str, str]] = []
        for cells in reader:
            block.append(dict(zip(header, cells, strict=False)))
            if len(block) == 1_000:
                count += _checked(block)
                block = []
        count += _checked(block[:-1])
    return count / (time.perf_counter() - began)


def _checked(block: list[dict[str, str]]) -> int:
    return len(msgspec.convert(block, list[Row], strict=False))


def peak_mib(pid: int) -> float:
    """The most memory a process has held, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def children(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for one in found:
        path = Path(f"/proc/{one}/task/{one}/children")
        found += [int(child) for child in path.read_text().split()]
    return found


async def end_to_end(path: Path, media_type: str, directory: Path) -> tuple[float, float]:
    """Submit a file to a fresh gateway and wait for the outcome: records a second, and peak MiB."""
    with served("bench.house", directory) as (gateway, told):
        headers = {
            "Authorization": f"Bearer {await token(told, 'employer')}",
            "Content-Type": media_type,
        }
        url = f"https://localhost:{told['port']}/v1/submissions"
        tls = context(told, "employer")
        peak = 0.0
        timeout = aiohttp.ClientTimeout(total=600)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            began = time.perf_counter()
            with path.open("rb") as file:
                async with session.post(url, data=file, headers=headers, ssl=tls) as response:
                    answer = await response.json()
            assert "state" in answer, answer
            while answer["state"] == "received":
                async with session.get(
                    f"{url}/{answer['id']}",
                    params={"wait": "2"},
                    headers=headers,
                    ssl=tls,
                ) as response:
                    answer = await response.json()
                peak = max(peak, sum(peak_mib(pid) for pid in children(gateway)))
            seconds = time.perf_counter() - began
        assert answer["state"] == "accepted", answer
        return answer["rows"]["accepted"] / seconds, peak


XML_ROW = (
    "<Deduction><PayFrequency>M</PayFrequency><PeriodStart>2026-10-01</PeriodStart>"
    "<PeriodEnd>2026-10-31</PeriodEnd><PayDate>2026-10-30</PayDate>"
    "<EmployeeCMRef>{ref:012d}</EmployeeCMRef><NINO>AA{n:06d}A</NINO><Surname>Surname{k}</Surname>"
    "<Forename>Forename{j}</Forename><PayrollNo>P{n:07d}</PayrollNo><NDRDue>{due}.00</NDRDue>"
    "<NetEarnings>{net}.40</NetEarnings><AmountDeducted>{due}.00</AmountDeducted>"
    "<AdminCharge>1.00</AdminCharge></Deduction>\n"
)
NAMESPACE = "urn:cms-gateway:deduction-schedule:1"


def write_xml(path: Path, rows: int) -> None:
    """The same schedule as XML."""
    pence = sum(50 + n % 200 for n in range(rows))
    with path.open("w") as file:
        file.write(f'<Schedule xmlns="{NAMESPACE}"><Header><Employer>E1234567</Employer>')
        file.write(f"<Rows>{rows}</Rows><Total>{pence}.00</Total></Header>\n")
        for n in range(rows):
            file.write(
                XML_ROW.format(
                    ref=n + 1,
                    n=n % 1_000_000,
                    k=n % 5_000,
                    j=n % 700,
                    due=50 + n % 200,
                    net=900 + n % 900,
                )
            )
        file.write("</Schedule>\n")


class Element(msgspec.Struct):
    """What the bare XML reader makes of a row."""

    PayFrequency: Literal["W", "2W", "4W", "M"]
    PeriodStart: dt.date
    PeriodEnd: dt.date
    PayDate: dt.date
    EmployeeCMRef: Reference
    NINO: Nino
    Surname: str
    Forename: str
    PayrollNo: str
    NDRDue: float
    NetEarnings: float
    AmountDeducted: float
    AdminCharge: float


def bare_xml(path: Path) -> float:
    """lxml streamed with XSD into checked Structs; records a second."""
    schema = etree.XMLSchema(etree.parse(str(SCHEMA)))
    tag = f"{{{NAMESPACE}}}Deduction"
    skip = len(NAMESPACE) + 2
    began = time.perf_counter()
    count = 0
    for _, element in etree.iterparse(str(path), tag=tag, schema=schema):
        msgspec.convert({child.tag[skip:]: child.text for child in element}, Element, strict=False)
        count += 1
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]
    return count / (time.perf_counter() - began)
