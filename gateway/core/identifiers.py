"""Identifiers of people, accounts and employers: each function returns the canonical form.

Every function takes a text and returns it in its one canonical form, or raises `IdentifierError`
with a stable code. Surrounding and inner spaces and lower case are forgiven; nothing else is, and
nothing is guessed. The canonical form comes first, since a file has a million of them.
Only ASCII is read: some other letters turn into A to Z when put into upper case.
"""

from __future__ import annotations

import re
from typing import Final, NoReturn

from stdnum import iban as _iban
from stdnum import isin as _isin
from stdnum.exceptions import ValidationError

# HMRC's National Insurance Manual, NIM39110: D, F, I, Q, U and V are neither first nor second
# letter, O is not the second; the prefixes below are not used; the suffix is A, B, C or D.
NINO_PREFIXES_NOT_USED: Final = ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")

# TN stood for "temporary number" and was followed by a date of birth and M or F.
_NINO_TEMPORARY: Final = re.compile(r"TN[0-9]{6}[A-DFMP]?")
_NINO: Final = re.compile(
    f"(?!{'|'.join(NINO_PREFIXES_NOT_USED)})"
    r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]?",
)
_NINO_SHAPE: Final = re.compile(r"[A-Z]{2}[0-9]{6}[A-Z]?")
_SORT_CODE: Final = re.compile(r"[0-9]{6}")
_SORT_CODE_PARTED: Final = re.compile(r"([0-9]{2})[- ]([0-9]{2})[- ]([0-9]{2})")
_ACCOUNT_NUMBER: Final = re.compile(r"[0-9]{8}")
# BS 7666: which letters stand where in the outward code, and in the inward one.
_POSTCODE: Final = re.compile(
    r"((?:[A-PR-UWYZ](?:[0-9]{1,2}|[0-9][A-HJKPSTUW]|[A-HK-Y][0-9]{1,2}|[A-HK-Y][0-9][ABEHMNPRVWXY]))"
    r"|GIR)([0-9][ABD-HJLNP-UW-Z]{2})",
)
# HMRC RTI schemas: a tax office number of three digits, and the employer's own reference.
_PAYE_REFERENCE: Final = re.compile(r"[0-9]{3}/[A-Z0-9]{1,10}")
_CMS_REFERENCE: Final = re.compile(r"[0-9]{12}")
_IBAN_SHAPE: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}")
_ISIN_SHAPE: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")
# Marks of any age, with or without a year letter, and those of Northern Ireland.
_REGISTRATION: Final = re.compile(r"(?=.*[0-9])[A-Z0-9]{2,7}")
_TAX_YEAR: Final = re.compile(r"([0-9]{4})[-/](?:[0-9]{2})?([0-9]{2})")


class IdentifierError(ValueError):
    """A text that is not the identifier it should be; `code` is stable, the text is not kept."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def nino(text: str) -> str:
    """Return a National Insurance number: two letters, six digits and, if sent, the suffix.

    The suffix may be missing, because HMRC's RTI schemas let employers leave it blank and the
    first eight characters already say who; it is never filled in. A temporary number (TN and a
    date of birth) is refused as NINO_TEMPORARY, since it says nothing that the date does not.
    Anything else is NINO_NOT_VALID.
    """
    if _NINO.fullmatch(text):
        return text
    plain = _plain(text, "NINO_NOT_VALID")
    if not _NINO.fullmatch(plain):
        _refuse("NINO_TEMPORARY" if _NINO_TEMPORARY.fullmatch(plain) else "NINO_NOT_VALID")
    return plain


def looks_like_nino(text: str) -> bool:
    """Tell whether a text has the shape of a National Insurance number, valid or not."""
    return text.isascii() and _NINO_SHAPE.fullmatch(text.replace(" ", "").upper()) is not None


def sort_code(text: str) -> str:
    """Return six digits, from six digits or from NN-NN-NN; else SORT_CODE_NOT_VALID."""
    if _SORT_CODE.fullmatch(text):
        return text
    trimmed = text.strip()
    if _SORT_CODE.fullmatch(trimmed):
        return trimmed
    parts = _SORT_CODE_PARTED.fullmatch(trimmed)
    if parts is None:
        _refuse("SORT_CODE_NOT_VALID")
    return "".join(parts.groups())


def account_number(text: str) -> str:
    """Return the eight digits of a UK account number; else ACCOUNT_NUMBER_NOT_VALID.

    Shorter numbers are not padded: which digits to add differs from bank to bank.
    """
    return _matching(_ACCOUNT_NUMBER, text, "ACCOUNT_NUMBER_NOT_VALID")


def postcode(text: str) -> str:
    """Return a UK postcode in upper case with one space (BS 7666); else POSTCODE_NOT_VALID."""
    parts = _POSTCODE.fullmatch(_plain(text, "POSTCODE_NOT_VALID"))
    # GIR stands only in GIR 0AA, which once was Girobank.
    if parts is None or (parts[1] == "GIR" and parts[2] != "0AA"):
        _refuse("POSTCODE_NOT_VALID")
    return f"{parts[1]} {parts[2]}"


def paye_reference(text: str) -> str:
    """Return an employer's PAYE reference, NNN/XXXXXXXXXX; else PAYE_REFERENCE_NOT_VALID."""
    return _matching(_PAYE_REFERENCE, text, "PAYE_REFERENCE_NOT_VALID")


def cms_reference(text: str) -> str:
    """Return the twelve digits of a CMS reference; else CMS_REFERENCE_NOT_VALID."""
    return _matching(_CMS_REFERENCE, text, "CMS_REFERENCE_NOT_VALID")


def iban(text: str) -> str:
    """Return an IBAN without spaces, its check digits and national form checked (ISO 13616).

    Else IBAN_NOT_VALID.
    """
    plain = _matching(_IBAN_SHAPE, text, "IBAN_NOT_VALID")
    try:
        return str(_iban.validate(plain))
    except ValidationError:
        _refuse("IBAN_NOT_VALID")


def isin(text: str) -> str:
    """Return the twelve characters of an ISIN, its check digit checked (ISO 6166).

    Else ISIN_NOT_VALID.
    """
    plain = _matching(_ISIN_SHAPE, text, "ISIN_NOT_VALID")
    try:
        return str(_isin.validate(plain))
    except ValidationError:
        _refuse("ISIN_NOT_VALID")


def vehicle_registration(text: str) -> str:
    """Return a registration mark without spaces, by its shape; else REGISTRATION_NOT_VALID."""
    return _matching(_REGISTRATION, text, "REGISTRATION_NOT_VALID")


def tax_year(text: str) -> str:
    """Return a tax year as 2025-26, its years consecutive; else TAX_YEAR_NOT_VALID.

    2025/26, 2025-2026 and 2025/2026 are read too.
    """
    plain = _plain(text, "TAX_YEAR_NOT_VALID")
    years = _TAX_YEAR.fullmatch(plain)
    if years is None:
        _refuse("TAX_YEAR_NOT_VALID")
    following = str(int(years[1]) + 1)
    if years[2] != following[-2:] or (len(plain) == 9 and plain[5:] != following):
        _refuse("TAX_YEAR_NOT_VALID")
    return f"{years[1]}-{years[2]}"


def _matching(pattern: re.Pattern[str], text: str, code: str) -> str:
    """Return a text that has the pattern already, or once spaces and lower case are gone."""
    if pattern.fullmatch(text):
        return text
    plain = _plain(text, code)
    if not pattern.fullmatch(plain):
        _refuse(code)
    return plain


def _plain(text: str, code: str) -> str:
    """Take out spaces and put into upper case, of ASCII only."""
    if not text.isascii():
        _refuse(code)
    return text.strip().replace(" ", "").upper()


def _refuse(code: str) -> NoReturn:
    raise IdentifierError(code) from None
