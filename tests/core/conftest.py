"""The two ways in which XML is read: each test that takes `read` runs with both."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from gateway.core import hardened_xml

LIMIT = 4 * 1024 * 1024
MARK = "MARKED-VALUE-7431"

Read = Callable[[bytes], list[str]]


def whole(content: bytes) -> list[str]:
    return [hardened_xml.text_of(e) for e in hardened_xml.parse(content, LIMIT).iter("row")]


def streamed(content: bytes) -> list[str]:
    rows = hardened_xml.stream(io.BytesIO(content), ["row"], limit_bytes=LIMIT)
    return [hardened_xml.text_of(row) for row in rows]


@pytest.fixture(params=[whole, streamed], ids=["whole", "streamed"])
def read(request: pytest.FixtureRequest) -> Read:
    return request.param
