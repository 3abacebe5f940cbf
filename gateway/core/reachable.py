"""What may be an address: the lines of a letter's, and an e-mail's; whether anybody is there is not said."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gateway.core.identifiers import IdentifierError, postcode

# What GOV.UK Notify prints on a letter.
ADDRESS_LINES: Final = (3, 7)
ADDRESS_CHARACTERS: Final = 200
EMAIL_CHARACTERS: Final = 254

# One @; a local part of RFC 5322's atoms; a host of two labels or more, as RFC 1035 has them.
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_EMAIL: Final = re.compile(
    rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?=[^.]*[A-Za-z]){_LABEL}", re.ASCII
)


class AddressError(ValueError):
    """Not an address; the text says what one has, and nothing of what was given."""


def postal_lines(lines: Iterable[str]) -> tuple[str, ...]:
    """The lines of a postal address, each without spare spaces; raises AddressError.

    There are three to seven, from the name on, and the last is a UK postcode or a country.
    """
    found = tuple(line for line in (" ".join(each.split()) for each in lines) if line)
    least, most = ADDRESS_LINES
    if not least <= len(found) <= most or not _ends_an_address(found[-1]):
        raise AddressError(
            f"A postal address has {least} to {most} lines, from the name on, and the last is a UK "
            "postcode or the name of a country."
        )
    if any(len(line) > ADDRESS_CHARACTERS or not line.isprintable() for line in found):
        raise AddressError(f"A line has at most {ADDRESS_CHARACTERS} characters, all of them seen.")
    return found


def email_address(text: str) -> str:
    """An e-mail address without spaces around it; raises AddressError."""
    found = text.strip()
    if len(found) > EMAIL_CHARACTERS or not _EMAIL.fullmatch(found):
        raise AddressError("This is not an e-mail address. Give one as in post.room@example.org.")
    return found


def _ends_an_address(line: str) -> bool:
    """A UK postcode, or what may be the name of a country; Notify knows which countries there are."""
    try:
        postcode(line)
    except IdentifierError:
        return len(line) >= 4 and not any(char.isdigit() for char in line)
    return True
