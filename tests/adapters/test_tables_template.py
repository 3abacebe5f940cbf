"""Templates: every record type has one, and a header is of one type and of no other."""

from __future__ import annotations

import itertools

import pytest

from adapters.catalogue import every_adapter
from adapters.tables.blank import BLANKS, blank_csv, example, served_blank
from adapters.tables.choosing import chosen, fitting
from adapters.tables.records_csv import RECORDS_CSV
from adapters.tables.records_jsonl import RECORDS_JSONL
from adapters.tables.records_xlsx import RECORDS_XLSX
from adapters.tables.template import RECORD_TYPE, ROW_KEY, Template, template, templates
from gateway.cli.records_page import PAGE, page
from gateway.core.records import RECORD_TYPES
from gateway.core.stages import MemoryBody
from tests.adapters.record_strategies import CONTEXT, split
from tests.conftest import SAMPLES

NAMES = sorted(RECORD_TYPES)
FOLDER = SAMPLES / "records"
READERS = {".csv": RECORDS_CSV, ".jsonl": RECORDS_JSONL, ".xlsx": RECORDS_XLSX}


def full(one: Template) -> tuple[str, ...]:
    return tuple(
        column.name
        for column in one.columns
        if column.name != RECORD_TYPE or RECORD_TYPE in one.required
    )


def least(one: Template) -> tuple[str, ...]:
    needed = [column.name for column in one.columns if column.name in one.required]
    return (*needed, *sorted({min(choice) for choice in one.any_of} - set(needed)))


@pytest.mark.parametrize("name", NAMES)
def test_its_full_header_and_its_least_are_of_that_type_alone(name: str) -> None:
    one = template(name)
    for header in (full(one), least(one)):
        assert chosen(header, name) is one
        assert (RECORD_TYPE in header) or fitting(header) == [one]
        head = (",".join(header) + "\r\n").encode()
        assert [a.name for a in every_adapter() if a.recognises(head)] == ["records.csv.v1"]


def test_no_header_at_all_is_of_two_types() -> None:
    # If a header were of two, the columns that both know would be as well: more never lacks more.
    for one, other in itertools.combinations(templates(), 2):
        both = one.by_name.keys() & other.by_name.keys() - {RECORD_TYPE}
        assert one.lacks(both) or other.lacks(both), f"{one.name} and {other.name}"


def test_record_type_is_demanded_only_where_a_header_cannot_tell() -> None:
    for one in templates():
        if RECORD_TYPE in one.required:
            known = one.by_name.keys() - {RECORD_TYPE}
            rivals = [
                other.name
                for other in templates()
                if other is not one
                and set(one.lacks(known & other.by_name.keys())) <= {RECORD_TYPE}
                and set(other.lacks(known & other.by_name.keys())) <= {RECORD_TYPE}
            ]
            assert rivals, one.name


@pytest.mark.parametrize("name", NAMES)
def test_every_column_has_words_and_leads_somewhere(name: str) -> None:
    one = template(name)
    assert [column.name for column in one.columns[:2]] == [ROW_KEY, RECORD_TYPE]
    for column in one.columns:
        assert len(column.words) > 3
        assert column.words == column.words.strip().rstrip(".")
    paths = [(column.group, column.path) for column in one.columns[2:]]
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize("name", NAMES)
def test_every_record_type_has_a_sample_that_is_accepted_whole(name: str) -> None:
    data = (FOLDER / f"{name}.csv").read_bytes()
    found, errors, notes = split(list(RECORDS_CSV.read(MemoryBody(data), CONTEXT)))
    assert {record.type_name for record in found} == {name}
    assert (errors, notes) == ([], [])
    assert len(found) == len(data.splitlines()) - 1


@pytest.mark.parametrize(("file", "count"), [("mixed.jsonl", 7), ("mixed.xlsx", 6)])
def test_the_mixed_samples_are_accepted_whole(file: str, count: int) -> None:
    adapter = READERS[(FOLDER / file).suffix]
    items = list(adapter.read(MemoryBody((FOLDER / file).read_bytes()), CONTEXT))
    found, errors, notes = split(items)
    assert (len(found), errors, notes) == (count, [], [])
    assert len({record.type_name for record in found}) > 2


@pytest.mark.parametrize("ending", BLANKS)
@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_read_and_its_example_is_not(name: str, ending: str) -> None:
    served = served_blank(f"{name}.{ending}")
    assert served is not None
    adapter = READERS[f".{ending}"]
    assert served[1] in adapter.general_media_types
    found, errors, notes = split(list(adapter.read(MemoryBody(served[0]), CONTEXT)))
    assert (found, errors) == ([], [])
    assert [note.code for note in notes] == ["EXAMPLE_SKIPPED"]


def test_what_is_no_template_is_not_served() -> None:
    for name in ("employment", "employment.exe", "x.csv", "employment.csv.csv", ".csv", ""):
        assert served_blank(name) is None
    with pytest.raises(ValueError, match="one"):
        blank_csv(["employment", "earnings"])
    assert example("employment").type_name == "employment"


def test_the_page_says_what_the_templates_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make schemas"
