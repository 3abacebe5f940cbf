"""Identifiers: valid ones are accepted in any usual spelling, and come back in one form."""

from __future__ import annotations

import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import identifiers
from gateway.core.identifiers import IdentifierError

CHECKS: dict[str, Callable[[str], str]] = {
    "nino": identifiers.nino,
    "sort_code": identifiers.sort_code,
    "account_number": identifiers.account_number,
    "postcode": identifiers.postcode,
    "paye_reference": identifiers.paye_reference,
    "cms_reference": identifiers.cms_reference,
    "iban": identifiers.iban,
}

first_letters = st.sampled_from([c for c in string.ascii_uppercase if c not in "DFIQUV"])
second_letters = st.sampled_from([c for c in string.ascii_uppercase if c not in "DFIOQUV"])


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text(string.digits, min_size=count, max_size=count)


ninos = (
    st.tuples(first_letters, second_letters, digits(6), st.sampled_from(["A", "B", "C", "D", ""]))
    .map("".join)
    .filter(lambda nino: nino[:2] not in identifiers.NINO_PREFIXES_NOT_USED)
)


def gb_iban(bank: str, rest: str) -> str:
    """Compute the check digits of ISO 13616 without the library that the code uses."""
    national = bank + rest
    number = int("".join(str(int(char, 36)) for char in f"{national}GB00"))
    return f"GB{98 - number % 97:02d}{national}"


ibans = st.builds(
    gb_iban,
    st.text(string.ascii_uppercase, min_size=4, max_size=4),
    digits(14),
)


@st.composite
def spelled(draw: st.DrawFn, canonical: str) -> str:
    """Spell an identifier as people do: with spaces anywhere, in either case."""
    parts = [draw(st.sampled_from([char, char.lower(), f"{char} "])) for char in canonical]
    return (
        draw(st.sampled_from(["", " ", "\t"])) + "".join(parts) + draw(st.sampled_from(["", "\n"]))
    )


@given(ninos)
def test_every_nino_within_the_rules_is_accepted_as_it_is(nino: str) -> None:
    assert identifiers.nino(nino) == nino
    assert identifiers.looks_like_nino(nino)


@given(ibans)
def test_every_gb_iban_with_right_check_digits_is_accepted(iban: str) -> None:
    assert identifiers.iban(iban) == iban


@given(ibans, st.integers(4, 21), st.integers(1, 9))
def test_an_iban_with_one_character_changed_is_refused(iban: str, at: int, by: int) -> None:
    symbols = string.digits if iban[at].isdigit() else string.ascii_uppercase
    changed = symbols[(symbols.index(iban[at]) + by) % len(symbols)]
    with pytest.raises(IdentifierError) as refused:
        identifiers.iban(iban[:at] + changed + iban[at + 1 :])
    assert refused.value.code == "IBAN_NOT_VALID"


@given(
    st.one_of(
        ninos.map(lambda v: ("nino", v)),
        digits(8).map(lambda v: ("account_number", v)),
        digits(12).map(lambda v: ("cms_reference", v)),
        st.tuples(
            digits(3), st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=10)
        )
        .map("/".join)
        .map(lambda v: ("paye_reference", v)),
        ibans.map(lambda v: ("iban", v)),
    ).flatmap(lambda pair: st.tuples(st.just(pair), spelled(pair[1]))),
)
def test_usual_spellings_come_back_in_the_one_form(case: tuple[tuple[str, str], str]) -> None:
    (kind, canonical), spelling = case
    assert CHECKS[kind](spelling) == canonical


@given(st.sampled_from(sorted(CHECKS)), st.text(max_size=40))
def test_any_text_is_refused_with_a_code_or_has_a_form_that_is_stable(kind: str, text: str) -> None:
    check = CHECKS[kind]
    try:
        canonical = check(text)
    except IdentifierError:
        return
    assert check(canonical) == canonical
    assert canonical.isascii()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("QQ123456C", "NINO_NOT_VALID"),  # Q is in no prefix
        ("AO123456C", "NINO_NOT_VALID"),  # O is not the second letter
        *[
            (f"{prefix}123456C", "NINO_NOT_VALID")
            for prefix in ("BG", "GB", "KN", "NK", "NT", "ZZ")
        ],
        ("TN010190M", "NINO_TEMPORARY"),
        ("AA123456E", "NINO_NOT_VALID"),
        ("AA12345C", "NINO_NOT_VALID"),
        ("AA1234567", "NINO_NOT_VALID"),
        ("\u017fA123456A", "NINO_NOT_VALID"),  # long s, which upper case makes S
        ("AA\u0661\u0662\u0663\u0664\u0665\u0666A", "NINO_NOT_VALID"),  # digits, but not ours
        ("AA123456A\nAA123456B", "NINO_NOT_VALID"),
        ("", "NINO_NOT_VALID"),
    ],
)
def test_a_nino_outside_the_rules_is_refused(text: str, code: str) -> None:
    with pytest.raises(IdentifierError) as refused:
        identifiers.nino(text)
    assert refused.value.code == code


def test_a_nino_without_suffix_is_kept_without() -> None:
    assert identifiers.nino("aa 00 00 01") == "AA000001"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("000000", "000000"), ("00-00-01", "000001"), (" 00 00 01 ", "000001")],
)
def test_sort_codes_lose_their_parting(text: str, canonical: str) -> None:
    assert identifiers.sort_code(text) == canonical


@pytest.mark.parametrize(
    "text", ["00000", "0000000", "00-0000", "0-00000", "00\u201300\u201300", "00--00-00"]
)
def test_a_sort_code_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(IdentifierError, match="SORT_CODE_NOT_VALID"):
        identifiers.sort_code(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("m11aa", "M1 1AA"),
        ("B33 8TH", "B33 8TH"),
        ("CR26XH", "CR2 6XH"),
        ("DN55 1PT", "DN55 1PT"),
        ("W1A0AX", "W1A 0AX"),
        ("EC1A 1BB", "EC1A 1BB"),
        ("gir0aa", "GIR 0AA"),
    ],
)
def test_each_shape_of_postcode_gets_its_one_space(text: str, canonical: str) -> None:
    assert identifiers.postcode(text) == canonical


@pytest.mark.parametrize("text", ["QQ1 1AA", "GIR 1AA", "W1A 0CX", "EC1C 1BB", "A 1AA", "75001"])
def test_what_is_no_postcode_is_refused(text: str) -> None:
    with pytest.raises(IdentifierError, match="POSTCODE_NOT_VALID"):
        identifiers.postcode(text)


@pytest.mark.parametrize(
    "text", ["12/AB1", "1234/AB1", "123/", "123AB1", "123/ABCDEFGHIJK", "123/A-1"]
)
def test_what_is_no_paye_reference_is_refused(text: str) -> None:
    with pytest.raises(IdentifierError, match="PAYE_REFERENCE_NOT_VALID"):
        identifiers.paye_reference(text)


def test_the_refused_text_is_nowhere_in_the_error() -> None:
    with pytest.raises(IdentifierError) as refused:
        identifiers.nino("MARKED-VALUE")
    assert "MARKED" not in repr(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("read", "text", "canonical"),
    [
        (identifiers.isin, "gb00 0263 4946", "GB0002634946"),
        (identifiers.vehicle_registration, "ab12 cde", "AB12CDE"),
        (identifiers.tax_year, "2025/26", "2025-26"),
        (identifiers.tax_year, "2025-2026", "2025-26"),
        (identifiers.tax_year, "1999-00", "1999-00"),
    ],
)
def test_isins_registrations_and_tax_years(read, text: str, canonical: str) -> None:
    assert read(text) == canonical


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (identifiers.isin, "GB0002634947"),
        (identifiers.isin, "ZZ0002634946"),
        (identifiers.vehicle_registration, "ABCDE"),
        (identifiers.vehicle_registration, "AB12CDEF"),
        (identifiers.tax_year, "2025-27"),
        (identifiers.tax_year, "2025-2126"),
        (identifiers.tax_year, "2025"),
    ],
)
def test_what_is_no_isin_registration_or_tax_year(read, text: str) -> None:
    with pytest.raises(identifiers.IdentifierError):
        read(text)
