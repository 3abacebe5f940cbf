"""The IRmark: that of the whole body in canonical form, though the body is never held whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.refusal import Reason, Refused
from tests.adapters.fps_messages import (
    EMPLOYEE,
    PAID,
    body_of,
    envelope,
    fps,
    irmark_of,
    marked,
    notes,
    read,
    records,
)
from tests.conftest import SAMPLES

# What canonical form changes or keeps: empty elements, order of attributes, escapes, namespaces.
ODD = (
    "<x b=\"2\" a='1 &gt; &quot;&#9;'/>",
    '<x xmlns=""><y/></x>',
    '<q:x xmlns:q="urn:q" q:b="1" a="2"><q:y q:c=""/></q:x>',
    '<x xmlns:unused="urn:u"/>',
    '<x xmlns="urn:other"><y xmlns="">t</y></x>',
    "<!-- gone --><x>a &amp; b &lt; c &gt; d&#13;</x>",
    "<x><![CDATA[<&>]]></x>",
    "text between &#13;\r\n",
    "<x>Zoë £ \U0001f600</x>",
)


def test_a_mark_that_fits_is_noted_and_a_missing_one_too() -> None:
    assert notes(read(marked())) == ["IRMARK_VALID"]
    assert notes(read(fps())) == ["IRMARK_ABSENT"]
    assert notes(read((SAMPLES / "fps.xml").read_bytes())) == ["IRMARK_VALID"]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "place", ["<Employee>", "</Employee>", "</EmpRefs>", "</IRenvelope>", "</IRheader>"]
)
def test_canonical_form_is_that_of_the_whole_wherever_something_odd_stands(
    odd: str, place: str
) -> None:
    employees = (EMPLOYEE, EMPLOYEE.replace("17", "18"))
    body = body_of(*employees)
    body = body.replace(place, place + odd if place != "</IRenvelope>" else odd + place)
    mark = f"<IRmark>{irmark_of(body)}</IRmark>"
    assert "IRMARK_VALID" in notes(read(envelope(body.replace("<IRmark/>", mark))))


@pytest.mark.parametrize(
    "declared",
    [' xmlns:a="urn:a"', ' xmlns:z="urn:z" xmlns:a="urn:a"', ' xmlns:x="urn:a&amp;b"'],
)
def test_namespaces_of_the_envelope_are_in_scope(declared: str) -> None:
    assert notes(read(marked(declared=declared))) == ["IRMARK_VALID"]


@given(
    parts=st.lists(
        st.lists(st.sampled_from([*ODD, "\n\t", PAID, "<z>" + "y" * 5_000 + "</z>"]), max_size=4),
        min_size=1, max_size=6,
    ),
    crlf=st.booleans(),
)  # fmt: skip
@settings(deadline=None)
def test_any_body_has_the_mark_of_its_whole(parts: list[list[str]], *, crlf: bool) -> None:
    employees = [
        EMPLOYEE.replace("<Gender>", "".join(odd) + "<Gender>") + "".join(odd) for odd in parts
    ]
    content = marked(*employees)
    if crlf:
        content = content.replace("\r\n", "\n").replace("\n", "\r\n")
    assert "IRMARK_VALID" in notes(read(content))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_letter_changed_in_the_body_is_seen(data: st.DataObject) -> None:
    content = marked(EMPLOYEE, EMPLOYEE)
    places = [
        at
        for at in range(content.index("<Employee>"), content.rindex("</Employee>"))
        if content[at].isdigit()
    ]
    at = data.draw(st.sampled_from(places))
    other = str((int(content[at]) + 1) % 10)
    with pytest.raises(Refused) as refused:
        read(content[:at] + other + content[at + 1 :])
    assert refused.value.reason is Reason.FILE_RULE
    assert "IRMARK_MISMATCH" in refused.value.detail


def test_a_row_added_behind_the_mark_is_seen_and_white_space_too() -> None:
    content = marked()
    for changed in (
        content.replace("</Employee>", "</Employee>" + EMPLOYEE),
        content.replace("</Employee>", "</Employee> "),
        content.replace("<Body>", "<Body> "),
        content.replace("</Body>", " </Body>"),
    ):
        with pytest.raises(Refused, match="IRMARK_MISMATCH"):
            read(changed)


def test_what_stands_outside_of_the_body_does_not_count() -> None:
    content = marked().replace("<Function>submit</Function>", "<Function>x</Function>")
    assert notes(read(content)) == ["IRMARK_VALID"]


def test_line_breaks_in_the_mark_are_forgiven_and_an_empty_one_is_none() -> None:
    content = marked()
    assert notes(read(content.replace("=</IRmark>", "=\n </IRmark>"))) == ["IRMARK_VALID"]
    blank = envelope(body_of(EMPLOYEE, irmark="<IRmark> </IRmark>"))
    assert notes(read(blank)) == ["IRMARK_ABSENT"]
    assert len(records(read(blank))) == 2


def test_two_marks_are_refused_and_so_is_a_relative_namespace() -> None:
    for content in (
        marked().replace("<Sender>", "<IRmark>x</IRmark><Sender>"),
        marked().replace("<Gender>", '<x:x xmlns:x="relative"/><Gender>'),
    ):
        with pytest.raises(Refused) as refused:
            read(content)
        assert refused.value.reason is Reason.XML_NOT_VALID
