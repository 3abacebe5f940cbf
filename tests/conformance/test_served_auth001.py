"""Requests as banks fetch them, against the official schemas that no one here wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lxml import etree

from certs import development
from gateway.config import Signing
from gateway.wiring import clock
from tests.conftest import REFERENCE, House, house_in

XSD = REFERENCE / "iso20022" / "xsd"
TYPE = "application/vnd.iso20022.auth.001.001.01+xml"
HEAD = "{urn:iso:std:iso:20022:tech:xsd:head.001.001.01}"
AUTH = "{urn:iso:std:iso:20022:tech:xsd:auth.001.001.01}"

pytestmark = pytest.mark.skipif(
    not XSD.exists(), reason="the reference schemas are not beside the project"
)


@pytest.fixture
async def house(tmp_path: Path, pki: development.DevelopmentPki) -> AsyncIterator[House]:
    signer = development.message_signer(pki, now=clock())
    signing = Signing(certificate=signer.certificate, key=signer.key)
    names = ("bank", "employer", "tracing", "calculation", "enforcement")
    async with house_in(tmp_path, pki, names=names, signing=signing) as opened:
        yield opened


@pytest.mark.parametrize(
    ("consumer", "types"),
    [
        ("tracing", ("account",)),
        ("tracing", ("account", "party", "safe_deposit_box")),
        ("calculation", ("account", "balance", "transaction")),
        ("enforcement", ("account", "balance", "transaction", "party", "safe_deposit_box")),
    ],
)
async def test_a_question_is_valid_against_the_official_schemas(
    house: House, consumer: str, types: tuple[str, ...]
) -> None:
    subject = {
        "surname": "O'Sample",
        "forenames": "Siân",
        "date_of_birth": "1990-02-28",
        "nino": "AA000001A",
    }
    asked = await house.ask(consumer, "bank", *types, subject=subject, reference="CASE-1")
    status, message, headers = await house.bank.call(
        "GET", f"/v1/requests/{asked}", headers={"Accept": TYPE}
    )
    assert (status, headers["Content-Type"]) == (200, TYPE)
    root = etree.fromstring(message)
    for name, file in ((f"{HEAD}AppHdr", "head.001"), (f"{AUTH}Document", "auth.001")):
        schema = etree.XMLSchema(etree.parse(XSD / f"{file}.001.01.xsd"))
        (part,) = root.iter(name)
        assert schema.validate(part), schema.error_log
    assert asked.encode() in message


async def test_what_iso_20022_cannot_ask_is_offered_as_json(house: House) -> None:
    asked = await house.ask("tracing", "employer", "employment")
    path = f"/v1/requests/{asked}"
    status, told, _ = await house.employer.call("GET", path, headers={"Accept": TYPE})
    assert (status, told["type"].rsplit("/", 1)[1]) == (406, "not-offered")
