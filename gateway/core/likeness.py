"""What of a person is compared: names, dates and addresses in the one form in which they agree.

Accents, case, apostrophes and hyphens are no differences: O'Neill is ONEILL, and Siân is Sian.
Only so much of each text is looked at as names and addresses have; what a sender puts behind that
changes nothing. The forms are for comparing, and are never shown or kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from gateway.core import identifiers
from gateway.core.groups.person import Where, Who
from gateway.core.identifiers import IdentifierError

# ISO 20022 has room for 140 characters of a whole name. Comparing one part of it with another takes
# time with the square of its length; the longest surnames in use have half of this.
TEXT_CHARS: Final = 140
NAME_CHARS: Final = 60
NAMES_MOST: Final = 8
FORMER_MOST: Final = 10
PLACES_MOST: Final = 20
LINES_MOST: Final = 7

# Latin letters that Unicode does not take apart.
_LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i"}
)
_TITLES: Final = frozenset(
    {"mr", "mrs", "miss", "ms", "mx", "dr", "prof", "rev", "sir", "dame", "lord", "lady"}
)
_PARTING: Final = re.compile(r"[\s\-\u2010-\u2015]+")
_NUMBER: Final = re.compile(r"[0-9]+[a-z]?")
_VOWELS: Final = re.compile(r"[aeiouyhw]")
_DOUBLED: Final = re.compile(r"(.)\1+")


class Likeness(NamedTuple):
    """One person for comparing; a field that is not known is None or empty.

    `first` is the first of `names`, the forenames. `born` is YYYY-MM-DD. `houses` are postcodes
    with house numbers, `lines` addresses without a postcode. `keys` are what two people have to
    have in common, one of them, to be compared at all. `identity` is equal for two records only if
    they are of one person by all that is known, and otherwise one of its own.
    """

    nino: str | None
    surname: str | None
    former: tuple[str, ...]
    first: str | None
    names: tuple[str, ...]
    born: str | None
    houses: tuple[str, ...]
    postcodes: tuple[str, ...]
    lines: tuple[str, ...]
    keys: tuple[str, ...]
    identity: object


def likeness(who: Who, where: Iterable[Where], own: object) -> Likeness:
    """Put a person into the form for comparing; `own` is an identity if none else can be known."""
    if who.kind != "person":
        return Likeness(None, None, (), None, (), None, (), (), (), (), own)
    surname, names = _name_of(who)
    former = {surname_of(text) for text in who.former_names[:FORMER_MOST]}
    born = None if who.date_of_birth is None else who.date_of_birth.isoformat()
    nino = _nino(who.nino)
    places = sorted(_places(where))
    by_kind = {
        kind: tuple(sorted({text for sort, text in places if sort == kind}))
        for kind in ("house", "postcode", "lines")
    }
    former_names = tuple(sorted(name for name in former - {surname} if name))
    known = surname is not None and names and born is not None
    made = Likeness(
        nino=nino,
        surname=surname,
        former=former_names,
        first=names[0] if names else None,
        names=names,
        born=born,
        houses=by_kind["house"],
        postcodes=by_kind["postcode"],
        lines=by_kind["lines"],
        keys=(),
        identity=(nino, surname, names, born) if known else own,
    )
    return made._replace(keys=tuple(sorted(set(_keys(made)))))


def fold(text: str) -> str:
    """A text in letters and digits alone, without case or accents; cut after TEXT_CHARS."""
    taken = unicodedata.normalize("NFKD", text[:TEXT_CHARS]).casefold().translate(_LETTERS)
    return "".join(letter for letter in taken if letter.isalnum())[:TEXT_CHARS]


def surname_of(text: str) -> str | None:
    """The surname in a whole name, folded: what stands before a comma, or else the last word."""
    before, comma, _ = text[:TEXT_CHARS].partition(",")
    if comma and fold(before):
        return fold(before)[:NAME_CHARS]
    words = text[:TEXT_CHARS].split()
    folded = (fold(word)[:NAME_CHARS] for word in reversed(words))
    return next(filter(None, folded), None)


def _name_of(who: Who) -> tuple[str | None, tuple[str, ...]]:
    """Surname and forenames, out of the whole name where they are not given apart."""
    if who.surname is not None or who.name is None:
        return fold(who.surname or "")[:NAME_CHARS] or None, _words(who.forenames or "")
    before, comma, after = who.name[:TEXT_CHARS].partition(",")
    surname = surname_of(who.name)
    rest = after if comma and fold(before) else " ".join(who.name[:TEXT_CHARS].split()[:-1])
    return surname, _words(who.forenames or rest)


def _words(text: str) -> tuple[str, ...]:
    folded = [fold(word)[:NAME_CHARS] for word in _PARTING.split(text[:TEXT_CHARS])]
    return tuple(word for word in folded if word and word not in _TITLES)[:NAMES_MOST]


def _nino(sent: str | None) -> str | None:
    """The eight characters that say who, of a number that is valid."""
    try:
        return None if sent is None else identifiers.nino(sent[:TEXT_CHARS])[:8]
    except IdentifierError:
        return None


def _places(where: Iterable[Where]) -> Iterator[tuple[str, str]]:
    for count, place in enumerate(where):
        if count == PLACES_MOST:
            return
        told = [fold(line) for line in place.lines[:LINES_MOST]]
        postcode = _postcode(place.postcode)
        if postcode:
            yield "postcode", postcode
            plain = " ".join(line[:TEXT_CHARS].casefold() for line in place.lines[:2])
            house = "-".join(_NUMBER.findall(plain)) or next(filter(None, told), "")
            if house:
                yield "house", f"{postcode}|{house}"
        if any(told):
            yield "lines", f"{''.join(told)}|{fold(place.town or '')}"


def _postcode(sent: str | None) -> str:
    try:
        return identifiers.postcode((sent or "")[:TEXT_CHARS]).replace(" ", "").casefold()
    except IdentifierError:
        return fold(sent or "")


def _keys(one: Likeness) -> Iterator[str]:
    if one.nino:
        yield f"n:{one.nino}"
    if one.born:
        # The same for day and month changed over.
        yield f"d:{one.born[:4]}{''.join(sorted((one.born[5:7], one.born[8:])))}"
    for surname in filter(None, (one.surname, *one.former)):
        yield f"s:{_skeleton(surname)}:{(one.first or '')[:1]}"
    yield from (f"p:{postcode}" for postcode in one.postcodes)
    yield from (f"l:{line}" for line in one.lines)


def _skeleton(name: str) -> str:
    """The first letter and the consonants: the same for Mac and Mc, Smith and Smyth."""
    return name[:1] + _DOUBLED.sub(r"\1", _VOWELS.sub("", name[1:]))
