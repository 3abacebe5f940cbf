"""What is asked lies beside where it is answered, for organisations that come by SFTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from adapters.banks.auth001 import AUTH_001
from certs import development
from gateway.config import Signing
from gateway.core.adapter import ReadContext
from gateway.core.stages import MemoryBody
from gateway.edge.client_certificate import der_of
from gateway.wiring import clock
from tests.conftest import SAMPLES, House
from tests.edge.sftp_client import put, registered, session, sftp_house


@pytest.fixture
async def house(tmp_path: Path, pki: development.DevelopmentPki) -> AsyncIterator[House]:
    signer = development.message_signer(pki, now=clock())
    signing = Signing(certificate=signer.certificate, key=signer.key)
    async with sftp_house(tmp_path, pki, signing=signing) as opened:
        yield opened


async def test_a_bank_reads_its_question_and_puts_the_answer_beside_it(house: House) -> None:
    asked = await house.ask("tracing", "bank", "account", "party", "safe_deposit_box")
    async with session(house, "bank", await registered(house, "bank")) as sftp:
        folder = f"/inbox/{asked}"
        assert {"request.json", "request.xml"} <= set(await sftp.listdir(folder))
        told = json.loads(await (await sftp.open(f"{folder}/request.json", "rb")).read())
        assert (told["id"], told["state"]) == (asked, "issued")
        assert told["subject"] == {"kind": "person", "nino": "AA000001A", "surname": "Example"}
        message = await (await sftp.open(f"{folder}/request.xml", "rb")).read()
        assert (await sftp.stat(f"{folder}/request.xml")).size == len(message)
        signer = development.message_signer(house.pki, now=clock()).certificate
        items = list(AUTH_001.read(MemoryBody(message), ReadContext(clock(), (_der(signer),))))
        (enquiry,) = [item for item in items if getattr(item, "type_name", "") == "enquiry"]
        assert (enquiry.case.reference, enquiry.who.nino) == (asked, "AA000001A")
        assert "SIGNATURE_VALID" in {getattr(item, "code", "") for item in items}
        await put(sftp, f"{folder}/answer.xml", (SAMPLES / "bank-answer.xml").read_bytes())
    assert house.gateway.store.requests.request(asked).state == "answered"


async def test_nothing_is_written_over_what_is_asked(house: House) -> None:
    asked = await house.ask("tracing", "bank", "account")
    async with session(house, "bank", await registered(house, "bank")) as sftp:
        for name in ("request.json", "request.xml"):
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await put(sftp, f"/inbox/{asked}/{name}", b"mine")
            with pytest.raises(asyncssh.SFTPError):
                await sftp.remove(f"/inbox/{asked}/{name}")


async def test_nobody_reads_anothers_question(house: House) -> None:
    asked = await house.ask("tracing", "bank", "account")
    async with session(house, "employer", await registered(house, "employer")) as sftp:
        assert asked not in await sftp.listdir("/inbox")
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await sftp.stat(f"/inbox/{asked}/request.json")


def _der(path: Path) -> bytes:
    return der_of(path.read_bytes())
