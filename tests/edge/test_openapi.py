"""The OpenAPI document says what the gateway does: the same routes, problems, shapes and limits."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from typing import Any

import msgspec
import openapi_spec_validator

from adapters.catalogue import every_adapter
from gateway.core.adapter import ReadContext
from gateway.core.answer_lines import Excuse, Nothing
from gateway.core.groups.person import Identifier, Where, Who
from gateway.core.limits import (
    ACCESS_CALLS,
    ACCESS_SESSION_MINUTES,
    BULK_BODY_BYTES,
    FEED_PAGE_RECORDS,
    FEED_PAGE_RECORDS_MAX,
    LONG_POLL_SECONDS,
    MESH_PAGE,
    MESH_PAGE_MAX,
    MESH_PAGE_MIN,
    REQUESTS_IN_A_FILE,
    ROW_ERRORS_SHOWN,
)
from gateway.core.order_terms import (
    KINDS,
    ORDERS,
    DeductionFromEarnings,
    Ending,
    LumpSumDeduction,
    RegularDeduction,
)
from gateway.core.receipt import Rows
from gateway.core.record import Note, Record, RowError, RuleCount
from gateway.core.records import RECORD_TYPES
from gateway.core.refusal import MEANINGS, Reason, Refused
from gateway.core.request_life import Event, State
from gateway.core.stages import MemoryBody, Outcome, Recorded
from gateway.edge.http.app import ROUTES, Policy
from gateway.edge.http.matches import Judgement
from gateway.edge.http.pages import documentation
from gateway.edge.http.problem import problem
from gateway.edge.http.requests import Code, Text
from gateway.edge.http.submissions import summary
from gateway.installed import law as duty_table
from gateway.obligation import STANDINGS
from gateway.request import Asking

WRITTEN = (files("schemas") / "openapi.json").read_text(encoding="utf-8")
DOCUMENT: dict[str, Any] = json.loads(WRITTEN)
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
BY_SLUG = {meaning.slug: meaning for meaning in MEANINGS.values()}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            assert method in METHODS
            yield method.upper(), path, operation


def everything(value: Any = DOCUMENT) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from everything(item)
    elif isinstance(value, list):
        for item in value:
            yield from everything(item)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    return SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def template(path: str) -> str:
    return re.sub(r"\{(\w+):[^}]*\}", r"{\1}", path)


def test_the_routes_are_those_of_the_application():
    documented = {(method, path) for method, path, _ in operations()}
    assert documented == {(route.method, template(route.path)) for route in ROUTES}


def test_every_operation_says_what_it_is():
    found = [operation for _, _, operation in operations()]
    assert len({operation["operationId"] for operation in found}) == len(found)
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for operation in found:
        assert operation["summary"]
        assert set(operation["tags"]) <= tags
        assert any(status.startswith("2") for status in operation["responses"])


def test_who_may_call_is_what_the_route_table_says():
    policies = {(route.method, template(route.path)): route.policy for route in ROUTES}
    scopes = DOCUMENT["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]
    for method, path, operation in operations():
        security = operation["security"]
        if policies[method, path] in {Policy.PARTY, Policy.GUEST}:
            needed, *others = security
            may_be_guest = policies[method, path] is Policy.GUEST
            assert others == [{"accessCode": []}] * may_be_guest
            assert needed.keys() == {"mutualTLS", "oauth2"}
            assert needed["mutualTLS"] == []
            assert len(needed["oauth2"]) == 1
            assert set(needed["oauth2"]) <= scopes["scopes"].keys()
        elif policies[method, path] is Policy.MAILBOX:
            assert security == [{"mutualTLS": [], "mesh": []}]
        else:
            assert security in ([], [{"mutualTLS": []}])


def test_parameters_are_described_and_those_of_the_path_are_all_there():
    for _, path, operation in operations():
        parameters = operation.get("parameters", [])
        assert all(item["description"] and item["schema"] for item in parameters)
        in_path = {item["name"] for item in parameters if item["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path))
        assert all(item["required"] for item in parameters if item["in"] == "path")


def test_limits_are_those_of_the_code():
    (read,) = [o for _, _, o in operations() if o["operationId"] == "readFeed"]
    by_name = {item["name"]: item["schema"] for item in read["parameters"]}
    assert by_name["limit"]["default"] == FEED_PAGE_RECORDS
    assert by_name["limit"]["maximum"] == FEED_PAGE_RECORDS_MAX
    assert by_name["wait"]["maximum"] == LONG_POLL_SECONDS
    assert SCHEMAS["Outcome"]["properties"]["errors"]["maxItems"] == ROW_ERRORS_SHOWN
    (listing,) = [o for _, _, o in operations() if o["operationId"] == "listInbox"]
    page = {item["name"]: item["schema"] for item in listing["parameters"]}["max_results"]
    bulk = DOCUMENT["paths"]["/v1/requests/bulk"]["post"]["description"]
    assert f"{REQUESTS_IN_A_FILE:,} rows and {BULK_BODY_BYTES // 2**20} MiB" in bulk
    access = DOCUMENT["paths"]["/v1/access"]["post"]["description"]
    assert f"{ACCESS_CALLS} calls a minute" in access
    assert ("two hours" in access) == (ACCESS_SESSION_MINUTES == 120)
    bounds = page["minimum"], page["default"], page["maximum"]
    assert bounds == (MESH_PAGE_MIN, MESH_PAGE, MESH_PAGE_MAX)


def test_every_problem_exists_and_stands_under_its_status():
    told = set()
    for _, _, operation in operations():
        for status, answer in operation["responses"].items():
            slugs = answer.get("x-problems", [])
            assert bool(slugs) == (int(status) >= 400)
            assert all(BY_SLUG[slug].status == int(status) for slug in slugs)
            assert all(slug in answer["description"] for slug in slugs)
            told.update(slugs)
    # An address that is not in the table has no operation.
    assert BY_SLUG.keys() - told == {"method-not-allowed"}


def test_every_call_of_a_party_and_every_try_of_a_code_may_be_one_too_many():
    for _, path, operation in operations():
        limited = any({"oauth2", "mesh"} & needed.keys() for needed in operation["security"])
        limited = limited or path.startswith("/v1/access")
        assert ("429" in operation["responses"]) == limited
        if limited:
            assert "Retry-After" in operation["responses"]["429"]["headers"]


def test_examples_of_problems_are_what_the_gateway_would_write():
    for slug, example in DOCUMENT["components"]["examples"].items():
        value = example["value"]
        meaning = BY_SLUG[slug]
        assert value["type"].endswith(f"/problems/{slug}")
        assert (value["title"], value["status"], value["fix"]) == (
            meaning.title,
            meaning.status,
            meaning.fix,
        )


def test_every_reference_leads_somewhere():
    for item in everything():
        if "$ref" in item:
            at: Any = DOCUMENT
            for step in item["$ref"].removeprefix("#/").split("/"):
                at = at[step]


def test_a_problem_has_the_members_of_its_schema():
    error = RowError(row=1, key="k", field="f", code="C", message="m", fix="x")
    rule = RuleCount("C", "f", "m", "x", 1, (1,))
    refusal = Refused(Reason.NOTHING_ACCEPTED, errors=(error,), rules=(rule,))
    refusal.submission, refusal.receipt = "sub_1", "receipt"
    body = problem(refusal, "https://gateway.example", "0123456789abcdef").body
    written = json.loads(bytes(body))
    assert written.keys() == SCHEMAS["Problem"]["properties"].keys()
    assert written["errors"][0].keys() == SCHEMAS["RowError"]["properties"].keys()
    assert written["rules"][0].keys() == SCHEMAS["RuleCount"]["properties"].keys()


def test_an_outcome_has_the_members_of_its_schema():
    recorded = Recorded("sub_1", "accepted", Rows(), "2026-11-22T21:30:00.123456Z", "receipt")
    outcome = Outcome(notes=(Note(code="C", message="m"),))
    written = json.loads(msgspec.json.encode(summary(recorded, outcome)))
    assert written.keys() == SCHEMAS["Outcome"]["properties"].keys()
    assert written["rows"].keys() == SCHEMAS["Rows"]["properties"].keys()
    assert written["notes"][0].keys() == SCHEMAS["Note"]["properties"].keys()


def test_shapes_are_those_of_the_types():
    for cls in (
        *(Who, Identifier, Where, Asking, DeductionFromEarnings, RegularDeduction),
        *(LumpSumDeduction, Ending, Nothing, Excuse, Text, Code, Judgement),
    ):
        name = cls.__name__
        schema = SCHEMAS[name]
        fields = msgspec.structs.fields(cls)
        assert schema["properties"].keys() == {field.name for field in fields}
        required = {field.name for field in fields if field.required}
        assert set(schema.get("required", ())) == required
    for name, member in (("Asking", "record_types"), ("RecordLine", "data")):
        found = SCHEMAS[name]["properties"][member]
        listed = found["items"] if member == "record_types" else found["properties"]["type"]
        assert listed["enum"] == sorted(RECORD_TYPES)


def test_words_of_asking_are_those_of_the_code():
    kinds, law = {"information", *ORDERS}, duty_table()
    told = {name: SCHEMAS[name]["properties"] for name in SCHEMAS if "properties" in SCHEMAS[name]}
    assert set(told["Asking"]["kind"]["enum"]) == set(KINDS) == kinds
    assert set(told["Request"]["kind"]["enum"]) == kinds
    assert set(told["Obligation"]["kind"]["enum"]) == kinds | {"schedule"}
    assert told["Obligation"]["standing"]["enum"] == list(STANDINGS)
    assert told["Obligations"]["totals"]["required"] == list(STANDINGS)
    assert set(told["Happened"]["event"]["enum"]) == set(Event)
    for name in ("Request", "RequestInFull", "Standing", "BatchLine", "Happened"):
        assert set(told[name]["state"]["enum"]) == set(State)
    assert set(told["Excuse"]["code"]["enum"]) == law.excuses(dt.date(2026, 11, 23)).keys()
    named = {choice["$ref"].rpartition("/")[2] for choice in told["Asking"]["terms"]["oneOf"]}
    assert named == {order.terms.__name__ for order in ORDERS.values()}


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether an example has the members, types and choices of a schema; formats are not judged."""
    schema = resolved(schema)
    if "oneOf" in schema:
        return sum(fits(value, choice) for choice in schema["oneOf"]) == 1
    kinds = schema.get("type", [])
    types: dict[str, set[type]] = {
        "object": {dict},
        "array": {list},
        "string": {str},
        "integer": {int},
        "number": {int, float},
        "boolean": {bool},
        "null": {type(None)},
    }
    listed = [kinds] if isinstance(kinds, str) else kinds
    if listed and not any(type(value) in types[kind] for kind in listed):
        return False
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        return False
    if isinstance(value, str):
        return re.search(schema.get("pattern", ""), value) is not None
    if isinstance(value, list):
        return all(fits(item, schema.get("items", {})) for item in value)
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        return set(schema.get("required", ())) <= value.keys() <= known.keys() and all(
            fits(item, known[name]) for name, item in value.items()
        )
    return True


def test_every_example_has_the_shape_of_its_schema():
    seen = 0
    for item in everything(DOCUMENT["paths"]):
        for kind, content in item.get("content", {}).items() if "content" in item else ():
            if kind == "application/x-ndjson":
                lines = [json.loads(line) for line in content["example"].splitlines()]
                assert all(fits(line, content["schema"]) for line in lines)
            elif "example" in content and "schema" in content:
                assert fits(content["example"], content["schema"]), content["example"]
                seen += 1
    assert seen > 15
    for example in DOCUMENT["components"]["examples"].values():
        assert fits(example["value"], SCHEMAS["Problem"])


def test_a_file_in_the_examples_is_read_by_its_own_format():
    submit = DOCUMENT["paths"]["/v1/submissions"]["post"]
    context = ReadContext(dt.datetime(2026, 11, 2, tzinfo=dt.UTC))
    for kind, content in submit["requestBody"]["content"].items():
        readers = [adapter for adapter in every_adapter() if kind in adapter.media_types]
        if "example" in content and readers:
            example = content["example"]
            data = example if isinstance(example, str) else json.dumps(example)
            items = list(readers[0].read(MemoryBody(data.encode()), context))
            assert any(isinstance(item, Record) for item in items)
            assert not any(isinstance(item, RowError) for item in items)


def test_the_page_shows_every_operation():
    page = documentation(DOCUMENT)
    for _, _, operation in operations():
        assert f'id="{operation["operationId"]}"' in page


def test_the_page_shows_what_a_body_holds():
    page = documentation(DOCUMENT)
    for _, _, operation in operations():
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            assert escape(kind) in page
            schema = resolved(content.get("schema", {}))
            for name, member in schema.get("properties", {}).items():
                assert f"<code>{escape(name)}</code>" in page
                assert escape(resolved(member).get("description", "")) in page
    assert "EXAMPLE-EMPLOYER-1" in page
    assert "&quot;record_types&quot;" in page


def test_no_name_occurs_twice():
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    json.loads(WRITTEN, object_pairs_hook=unique)


def test_the_document_follows_the_specification():
    openapi_spec_validator.validate(DOCUMENT)


async def test_the_schema_of_every_record_type_is_given_to_anybody(house):
    async with house.employer.session.get(f"{house.url}/v1/schemas/employment.json") as response:
        assert response.status == 200
        assert response.content_type == "application/schema+json"
        assert (await response.json(content_type=None))[
            "$id"
        ] == "urn:cms-gateway:record:employment"
    for name in ("nothing.json", "..%2Fopenapi.json", "employment"):
        async with house.employer.session.get(f"{house.url}/v1/schemas/{name}") as response:
            assert response.status == 404
