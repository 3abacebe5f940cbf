"""Which record is about whom: the model, what of two people is compared, and when that is certain.

`gateway.edge.linkage` scores pairs; everything that decides is here, and pure. The rule is a
National Insurance number first, then name, date of birth and address, each match with its score and
the fields that agreed; what is not certain is said to be only possible, for a person to look at.

| Pair | Verdict |
|---|---|
| the same number; surname and date of birth do not speak against it | certain |
| the same number; both differ, or one does and the other is not known | possible |
| two valid numbers that differ | none, however alike the rest |
| a number missing: score and levels suffice and nobody else comes near, on either side | certain |
| a number missing: score from `possible` up | possible |
| no field that agrees | none |

Only people are matched; bodies have numbers of their own. The model is `schemas/matching.toml`.
Source: Fellegi and Sunter, A Theory for Record Linkage (1969).
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from gateway.core.groups.person import Where, Who
from gateway.core.likeness import Likeness

Counts = Literal["agrees", "nearly", "differs"]
FIELDS: Final = ("nino", "surname", "forenames", "date_of_birth", "address")


class MatchingError(ValueError):
    """A model that cannot be used, or people that cannot be matched; the text says why."""


class _Based(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    basis: str
    confidence: Literal["S", "P"]


class Level(_Based, frozen=True, kw_only=True):
    """How two values of a field can stand to each other; `m` and `u` are probabilities."""

    name: str
    counts: Counts
    m: float
    u: float
    certain: bool
    at_least: float | None = None

    @property
    def bits(self) -> float:
        """The weight of this level."""
        return math.log2(self.m / self.u)


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A field, and its levels from the closest down; the first that holds counts."""

    name: str
    title: str
    level: tuple[Level, ...]


class Prior(_Based, frozen=True, kw_only=True):
    """How likely it is of any pair, before anything is compared, that it is one person."""

    probability: float


class Bits(_Based, frozen=True, kw_only=True):
    """A bound on scores."""

    bits: float


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that a score and a verdict depend on."""

    prior: Prior
    possible: Bits
    certain: Bits
    margin: Bits
    field: tuple[Field, ...]

    def level(self, field: str, name: str) -> Level:
        """A level by its name."""
        return next(
            level
            for one in self.field
            if one.name == field
            for level in one.level
            if level.name == name
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an open request is about: `id` is the request's, `where` every address known."""

    id: str
    who: Who
    where: tuple[Where, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a record is about: `row` is its number in the file."""

    row: int
    who: Who
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A pair as it was scored: in bits, with the level of each field that both sides have."""

    subject: str
    row: int
    score: float
    probability: float
    levels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Match:
    """A record and the request it is or may be about; no personal value.

    `score` is the match weight in bits. `agreed` and `disagreed` name fields, where need be with
    the level as in `date_of_birth:swapped`. `because` says why a match is only possible:
    nino_contradicted, score, level, other_record or other_request.
    """

    subject: str
    row: int
    score: float
    probability: float
    agreed: tuple[str, ...]
    disagreed: tuple[str, ...]
    by: Literal["nino", "linkage"]
    verdict: Literal["certain", "possible"]
    because: tuple[str, ...] = ()


def read_model(text: str) -> Model:
    """Read `schemas/matching.toml`; raises MatchingError where it is not one whole model."""
    try:
        model = msgspec.convert(tomllib.loads(text), Model)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise MatchingError(f"The model cannot be read: {error}") from error
    if tuple(field.name for field in model.field) != FIELDS:
        raise MatchingError(f"The fields of the model are {', '.join(FIELDS)}, in this order.")
    for field in model.field:
        for name in ("m", "u"):
            parts = [getattr(level, name) for level in field.level]
            if not all(0 < part < 1 for part in parts) or not math.isclose(
                math.fsum(parts), 1, abs_tol=1e-9
            ):
                raise MatchingError(f"{field.name}: the {name} of its levels do not add up to 1.")
    if not 0 < model.prior.probability < 1:
        raise MatchingError("prior: a probability is more than 0 and less than 1.")
    if not 0 < model.possible.bits <= model.certain.bits or model.margin.bits <= 0:
        raise MatchingError("The bounds are more than 0, and possible is not above certain.")
    return model


def decide(
    scored: Iterable[Scored],
    subjects: Mapping[str, Likeness],
    people: Mapping[int, Likeness],
    model: Model,
) -> list[Match]:
    """Tell which scored pairs match, and how sure that is; sorted by request, then row."""
    pairs = [pair for pair in scored if _may_match(pair, model)]
    of_subject = _Rivals((pair.subject, people[pair.row].identity, pair.score) for pair in pairs)
    of_row = _Rivals((pair.row, subjects[pair.subject].identity, pair.score) for pair in pairs)
    found = []
    for pair in pairs:
        by_nino = pair.levels.get("nino") == "same"
        because = _nino_doubts(pair, model) if by_nino else _doubts(pair, model)
        if not by_nino:
            near = pair.score - model.margin.bits
            if of_subject.any(pair.subject, people[pair.row].identity, near):
                because.append("other_record")
            if of_row.any(pair.row, subjects[pair.subject].identity, near):
                because.append("other_request")
        found.append(
            Match(
                subject=pair.subject,
                row=pair.row,
                score=pair.score,
                probability=pair.probability,
                agreed=_named(pair, model, {"agrees", "nearly"}),
                disagreed=_named(pair, model, {"differs"}),
                by="nino" if by_nino else "linkage",
                verdict="possible" if because else "certain",
                because=tuple(because),
            )
        )
    return sorted(found, key=lambda match: (match.subject, match.row))


def _may_match(pair: Scored, model: Model) -> bool:
    nino = pair.levels.get("nino")
    if nino is not None:
        return nino == "same"
    agreed = _named(pair, model, {"agrees", "nearly"})
    return bool(agreed) and pair.score >= model.possible.bits


def _nino_doubts(pair: Scored, model: Model) -> list[str]:
    """Whether what else is known speaks against a number that is the same."""
    told = {
        field: model.level(field, pair.levels[field]).counts if field in pair.levels else None
        for field in ("surname", "date_of_birth")
    }
    against = "differs" in told.values() and not {"agrees", "nearly"} & set(told.values())
    return ["nino_contradicted"] if against else []


def _doubts(pair: Scored, model: Model) -> list[str]:
    found = []
    if pair.score < model.certain.bits:
        found.append("score")
    if not all(model.level(field, name).certain for field, name in pair.levels.items()):
        found.append("level")
    return found


def _named(pair: Scored, model: Model, counts: set[str]) -> tuple[str, ...]:
    return tuple(
        field if name in {"same", "differs"} else f"{field}:{name}"
        for field in FIELDS
        if (name := pair.levels.get(field)) is not None
        and model.level(field, name).counts in counts
    )


class _Rivals:
    """The best score of each person beside one record or request, and of the next best person.

    Rows of one and the same person are no rivals of each other, nor are two requests about one.
    """

    def __init__(self, found: Iterable[tuple[object, object, float]]) -> None:
        best: dict[object, dict[object, float]] = {}
        for place, identity, score in found:
            known = best.setdefault(place, {})
            known[identity] = max(score, known.get(identity, score))
        self._two = {
            place: sorted(known.items(), key=lambda item: -item[1])[:2]
            for place, known in best.items()
        }

    def any(self, place: object, identity: object, at_least: float) -> bool:
        """Whether somebody else reaches this score."""
        return any(
            other != identity and score >= at_least for other, score in self._two.get(place, ())
        )


_WORDS: Final[dict[str, str]] = {
    "nino": "National Insurance number",
    "surname": "surname",
    "surname:former": "a former surname",
    "surname:nearly": "surname but for a letter or two",
    "surname:alike": "a surname that is alike",
    "surname:swapped": "names in the other order",
    "forenames": "forenames",
    "forenames:first": "first forename",
    "forenames:initial": "initial of the forename",
    "forenames:shared": "one of the forenames",
    "forenames:nearly": "forename but for a letter or two",
    "forenames:swapped": "forename as the surname",
    "date_of_birth": "date of birth",
    "date_of_birth:swapped": "date of birth with day and month changed over",
    "date_of_birth:digit": "date of birth but for one digit",
    "address": "address",
    "address:postcode": "postcode",
    "address:lines": "address without a postcode",
}

_REASONS: Final[dict[str, str]] = {
    "nino_contradicted": "The number may be somebody else's: nothing else bears it out.",
    "score": "What agrees is not enough to be certain.",
    "level": "One of the fields is not close enough to be certain.",
    "other_record": "Another record in the file fits this request about as well.",
    "other_request": "This record fits another open request about as well.",
}


def explain(match: Match) -> str:
    """Say in plain words, for an officer, what a match rests on; without any personal value."""
    lead = "Matched on" if match.verdict == "certain" else "Possibly the same person: it agrees on"
    text = f"{lead} {_listed(match.agreed)}"
    if match.disagreed:
        plural = len(match.disagreed) > 1 or match.disagreed[0] == "forenames"
        text += f"; {_listed(match.disagreed)} {'differ' if plural else 'differs'}"
    return " ".join([f"{text}.", *(_REASONS[code] for code in match.because)])


def _listed(names: Sequence[str]) -> str:
    words = [_WORDS[name] for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
