"""The question as a bank received it, given back: ISO 20022 auth.001.001.01.

Each search criterion is one `enquiry`, and so is the safe-deposit box that fin.012 adds. A row is
its running number in the message, from 1. The officials named in fin.012 are not read.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from lxml import etree

from adapters.banks import message
from adapters.banks.criterion import Criterion, criteria
from adapters.banks.elements import find, find_all, period, text
from adapters.banks.faults import Faults
from gateway.core.adapter import Adapter, Body, ReadContext
from gateway.core.groups.money import Account
from gateway.core.groups.person import Case
from gateway.core.record import Item
from gateway.core.records import Enquiry


def read(body: Body, context: ReadContext) -> Iterator[Item]:
    """Yield the notes, enquiries and row errors of a question.

    Refuses with what `open_message` refuses.
    """
    opened = message.open_message(body, context, message.AUTH_001)
    question = find(opened.document, "InfReqOpng")
    search = find(opened.document, "InfReqOpng/SchCrit")
    assert question is not None
    assert search is not None
    shared = Faults()
    start, end = period(question, "InvstgtnPrd", shared)
    case = Case(reference=text(question, "InvstgtnId"), period_start=start, period_end=end)
    boxes = map(_added, find_all(question, "SplmtryData/Envlp/*"))
    yield from opened.notes
    rows = itertools.count(1)
    for about in itertools.chain(criteria(search, context.now.date()), boxes):
        if about is None:
            continue
        yield from Faults(shared, about.faults).settle(
            Enquiry(
                row=next(rows),
                case=Case(
                    reference=case.reference,
                    period_start=case.period_start,
                    period_end=case.period_end,
                    asked=about.asked,
                ),
                who=about.who,
                account=about.account,
            ),
        )


def _added(extension: etree._Element) -> Criterion | None:
    """Return the safe-deposit box that an extension adds to what is asked for, if it does."""
    faults = Faults()
    if message.namespace_of(extension) != message.FIN_012:
        faults.add("Envlp", "EXTENSION_UNKNOWN")
        return Criterion(None, None, (), faults)
    box = text(extension, "InfReqFin012/AdditionalSearchCriteria/SafetyDepositBoxId")
    if box is None:
        return None
    return Criterion(None, Account(other=box, kind="safe_deposit_box"), (), faults)


def _recognises(head: bytes) -> bool:
    return message.recognises(head, "auth.001.001.01", "auth.002.001.01")


AUTH_001: Final = Adapter(
    name="iso20022.auth.001.001.01",
    title="Question about accounts and parties, given back (ISO 20022 auth.001.001.01)",
    media_types=("application/vnd.iso20022.auth.001.001.01+xml",),
    general_media_types=("application/xml", "text/xml", "application/soap+xml"),
    provider_classes=frozenset({"deposit_taker"}),
    record_types=frozenset({"enquiry"}),
    partial=True,
    limit_bytes=message.LIMIT_BYTES,
    read=read,
    recognises=_recognises,
    schema="xsd/iso20022/auth.001.001.01.xsd",
)
