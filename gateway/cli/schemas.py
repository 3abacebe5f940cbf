"""JSON Schemas (2020-12) of the record types, generated from `gateway.core.records`.

They are checked in under `schemas/json`, one file for each type, and a test fails where they differ
from what is generated here. To write them anew: `make schemas`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.core.records import RECORD_TYPES

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
CHECKED_IN: Final = Path(__file__).resolve().parents[2] / "schemas" / "json"


def record_schemas() -> dict[str, bytes]:
    """The schema of each record type, by file name; each stands alone, with its groups in $defs."""
    return {f"{name}.json": _written(_schema(name)) for name in sorted(RECORD_TYPES)}


def _schema(name: str) -> dict[str, Any]:
    record = RECORD_TYPES[name]
    _, components = msgspec.json.schema_components([record], ref_template="#/$defs/{name}")
    groups = {group: _tidy(schema) for group, schema in sorted(components.items())}
    body = groups.pop(record.__name__)
    return {"$schema": DIALECT, "$id": f"urn:cms-gateway:record:{name}", **body, "$defs": groups}


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema of what is written: a member without a value is left out, never null."""
    properties = {name: _present(member) for name, member in schema["properties"].items()}
    tidied = {**schema, "properties": properties}
    if not schema["required"]:
        del tidied["required"]
    return tidied


def _present(member: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in member.items() if (key, value) != ("default", None)}
    if "anyOf" not in kept:
        return kept
    (only,) = (choice for choice in kept.pop("anyOf") if choice != {"type": "null"})
    return {**only, **kept}


def _written(schema: dict[str, Any]) -> bytes:
    return json.dumps(schema, indent=2, ensure_ascii=False).encode() + b"\n"


def write_record_schemas(directory: Path) -> None:
    """Write every schema into a directory that exists."""
    for name, content in record_schemas().items():
        (directory / name).write_bytes(content)


if __name__ == "__main__":
    write_record_schemas(Path(sys.argv[1]) if len(sys.argv) > 1 else CHECKED_IN)
