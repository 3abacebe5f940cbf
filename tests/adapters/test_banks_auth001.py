"""Questions as banks received them: one enquiry for each criterion."""

from __future__ import annotations

import datetime as dt

import pytest

from adapters.banks.auth001 import AUTH_001
from adapters.banks.auth002 import AUTH_002
from adapters.banks.message import AUTH_001 as QUESTION
from adapters.banks.message import FIN_012
from gateway.core.adapter import ReadContext
from gateway.core.groups.money import Account
from gateway.core.record import Item, Note, RowError
from gateway.core.records import Enquiry
from gateway.core.refusal import Reason, Refused
from tests.adapters.bank_messages import NOW, Bytes

ACCOUNT = """<Acct><Id><Id><IBAN>GB45EXPL00000000001234</IBAN></Id></Id>
  <InvstgtdPties><Cd>ALLP</Cd></InvstgtdPties>
  <AuthrtyReqTp><MsgNmId>supl.027.001.01</MsgNmId></AuthrtyReqTp>
  <AuthrtyReqTp><MsgNmId>fin.002.001.03</MsgNmId></AuthrtyReqTp></Acct>"""
CUSTOMER = """<CstmrId><Pty><Nm>Alex Sample</Nm><Id><PrvtId><Othr><Id>AA000001A</Id>
  <SchmeNm><Prtry>NINO</Prtry></SchmeNm></Othr></PrvtId></Id></Pty>
  <AuthrtyReq><Tp><MsgNmId>supl.027.001.01</MsgNmId></Tp>
  <InvstgtdRoles><Cd>OWNE</Cd></InvstgtdRoles></AuthrtyReq></CstmrId>"""
CARD = """<PmtInstrm><CardNb>0000000000000000</CardNb>
  <AuthrtyReqTp><MsgNmId>supl.027.001.01</MsgNmId></AuthrtyReqTp></PmtInstrm>"""
TRANSACTIONS = """<OrgnlTxNb><Nb>TX-1</Nb><Tp>DTTX</Tp></OrgnlTxNb>
  <OrgnlTxNb><Nb>TX-2</Nb><Tp>DTTX</Tp><Tp>OREC</Tp></OrgnlTxNb>"""
OFFICIALS = f"""<Document xmlns="{FIN_012[1:-1]}"><InfReqFin012>
  <AuthorityInquiry><OfficialId>MARKED-A</OfficialId>
  <OfficialSuperiorId>MARKED-B</OfficialSuperiorId></AuthorityInquiry>{{}}
  </InfReqFin012></Document>"""
BOX = OFFICIALS.format(
    "<AdditionalSearchCriteria><SafetyDepositBoxId>BOX-1</SafetyDepositBoxId>"
    "</AdditionalSearchCriteria>"
)
DATES = "<Dt><FrDt>2026-04-06</FrDt><ToDt>2026-10-04</ToDt></Dt>"
INSTANTS = (
    "<DtTm><FrDtTm>2026-04-06T00:00:00Z</FrDtTm><ToDtTm>2026-10-04T23:59:59+01:00</ToDtTm></DtTm>"
)


def question(criterion: str, *extensions: str, period: str = DATES) -> bytes:
    envelopes = "".join(
        f"<SplmtryData><Envlp>{extension}</Envlp></SplmtryData>" for extension in extensions
    )
    return f"""<Document xmlns="{QUESTION[1:-1]}"><InfReqOpng>
      <InvstgtnId>EXAMPLE-REQUEST-0001</InvstgtnId>
      <LglMndtBsis><Prgrph>EXAMPLE</Prgrph></LglMndtBsis><CnfdtltySts>true</CnfdtltySts>
      <InvstgtnPrd>{period}</InvstgtnPrd><SchCrit>{criterion}</SchCrit>{envelopes}
      </InfReqOpng></Document>""".encode()


def read(content: bytes) -> list[Item]:
    note, *items = AUTH_001.read(Bytes(content), ReadContext(now=NOW))
    assert isinstance(note, Note)
    assert note.code == "SIGNATURE_ABSENT"
    return items


def enquiries(content: bytes) -> list[Enquiry]:
    items = read(content)
    assert all(isinstance(item, Enquiry) for item in items)
    return [item for item in items if isinstance(item, Enquiry)]


def test_an_account_is_one_enquiry() -> None:
    (enquiry,) = enquiries(question(ACCOUNT))
    assert enquiry.row == 1
    assert enquiry.case.reference == "EXAMPLE-REQUEST-0001"
    assert enquiry.case.asked == ("supl.027.001.01", "fin.002.001.03")
    assert enquiry.account == Account(
        iban="GB45EXPL00000000001234", sort_code="000000", number="00001234"
    )
    assert enquiry.who is None


def test_a_customer_is_one_enquiry() -> None:
    (enquiry,) = enquiries(question(CUSTOMER))
    assert enquiry.who is not None
    assert (enquiry.who.name, enquiry.who.nino) == ("Alex Sample", "AA000001A")
    assert enquiry.account is None


def test_a_card_is_one_enquiry() -> None:
    (enquiry,) = enquiries(question(CARD))
    assert enquiry.account == Account(other="0000000000000000", kind="card")


def test_transactions_are_an_enquiry_each() -> None:
    one, other = enquiries(question(TRANSACTIONS))
    assert (one.row, other.row) == (1, 2)
    assert one.account == Account(other="TX-1", kind="transaction")
    assert other.case.asked == ("DTTX", "OREC")


@pytest.mark.parametrize("period", [DATES, INSTANTS])
def test_the_period_is_two_days(period: str) -> None:
    (enquiry,) = enquiries(question(ACCOUNT, period=period))
    assert enquiry.case.period_start == dt.date(2026, 4, 6)
    assert enquiry.case.period_end == dt.date(2026, 10, 4)


def test_a_box_to_look_for_is_an_enquiry_more_and_officials_are_not_read() -> None:
    customer, box = enquiries(question(CUSTOMER, BOX))
    assert (customer.row, box.row) == (1, 2)
    assert box.account == Account(other="BOX-1", kind="safe_deposit_box")
    assert "MARKED" not in repr((customer, box))
    assert len(enquiries(question(CUSTOMER, OFFICIALS.format("")))) == 1


@pytest.mark.parametrize(
    ("content", "row", "code"),
    [
        (question(CUSTOMER.replace("AA0", "QQ0")), 1, "NINO_NOT_VALID"),
        (question(ACCOUNT.replace("GB45", "GB46")), 1, "IBAN_NOT_VALID"),
        (question(ACCOUNT, period=DATES.replace("2026-10", "2025-10")), 1, "PERIOD_REVERSED"),
        (question(ACCOUNT, '<Document xmlns="urn:x"/>'), 2, "EXTENSION_UNKNOWN"),
    ],
)
def test_a_bad_criterion_is_told(content: bytes, row: int, code: str) -> None:
    errors = [item for item in read(content) if isinstance(item, RowError)]
    assert [(error.row, error.code) for error in errors] == [(row, code)]


def test_an_answer_is_no_question() -> None:
    content = question(ACCOUNT)
    assert AUTH_001.recognises(content)
    assert not AUTH_002.recognises(content)
    with pytest.raises(Refused) as refused:
        list(AUTH_002.read(Bytes(content), ReadContext(now=NOW)))
    assert refused.value.reason is Reason.XML_NOT_VALID
