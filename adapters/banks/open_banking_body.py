"""The responses in one body of Open Banking JSON: one, an array of several, or one on each line.

A body is read line by line if its first line is a whole response, so that a year's transactions
need not stand in one piece; each response is bounded as every JSON body is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, NamedTuple

from gateway.core.adapter import Body
from gateway.core.limits import JSON_BYTES
from gateway.core.refusal import Reason, Refused
from gateway.core.strict_json import loads

_SPACE: Final = b" \t\r\n"
# Of /accounts/{AccountId}/party: the party itself does not always say whose account it is.
_ACCOUNT: Final = re.compile(r"/accounts/([^/?#]{1,40})/")
KINDS: Final = ("Account", "Balance", "Transaction", "Party")


class Response(NamedTuple):
    """One response: its Data, and the account that its own address names, if it names one."""

    data: dict[str, Any]
    account: str | None


def responses(body: Body) -> Iterator[Response]:
    """Each response, in order.

    Refuses with what `strict_json.loads` refuses, and with JSON_NOT_VALID what is no response.
    """
    with body.open() as source:
        line = _line(source)
        while line and not line.strip(_SPACE):
            line = _line(source)
        value = _whole(line)
        if value is None:
            rest = source.read(JSON_BYTES + 1 - len(line)) if len(line) <= JSON_BYTES else b""
            yield from _each(loads(line + rest))
            return
        yield _response(value, "Response 1")
        for number, response in enumerate(_lines(source), 2):
            yield _response(loads(response), f"Response {number}")


def _lines(source: BinaryIO) -> Iterator[bytes]:
    while line := _line(source):
        if line.strip(_SPACE):
            yield line


def _line(source: BinaryIO) -> bytes:
    """The next line, or as much of it as JSON may have and a byte more."""
    return source.readline(JSON_BYTES + 1)


def _whole(line: bytes) -> Any:
    """The response that a line is by itself, to which others may follow; nothing if it is none.

    One that is broken is none: then the body is read in one piece, and refused for it.
    """
    text = line.strip(_SPACE)
    if not text.startswith(b"{") or not text.endswith(b"}"):
        return None
    try:
        return loads(text)
    except Refused:
        return None


def _each(value: Any) -> Iterator[Response]:
    if isinstance(value, list):
        if not value:
            raise Refused(Reason.JSON_NOT_VALID, "The array is empty.")
        for number, response in enumerate(value, 1):
            yield _response(response, f"Response {number}")
    else:
        yield _response(value, "The body")


def _response(response: Any, place: str) -> Response:
    """The Data of one response, whose members are lists; a single party is a list of one."""
    data = response.get("Data") if isinstance(response, dict) else None
    if not isinstance(data, dict):
        raise Refused(Reason.JSON_NOT_VALID, f"{place} is not an object with an object Data in it.")
    found: dict[str, Any] = dict(data)
    party = found.get("Party")
    if isinstance(party, dict):
        found["Party"] = [party]
    for kind in KINDS:
        if kind in found and not isinstance(found[kind], list):
            raise Refused(Reason.JSON_NOT_VALID, f"{place}: {kind} is not a list.")
    links = response.get("Links")
    address = links.get("Self") if isinstance(links, dict) else None
    named = _ACCOUNT.search(address) if isinstance(address, str) else None
    return Response(found, named and named[1])
