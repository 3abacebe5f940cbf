"""The JSON Schemas that are checked in are those of the record types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.cli.schemas import DIALECT, record_schemas, write_record_schemas
from gateway.core.groups.group import Group
from gateway.core.records import RECORD_TYPES

FOLDER = Path(__file__).parents[2] / "schemas" / "json"
GENERATED = record_schemas()
GROUPS = {group.__name__: group for group in Group.__subclasses__()}


def schema_of(name: str) -> dict[str, Any]:
    return json.loads(GENERATED[f"{name}.json"])


def test_there_is_one_file_for_each_record_type_and_no_other():
    assert {path.name for path in FOLDER.iterdir()} == GENERATED.keys()
    assert GENERATED.keys() == {f"{name}.json" for name in RECORD_TYPES}


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_what_is_checked_in_is_what_is_generated(name: str):
    words = "run: python -m gateway.cli.schemas schemas/json"
    assert (FOLDER / name).read_bytes() == GENERATED[name], words


def test_writing_them_gives_the_same_files(tmp_path: Path):
    write_record_schemas(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == GENERATED


@pytest.mark.parametrize("name", sorted(RECORD_TYPES))
def test_a_schema_says_what_the_type_says(name: str):
    schema, record = schema_of(name), RECORD_TYPES[name]
    assert schema["$schema"] == DIALECT
    assert schema["description"] == record.__doc__
    assert schema["properties"]["type"] == {"enum": [name]}
    assert schema["properties"].keys() == {"type", *record.__struct_fields__}
    needed = {field.name for field in msgspec.structs.fields(record) if field.required}
    assert set(schema["required"]) == {"type", *needed}
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("name", sorted(RECORD_TYPES))
def test_groups_carry_their_docstring_and_every_member(name: str):
    for group, schema in schema_of(name)["$defs"].items():
        assert schema["description"] == GROUPS[group].__doc__
        assert schema["properties"].keys() == set(GROUPS[group].__struct_fields__)
        assert schema["additionalProperties"] is False


@pytest.mark.parametrize("name", sorted(RECORD_TYPES))
def test_references_stay_within_the_file(name: str):
    schema = schema_of(name)
    text = GENERATED[f"{name}.json"].decode()
    for part in text.split('"$ref": "')[1:]:
        reference = part.partition('"')[0]
        assert reference.removeprefix("#/$defs/") in schema["$defs"]
