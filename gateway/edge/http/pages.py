"""The API as one page of HTML, made from its OpenAPI document, with nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any, Final

_STYLE: Final = """
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
    yield f"</title><style>{_STYLE}</style></head><body><main><h1>{escape(info['title'])}</h1>"
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
    yield "</main></body></html>"


def _operations(methods: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for method, operation in methods.items():
        if method in {"get", "post", "patch", "head", "delete", "options"}:
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
    yield "<table><tr><th>Answer</th><th>When</th></tr>"
    for status, answer in operation["responses"].items():
        yield f"<tr><td><code>{escape(status)}</code></td>"
        yield f"<td>{escape(answer['description'])}</td></tr>"
    yield "</table>"
