"""Scores pairs of people with Splink on DuckDB, in this process; who matches is decided elsewhere.

Each call has a database of its own, in memory, with one thread, a bound on memory, and no way to
files, the network or extensions; so calls in several threads know nothing of each other. It takes
as long as it takes: call it off the event loop. Values go in as parameters, never as SQL.

What is compared is `gateway.core.likeness`, what it weighs `schemas/matching.toml`, and what
follows from that `gateway.core.matching`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import duckdb
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink.comparison_level_library import CustomLevel
from splink.comparison_library import CustomComparison

from gateway.core.likeness import Likeness, likeness
from gateway.core.matching import (
    FIELDS,
    Field,
    Match,
    MatchingError,
    Model,
    Person,
    Scored,
    Subject,
    decide,
)

# A clearing bank's file of customers who share a name with somebody asked for, and every request
# that one organisation can have open.
PEOPLE_MOST: Final = 100_000
SUBJECTS_MOST: Final = 10_000

# Pairs that have a key in common. A thousand people looked for in ten thousand have some
# twenty thousand; scoring a million, all of them with the longest names, takes ten seconds.
PAIRS_MOST: Final = 1_000_000

# More than 100,000 people and a million pairs need.
MEMORY: Final = "1GB"

_CLOSED: Final[dict[str, Any]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
    "python_enable_replacements": False,
    "temp_directory": "",
    "memory_limit": MEMORY,
    "threads": 1,
}

_COLUMNS: Final[dict[str, str]] = {
    "unique_id": "BIGINT",
    "nino": "VARCHAR",
    "surname": "VARCHAR",
    "former": "VARCHAR[]",
    "first": "VARCHAR",
    "names": "VARCHAR[]",
    "born": "VARCHAR",
    "houses": "VARCHAR[]",
    "postcodes": "VARCHAR[]",
    "lines": "VARCHAR[]",
    "keys": "VARCHAR[]",
}

# When each level holds; `{at_least}` is the model's.
_DOES_NOT: Final = "ELSE"
_CONDITIONS: Final[dict[str, dict[str, str]]] = {
    "nino": {"same": "nino_l = nino_r", "differs": _DOES_NOT},
    "surname": {
        "same": "surname_l = surname_r",
        "former": "list_contains(former_l, surname_r) OR list_contains(former_r, surname_l)",
        "nearly": "jaro_winkler_similarity(surname_l, surname_r) >= {at_least}",
        "alike": "jaro_winkler_similarity(surname_l, surname_r) >= {at_least}",
        "swapped": "surname_l = first_r AND surname_r = first_l",
        "differs": _DOES_NOT,
    },
    "forenames": {
        "same": "names_l = names_r AND length(first_l) > 1",
        "first": "first_l = first_r AND length(first_l) > 1",
        "initial": (
            "(length(first_l) = 1 OR length(first_r) = 1) AND left(first_l, 1) = left(first_r, 1)"
        ),
        "shared": "len(list_filter(list_intersect(names_l, names_r), lambda x: length(x) > 1)) > 0",
        "nearly": (
            "length(first_l) > 1 AND length(first_r) > 1"
            " AND jaro_winkler_similarity(first_l, first_r) >= {at_least}"
        ),
        "swapped": "surname_l = first_r AND surname_r = first_l",
        "differs": _DOES_NOT,
    },
    "date_of_birth": {
        "same": "born_l = born_r",
        "swapped": (
            "substr(born_l, 1, 4) = substr(born_r, 1, 4)"
            " AND substr(born_l, 6, 2) = substr(born_r, 9, 2)"
            " AND substr(born_l, 9, 2) = substr(born_r, 6, 2)"
        ),
        "digit": "hamming(born_l, born_r) = 1",
        "differs": _DOES_NOT,
    },
    "address": {
        "same": "list_has_any(houses_l, houses_r)",
        "postcode": "list_has_any(postcodes_l, postcodes_r)",
        "lines": "list_has_any(lines_l, lines_r)",
        "differs": _DOES_NOT,
    },
}

# When one side lacks the field.
_LACKS: Final[dict[str, str]] = {
    "nino": "nino_l IS NULL OR nino_r IS NULL",
    "surname": "surname_l IS NULL OR surname_r IS NULL",
    "forenames": "first_l IS NULL OR first_r IS NULL",
    "date_of_birth": "born_l IS NULL OR born_r IS NULL",
    "address": (
        "NOT ((len(postcodes_l) > 0 AND len(postcodes_r) > 0)"
        " OR (len(lines_l) > 0 AND len(lines_r) > 0))"
    ),
}


class Linkage:
    """Matches people with the subjects of open requests, by one model; safe to share."""

    def __init__(self, model: Model) -> None:
        for field in model.field:
            known = list(_CONDITIONS[field.name])
            if [level.name for level in field.level] != known:
                raise MatchingError(f"{field.name}: its levels are {', '.join(known)}, in order.")
        # It says how long each step took; what we log is for `gateway.edge.logs` to say.
        logging.getLogger("splink").setLevel(logging.WARNING)
        self._model = model
        # A level's place among the levels, as Splink numbers them: the last is nought.
        self._levels = {
            field.name: [level.name for level in reversed(field.level)] for field in model.field
        }

    def match(self, subjects: Sequence[Subject], people: Sequence[Person]) -> list[Match]:
        """Match people with subjects; sorted by request and row, whatever order they came in.

        Raises MatchingError where there are more than the bounds above, or so many alike that
        they cannot be compared in bounded time, or where an id or row is there twice.
        """
        if len(people) > PEOPLE_MOST or len(subjects) > SUBJECTS_MOST:
            raise MatchingError(
                f"At most {PEOPLE_MOST} people and {SUBJECTS_MOST} requests are matched at a time. "
                "Match them in parts."
            )
        ours = {one.id: likeness(one.who, one.where, ("request", one.id)) for one in subjects}
        theirs = {
            one.row: likeness(one.who, (one.where,) if one.where else (), ("row", one.row))
            for one in people
        }
        if len(ours) != len(subjects) or len(theirs) != len(people):
            raise MatchingError("A request or a row is there twice.")
        ours, theirs = _with_a_common_key(ours, theirs)
        if not ours:
            return []
        names, rows = sorted(ours), sorted(theirs)
        try:
            found = self._scores([ours[name] for name in names], [theirs[row] for row in rows])
        except duckdb.Error:
            # Its text may quote a value.
            raise MatchingError("The people could not be compared. Match fewer.") from None
        scored = (self._scored(row, names, rows) for row in found)
        return decide(scored, ours, theirs, self._model)

    def _scores(self, ours: list[Likeness], theirs: list[Likeness]) -> list[dict[str, Any]]:
        """Every pair that has a key in common, as Splink scores it."""
        with duckdb.connect(":memory:", config=_CLOSED) as connection:
            _fill(connection, "ours", ours)
            _fill(connection, "theirs", theirs)
            connection.execute("SET lock_configuration = true")
            database = DuckDBAPI(connection)
            linker = Linker(
                [
                    database.register("ours", dataset_display_name="a_ours"),
                    database.register("theirs", dataset_display_name="b_theirs"),
                ],
                self._settings(),
                log_level=None,
            )
            predicted = linker.inference.predict(warning_mode="never")
            gammas = ", ".join(f"gamma_{name}" for name in FIELDS)
            read = connection.execute(
                "SELECT source_dataset_l, unique_id_l, unique_id_r, match_weight,"  # noqa: S608
                f" match_probability, {gammas} FROM {predicted.physical_name}"
                # What `decide` would leave out anyway stays in the database.
                " WHERE match_weight >= ? OR gamma_nino > 0",
                [self._model.possible.bits],
            )
            columns = [column[0] for column in read.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in read.fetchall()]

    def _settings(self) -> SettingsCreator:
        return SettingsCreator(
            link_type="link_only",
            probability_two_random_records_match=self._model.prior.probability,
            comparisons=[_comparison(field) for field in self._model.field],
            blocking_rules_to_generate_predictions=[block_on("keys", arrays_to_explode=["keys"])],
            retain_matching_columns=True,  # with them comes which level held
            linker_uid="matching",
        )

    def _scored(self, row: dict[str, Any], names: list[str], rows: list[int]) -> Scored:
        left, right = row["unique_id_l"], row["unique_id_r"]
        ours, theirs = (left, right) if row["source_dataset_l"] == "a_ours" else (right, left)
        return Scored(
            subject=names[ours],
            row=rows[theirs],
            # The last digits of a sum depend on the order of its terms, and say nothing.
            score=round(row["match_weight"], 6),
            probability=round(row["match_probability"], 12),
            levels={
                field: self._levels[field][gamma]
                for field in FIELDS
                if (gamma := row[f"gamma_{field}"]) >= 0
            },
        )


def _comparison(field: Field) -> CustomComparison:
    lacks = CustomLevel(_LACKS[field.name], "unknown").configure(is_null_level=True)
    levels = [
        CustomLevel(
            _CONDITIONS[field.name][level.name].format(at_least=level.at_least), level.name
        ).configure(m_probability=level.m, u_probability=level.u)
        for level in field.level
    ]
    return CustomComparison([lacks, *levels], output_column_name=field.name)


def _with_a_common_key(
    ours: Mapping[str, Likeness], theirs: Mapping[int, Likeness]
) -> tuple[dict[str, Likeness], dict[int, Likeness]]:
    """Those who can be in a pair at all; raises MatchingError where there are too many pairs."""
    asked, sent = _keys(ours.values()), _keys(theirs.values())
    common = asked.keys() & sent.keys()
    if sum(asked[key] * sent[key] for key in common) > PAIRS_MOST:
        raise MatchingError(
            "Too many of the people are alike to be compared at a time. Match them in parts, or "
            "send National Insurance numbers, dates of birth and postcodes."
        )
    return (
        {name: one for name, one in ours.items() if not common.isdisjoint(one.keys)},
        {row: one for row, one in theirs.items() if not common.isdisjoint(one.keys)},
    )


def _keys(people: Iterable[Likeness]) -> Counter[str]:
    return Counter(key for one in people for key in one.keys)


def _fill(connection: duckdb.DuckDBPyConnection, table: str, people: list[Likeness]) -> None:
    """Make a table of people, numbered in their order."""
    columns = ", ".join(f'"{name}" {kind}' for name, kind in _COLUMNS.items())
    connection.execute(f"CREATE TABLE {table} ({columns})")
    values: list[list[Any]] = [list(range(len(people)))]
    for name in list(_COLUMNS)[1:]:
        column = [getattr(one, name) for one in people]
        values.append([list(one) if isinstance(one, tuple) else one for one in column])
    given = ", ".join(f"unnest(?::{kind}[])" for kind in _COLUMNS.values())
    connection.execute(f"INSERT INTO {table} SELECT {given}", values)
