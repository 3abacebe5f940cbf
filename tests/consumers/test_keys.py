"""What a book is not to name people by: text that no record has, and that would never be found."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.consumers.keys import CmsReference, Name, Nino


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Nino, "AA000017A"),
        (Nino, "AA000017"),
        (CmsReference, "100000000017"),
        (Name, "case-17"),
        (Name, "Fall-17/ä"),
    ],
)
def test_what_records_have_is_a_key(kind: Any, text: str) -> None:
    assert msgspec.convert(text, kind) == text


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Nino, "AA 00 00 17 A"),
        (Nino, "aa000017a"),
        (Nino, "AA000017A\n"),
        (Nino, "QQ1"),
        (Nino, ""),
        (CmsReference, "1000 0000 0017"),
        (CmsReference, "17"),
        (CmsReference, "100000000017\n"),
        (CmsReference, 12 * "\u0661"),
        (Name, "case 17"),
        (Name, "case-17\n"),
        (Name, "case\u200917"),
        (Name, ""),
        (Name, "c" * 65),
    ],
)
def test_another_spelling_is_none(kind: Any, text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, kind)
