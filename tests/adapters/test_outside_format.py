"""A format of an outside package: found by its entry point, and taken like ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from adapters.catalogue import OURS, every_adapter
from certs.development import DevelopmentPki
from tests.conftest import House, house_in

PACKAGE = '''
"""Payroll cards: one line for each leaver, "reference;day"."""

from gateway.core.adapter import Adapter
from gateway.core.groups.person import Who
from gateway.core.groups.work import OrderStatus, Work
from gateway.core.records import OrderStatusRecord
from gateway.core.rules import DATE_NOT_VALID
import datetime as dt


def read(body, context):
    with body.open() as stream:
        for row, line in enumerate(stream.read().decode("ascii").splitlines(), start=1):
            reference, _, day = line.partition(";")
            try:
                left = dt.date.fromisoformat(day)
            except ValueError:
                yield DATE_NOT_VALID.broken(row, "day")
                continue
            yield OrderStatusRecord(
                row=row,
                who=Who(cms_reference=reference),
                status=OrderStatus(code="left", on=left),
                work=Work(leave_date=left),
            )


LEAVERS = Adapter(
    name="outside.leavers.v1",
    title="Leavers, as an outside package reads them",
    media_types=("application/vnd.outside.leavers",),
    general_media_types=(),
    provider_classes=frozenset({"employer"}),
    record_types=frozenset({"order_status"}),
    partial=True,
    limit_bytes=1_000_000,
    read=read,
    recognises=lambda head: False,
)
'''


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package as an installer would leave it: a module, and what tells of its entry point."""
    (tmp_path / "outside_leavers.py").write_text(dedent(PACKAGE))
    told = tmp_path / "outside_leavers-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: outside-leavers\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text(
        "[cms_gateway.adapters]\nleavers = outside_leavers:LEAVERS\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    every_adapter.cache_clear()
    yield
    every_adapter.cache_clear()


@pytest.mark.usefixtures("installed")
async def test_a_format_of_an_outside_package_is_taken_like_ours(
    tmp_path: Path, pki: DevelopmentPki
) -> None:
    (tmp_path / "house").mkdir()
    async with house_in(tmp_path / "house", pki) as house:
        assert len(every_adapter()) == len(OURS) + 1
        await _send(house)


async def _send(house: House) -> None:
    body = b"100000000017;2026-10-30\n100000000025;soon\n"
    status, answer, _ = await house.employer.submit(body, "application/vnd.outside.leavers")
    assert status == 201, answer
    assert answer["rows"] == {"accepted": 1, "refused": 1, "nil": 0}
    (record,) = [
        line["record"] for line in await house.enforcement.feed("enforcement") if "record" in line
    ]
    assert record["groups"]["status"]["value"] == {"code": "left", "on": "2026-10-30"}
    status, answer, _ = await house.bank.submit(body, "application/vnd.outside.leavers")
    assert answer["type"].endswith("/class-not-entitled")
