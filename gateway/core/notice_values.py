"""What stands in a notice where its template has a placeholder; nothing about the person concerned.

Only an order that goes by post says whom it is about and what to deduct: there it is the order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from gateway.core.correspondent import Language
from gateway.core.notices import Value, written_day

_NONE_NEEDED: Final[dict[Language, str]] = {
    "en": "not needed, sign in to your account",
    "cy": "dim angen, mewngofnodwch i'ch cyfrif",
}
_UNTIL: Final[dict[Language, str]] = {"en": "works until", "cy": "yn gweithio tan"}
_IN_ACCOUNT: Final[dict[Language, str]] = {
    "en": "it waits for you online",
    "cy": "mae'n aros amdanoch ar-lein",
}
_WORDS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "order": "order", "start": "from", "first": "first on", "every": "every", "on": "from",
        "weekly_pence": "weekly", "two_weekly_pence": "every 2 weeks",
        "four_weekly_pence": "every 4 weeks", "monthly_pence": "monthly", "amount_pence": "amount",
        "account": "account", "surname": "surname", "forenames": "forenames", "name": "name",
        "date_of_birth": "born", "nino": "National Insurance number",
        "payroll_number": "payroll number", "cms_reference": "reference",
    },
    "cy": {
        "order": "gorchymyn", "start": "o", "first": "yn gyntaf ar", "every": "bob", "on": "o",
        "weekly_pence": "yn wythnosol", "two_weekly_pence": "bob 2 wythnos",
        "four_weekly_pence": "bob 4 wythnos", "monthly_pence": "yn fisol", "amount_pence": "swm",
        "account": "cyfrif", "surname": "cyfenw", "forenames": "enwau cyntaf", "name": "enw",
        "date_of_birth": "ganwyd", "nino": "rhif Yswiriant Gwladol",
        "payroll_number": "rhif cyflogres", "cms_reference": "cyfeirnod",
    },
}  # fmt: skip


class About(NamedTuple):
    """What a notice about a request is made of."""

    reference: str
    law: str
    due: dt.date
    tell_by: dt.date
    terms: Mapping[str, Any] | None
    subject: Mapping[str, Any] | None


class Code(NamedTuple):
    """An access code in a notice, and the last day it works."""

    text: str
    expires: dt.date


def values_of(
    about: About | None,
    language: Language,
    code: Code | None,
    issuer: str,
    contact: str,
    *,
    by_post: bool,
) -> dict[str, Value]:
    """The values of every placeholder that a request can give; each template takes what it asks for."""
    values: dict[str, Value] = {
        "contact": contact,
        "settings_link": f"{issuer}/answer",
        "code_link": f"{issuer}/answer",
    }
    if about is None:
        return values
    link = f"{issuer}/answer"
    day = written_day(about.due, language)
    values |= {
        "reference": about.reference,
        "law": about.law,
        "due_date": day,
        "comply_by": day,
        "report_by": day,
        "tell_by": written_day(about.tell_by, language),
        "answer_link": link,
        "order_link": link,
        "code": _NONE_NEEDED[language],
        "code_expires": day,
        "order_terms": _IN_ACCOUNT[language],
    }
    if about.terms is not None:
        if "on" in about.terms:
            values["stop_on"] = written_day(dt.date.fromisoformat(about.terms["on"]), language)
        if by_post:
            values["order_terms"] = _said({**(about.subject or {}), **about.terms}, language)
    if code is not None:
        until = written_day(code.expires, language)
        values |= {"code": code.text, "code_expires": until}
        values["open_with"] = f"{code.text}, {_UNTIL[language]} {until}"
    else:
        values["open_with"] = _NONE_NEEDED[language]
    return values


def _said(facts: Mapping[str, Any], language: Language) -> str:
    """The terms of an order, in a line."""
    words = _WORDS[language]
    parts = []
    for name, label in words.items():
        value = facts.get(name)
        if value is None:
            continue
        if name.endswith("_pence"):
            parts.append(f"{label} £{value // 100}.{value % 100:02d}")
        elif name in {"start", "first", "on", "date_of_birth"}:
            parts.append(f"{label} {written_day(dt.date.fromisoformat(str(value)), language)}")
        else:
            parts.append(f"{label} {value}")
    return ", ".join(parts)
