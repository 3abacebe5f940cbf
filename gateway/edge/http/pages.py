"""The API as one page of HTML, made from its OpenAPI document, with nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any, Final
from urllib.parse import quote_plus

STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#0b0c0c}
h1{font-size:2rem}h2{margin-top:2.5rem;border-bottom:2px solid #1d70b8}code,pre{font:14px/1.4
ui-monospace,monospace;background:#f3f2f1}code{padding:.1rem .3rem}pre{padding:.8rem;overflow:auto}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3rem
.8rem .3rem 0;border-bottom:1px solid #b1b4b6}.method{font-weight:700}
"""


def documentation(document: dict[str, Any]) -> str:
    """The whole page for an OpenAPI 3.1 document of ours."""
    return "".join(_page(document))


def _page(document: dict[str, Any]) -> Iterator[str]:
    info = document["info"]
    yield f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])}'
    yield f"</title><style>{STYLE}</style></head><body><main><h1>{escape(info['title'])}</h1>"
    yield f"<p>{escape(info['description'])}</p>"
    yield '<p>The same, for machines: <a href="/openapi.json">/openapi.json</a></p><nav><ul>'
    for path, methods in document["paths"].items():
        for method, operation in _operations(methods):
            anchor = escape(operation["operationId"])
            yield f'<li><a href="#{anchor}">{method} {escape(path)}</a></li>'
    yield "</ul></nav>"
    for path, methods in document["paths"].items():
        for method, operation in _operations(methods):
            yield from _operation(method, path, operation)
            if "requestBody" in operation:
                yield from _body(operation["requestBody"], document)
            yield from _answers(operation)
    yield "</main></body></html>"


def _operations(methods: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for method, operation in methods.items():
        if method in {"get", "post", "put", "patch", "head", "delete", "options"}:
            yield method.upper(), operation


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f'<h2 id="{escape(operation["operationId"])}">{escape(operation["summary"])}</h2>'
    yield f'<p><code><span class="method">{method}</span> {escape(path)}</code></p>'
    if "description" in operation:
        yield f"<p>{escape(operation['description'])}</p>"
    if operation.get("parameters"):
        yield "<table><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr>"
        for item in operation["parameters"]:
            yield f"<tr><td><code>{escape(item['name'])}</code></td><td>{escape(item['in'])}</td>"
            yield f"<td>{escape(item.get('description', ''))}</td></tr>"
        yield "</table>"


def _body(body: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    """What is sent: each media type with its fields and an example."""
    yield "<h3>Body</h3>"
    if "description" in body:
        yield f"<p>{escape(body['description'])}</p>"
    for kind, content in body["content"].items():
        yield f"<p><code>{escape(kind)}</code></p>"
        fields = list(_fields(content.get("schema", {}), document))
        if fields:
            yield "<table><tr><th>Field</th><th>Type</th><th>Meaning</th></tr>"
            yield from fields
            yield "</table>"
        if "example" in content:
            yield f"<pre>{escape(_example(kind, content['example']))}</pre>"


def _fields(schema: dict[str, Any], document: dict[str, Any], inside: str = "") -> Iterator[str]:
    """A row for each member of an object, and for those of the objects in it."""
    schema = _resolved(schema, document)
    needed = schema.get("required", ())
    for name, member in schema.get("properties", {}).items():
        found = _resolved(member, document)
        meaning = found.get("description", "")
        optional = "" if name in needed else ", optional"
        yield f"<tr><td>{escape(inside)}<code>{escape(name)}</code></td>"
        yield f"<td>{escape(_type(found, document) + optional)}</td><td>{escape(meaning)}</td></tr>"
        yield from _fields(found, document, f"{inside}{name}.")


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        # What stands beside the reference says more than what it leads to.
        schema = found | {name: value for name, value in schema.items() if name != "$ref"}
    return schema


def _type(schema: dict[str, Any], document: dict[str, Any]) -> str:
    if "const" in schema:
        return f"'{schema['const']}'"
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    kinds = schema.get("type", "any")
    text = kinds if isinstance(kinds, str) else " or ".join(kinds)
    if text == "array":
        return f"list of {_type(_resolved(schema.get('items', {}), document), document)}"
    return f"{text} ({schema['format']})" if "format" in schema else text


def _example(kind: str, value: Any) -> str:
    """An example as it would be sent."""
    if isinstance(value, str):
        return value
    if kind == "application/x-www-form-urlencoded":
        return "&\n".join(f"{name}={quote_plus(text)}" for name, text in value.items())
    return json.dumps(value, indent=2, ensure_ascii=False)


def _answers(operation: dict[str, Any]) -> Iterator[str]:
    yield "<table><tr><th>Answer</th><th>When</th></tr>"
    for status, answer in operation["responses"].items():
        yield f"<tr><td><code>{escape(status)}</code></td>"
        yield f"<td>{escape(answer['description'])}</td></tr>"
    yield "</table>"
