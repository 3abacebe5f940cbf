"""Money and texts of statements, exactly; and the rules that a row of a statement can break.

Every amount is kept in hundredths of its currency, whatever its currency is. One that has more
decimals than its currency, or than two, is an error and is never rounded.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final

from adapters.banks.faults import RULES, Faults, Rule
from adapters.syntax.one_line import is_line
from gateway.core.groups.group import PENCE_MOST
from gateway.core.limits import CELL_CHARS

STERLING: Final = "GBP"

# Currencies that have no smaller unit (ISO 4217, minor unit 0).
_WHOLE: Final = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND"}
    | {"VUV", "XAF", "XOF", "XPF"},
)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
# xs:decimal without a minus: at most 18 digits in ISO 20022, and 13 and 5 in Open Banking.
_AMOUNT: Final = re.compile(r"\+?([0-9]{1,18})(?:\.([0-9]{0,17}))?", re.ASCII)


class StatementFaults(Faults):
    """What is wrong with one row of a statement."""

    __slots__ = ()

    rules: ClassVar[dict[str, Rule]] = RULES | {
        "AMOUNT_NOT_VALID": Rule(
            "The amount is not a decimal number of nought or more.",
            "Send digits with a point, without a sign; which way it went stands beside it.",
        ),
        "AMOUNT_DECIMALS": Rule(
            "The amount has more decimals than its currency, or than two.",
            "Send the amount in the units of its currency; it is never rounded here.",
        ),
        "CURRENCY_NOT_VALID": Rule(
            "The currency is not a code of three letters.",
            "Send the code of ISO 4217, as in GBP.",
        ),
        "CODE_NOT_KNOWN": Rule(
            "The code is not one of those that the standard lists.",
            "Send the code as the standard writes it.",
        ),
        "TEXT_NOT_VALID": Rule(
            "The text is too long, or holds control characters or marks that turn its direction.",
            "Take them out.",
        ),
        "TYPE_NOT_VALID": Rule(
            "The member is not of the type that the standard gives it.",
            "Send it as the standard has it: an object, a list, a text, true or false.",
        ),
        "ROW_NOT_OBJECT": Rule(
            "The item of the list is not a JSON object.",
            "Send each item as an object with the members of the standard.",
        ),
        "ITEM_REPEATED": Rule(
            "The same account or transaction is in the body twice.",
            "Leave one of them out; a transaction that is counted twice is wrong.",
        ),
        "VALUE_MISSING": Rule("A value that is needed is missing.", "Fill it in."),
    }


def hundredths(sent: str | None, currency: str | None, field: str, faults: Faults) -> int | None:
    """An amount in hundredths of its currency, exactly; nothing, with a fault, where it is none."""
    if not sent:
        faults.add(field, "VALUE_MISSING")
        return None
    parts = _AMOUNT.fullmatch(sent)
    if parts is None:
        faults.add(field, "AMOUNT_NOT_VALID")
        return None
    fraction = (parts[2] or "").rstrip("0")
    if len(fraction) > (0 if currency in _WHOLE else 2):
        faults.add(field, "AMOUNT_DECIMALS")
        return None
    amount = int(parts[1]) * 100 + int(fraction.ljust(2, "0"))
    if amount > PENCE_MOST:
        faults.add(field, "AMOUNT_TOO_LARGE")
        return None
    return amount


def currency_of(sent: str | None, field: str, faults: Faults) -> str | None:
    """A currency's code; nothing, with a fault, where there is none."""
    if sent is None or _CURRENCY.fullmatch(sent) is None:
        faults.add(field, "CURRENCY_NOT_VALID" if sent else "VALUE_MISSING")
        return None
    return sent


def line_of(sent: str | None, field: str, faults: Faults) -> str | None:
    """A text on one line, its line breaks and runs of spaces made into single spaces."""
    text = " ".join((sent or "").split())
    if not is_line(text, CELL_CHARS):
        faults.add(field, "TEXT_NOT_VALID")
        return None
    return text or None
