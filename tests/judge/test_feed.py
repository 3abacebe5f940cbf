"""A valid page verifies; what is altered on it is found and named."""

import json
import re

import evidence_build as build
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.judge.feed import verify_feed

LEDGER = build.small_ledger()
ONE, TWO = build.Submission("sub-1", 3, recorded=5), build.Submission("sub-2", 2, recorded=9)
PAGE = [
    build.block_line(ONE, LEDGER),
    *[build.record_line(ONE, leaf, leaf + 1) for leaf in range(3)],
    build.block_line(TWO, LEDGER),
    build.record_line(TWO, 0, 4, withhold=("deduction", "who")),
    build.record_line(TWO, 1, 5, withhold=()),
    build.page_line(LEDGER, 1, 5),
]
WORDS = ("feed", "consumer", "next", "read")  # what the page line says that is not evidence


def said(lines, key=build.VKEY):
    verdict = verify_feed(lines, key)
    assert not verdict.ok
    assert verdict.facts == ()
    return " | ".join(map(str, verdict.findings))


def with_line(at, line):
    return [*PAGE[:at], line, *PAGE[at + 1 :]]


def test_a_valid_page_verifies():
    verdict = verify_feed(PAGE, build.VKEY)
    assert verdict.ok, verdict.findings
    assert (verdict.records, verdict.blocks, verdict.pages, verdict.entries) == (5, 2, 1, 2)
    assert verify_feed([f"{line}\n".encode() for line in PAGE], build.VKEY) == verdict


def words_in_page_line():
    """Return the places in the joined page whose bytes are the gateway's word and no more."""
    line = json.loads(PAGE[-1])["data"]
    text = "\n".join(PAGE)
    places = set()
    for name in WORDS:
        member = f'"{name}": {json.dumps(line[name])}'
        start = len(text[: text.rindex(member)].encode()) + len(f'"{name}": ')
        places |= set(range(start, start + len(json.dumps(line[name]))))
    # The ids of a block and of the page name the event, and nothing that could be proved.
    for found in re.finditer(r'"id": "(?:block|page)-[0-9]+"', text):
        start = len(text[: found.start()].encode()) + len('"id": ')
        places |= set(range(start, start + len(found[0]) - len('"id": ')))
    return places


JOINED = "\n".join(PAGE).encode()
SPOKEN = words_in_page_line()


def flip(bit):
    flipped = bytearray(JOINED)
    flipped[bit // 8] ^= 1 << bit % 8
    verdict = verify_feed(bytes(flipped).split(b"\n"), build.VKEY)
    line = JOINED[: bit // 8].count(b"\n") + 1
    assert not verdict.ok, (line, bit, JOINED[bit // 8 - 20 : bit // 8 + 20])
    if JOINED[bit // 8] != ord("\n"):
        named = [finding.where.split(",")[0] for finding in verdict.findings]
        # Where a page comes from is said on every line; the first cannot be told from the others.
        elsewhere = bit // 8 < JOINED.index(b'"id"') and "line 2" in named
        assert f"line {line}" in named or line == len(PAGE) or elsewhere, (line, named)


def test_every_byte_counts():
    for at in range(len(JOINED)):
        if at not in SPOKEN:
            flip(at * 8 + at % 8)


@given(st.integers(0, len(JOINED) * 8 - 1).filter(lambda bit: bit // 8 not in SPOKEN))
def test_every_bit_counts(bit):
    flip(bit)


@given(st.integers(0, len(PAGE) - 2))
def test_every_line_counts(at):
    assert not verify_feed([*PAGE[:at], *PAGE[at + 1 :]], build.VKEY).ok


@pytest.mark.parametrize(
    ("at", "line", "expected"),
    [
        (0, build.block_line(ONE, LEDGER, organisation="org-8"), "agree with its entry on organ"),
        (0, build.block_line(ONE, LEDGER, request="r"), "agree with its entry on request"),
        (0, build.block_line(ONE, LEDGER, recorded_at=build.instant(6)), "on recorded_at"),
        (0, build.block_line(ONE, LEDGER, submission="sub-2"), "on submission"),
        (0, build.block_line(ONE, LEDGER, records=4), "as many records"),
        (0, build.block_line(ONE, LEDGER, records=True), "records that is a whole number"),
        (0, build.block_line(ONE, LEDGER, first=1), "multiple of 256"),
        (0, build.block_line(ONE, LEDGER, first=256), "cannot be"),
        (0, build.block_line(ONE, LEDGER, first=-256), "whole number"),
        (0, build.block_line(ONE, LEDGER, leaves=[]), "cannot be"),
        (0, build.block_line(ONE, LEDGER, leaves="x"), "list"),
        (0, build.block_line(ONE, LEDGER, leaves=[1]), "base64url"),
        (0, build.block_line(ONE, LEDGER, path=[build.b64u(bytes(32))]), "too long"),
        (0, build.block_line(ONE, LEDGER, index=1), "another root"),
        (0, build.block_line(ONE, LEDGER, index=11), "cannot be"),
        (0, build.block_line(ONE, LEDGER, inclusion=[]), "too short"),
        (0, build.block_line(ONE, LEDGER, entry=build.b64u(LEDGER[3])), "not submission.accepted"),
        (0, build.block_line(ONE, LEDGER, entry=build.b64u(b"x")), "JSON"),
        (0, build.block_line(ONE, LEDGER, extra=1), "too many or too few"),
        (1, build.record_line(ONE, 0, 2), "where 1 is due"),
        (2, build.record_line(ONE, 0, 2), "a second time"),
        (1, build.record_line(ONE, 0, 1, leaf=3), "not in the block"),
        (1, build.record_line(ONE, 0, 1, leaf=1), "not what the organisation sent"),
        (1, build.record_line(ONE, 0, 1, row=2), "not what the organisation sent"),
        (1, build.record_line(ONE, 0, 1, type="earnings"), "not what the organisation sent"),
        (1, build.record_line(ONE, 0, 1, type="a\0b"), "whose name cannot be"),
        (1, build.record_line(ONE, 0, 1, withheld={}), "not what the organisation sent"),
        (1, build.record_line(ONE, 0, 1, withheld=[]), "what is withheld"),
        (1, build.record_line(ONE, 0, 1, purposes=[]), "no purpose"),
        (1, build.record_line(ONE, 0, 1, purposes=["curiosity"]), "does not have"),
        (1, build.record_line(ONE, 0, 1, purposes=[["x"]]), "does not have"),
        (1, build.record_line(ONE, 0, 1, groups={"who": 1}), "both shows and withholds"),
        (1, build.record_line(ONE, 0, 1, groups={"pay": 1}), "not a salt and a value"),
        (1, build.record_line(ONE, 0, 1, groups={"pay": {"salt": "AA", "value": {}}}), "bytes"),
        (1, build.record_line(ONE, 0, 1, groups={"pay": {"salt": "A" * 22, "value": 1}}), "object"),
        (1, build.record_line(ONE, 0, 1, submission="sub-9"), "no block"),
        (1, build.record_line(ONE, 0, 1, submission=[]), "no block"),
        (1, build.record_line(ONE, 0, 1, extra=1), "too many or too few"),
        (7, build.page_line(LEDGER, 1, 4), "counts 4 records where there are 5"),
        (7, build.page_line(LEDGER, 0, 5), "before the first"),
        (7, build.page_line(LEDGER, 1, 5, read=8), "before its records"),
        (7, build.page_line(LEDGER, 1, 5, read=None), "read"),
        (7, build.page_line(LEDGER, 1, 5, more=0), "more"),
        (7, build.page_line(LEDGER, 1, 5, feed=1), "whose feed"),
        (7, build.page_line(LEDGER, 1, 5, checkpoint=None), "no checkpoint"),
        (7, build.page_line(LEDGER, 1, 5, checkpoint="x"), "three lines"),
        (7, build.page_line(LEDGER, 1, 5, extra=5), "too many or too few"),
        (7, "", "JSON"),
        (7, "[]", "object"),
        (7, "{}", "not a block"),
        (7, '{"type": "uk.gov.childmaintenance.feed.other.v1"}', "not a block"),
        (7, '{"type": "uk.gov.childmaintenance.feed.page.v1", "data": 1}', "not an object"),
        (7, '{"data": {}, "data": {}}', "twice"),
        (7, b"\xff", "UTF-8"),
        (7, "[" * 100_000, "JSON"),
    ],
)
def test_what_cannot_be_is_named(at, line, expected):
    text = said(with_line(at, line))
    assert expected in text, text
    assert f"line {at + 1}" in text


def test_a_page_that_begins_elsewhere():
    assert "line 2, record 1: it has this number where 2 is due" in said(
        with_line(7, build.page_line(LEDGER, 2, 5)),
    )


def test_a_page_without_its_end_and_no_page():
    assert "page line is missing" in said(PAGE[:-1])
    assert "there is no page" in said([])
    assert "the key" in said(PAGE, "nonsense")


def test_another_key_is_found():
    other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert "not signed by the key" in said(PAGE, other)


def test_an_empty_page_verifies():
    assert verify_feed([build.page_line(LEDGER, 6, 0, read=None)], build.VKEY).ok


def test_pages_in_a_row():
    first = [*PAGE[:4], build.page_line(LEDGER, 1, 3, more=True)]
    grown = [*LEDGER, build.retrieved(5, 11)]
    second = [
        build.block_line(TWO, grown),
        build.record_line(TWO, 0, 4),
        build.record_line(TWO, 1, 5),
    ]
    verdict = verify_feed([*first, *second, build.page_line(grown, 4, 2)], build.VKEY)
    assert verdict.ok, verdict.findings
    assert (verdict.pages, verdict.records) == (2, 5)
    assert "whose" not in said([*first, *PAGE])
    assert "begins at 1 where" in said([*first, *PAGE])
    assert "another feed" in said([*first, *second, build.page_line(grown, 4, 2, consumer="t")])
    late = [*second, build.page_line(grown, 4, 2)]
    assert "older" in said([*late, build.page_line(LEDGER, 6, 0)])
    forked = [*grown[:-1], build.retrieved(4, 11)]
    assert "the key signed two" in said([*late, build.page_line(forked, 6, 0)])


def test_a_block_on_the_page_before_does_not_count():
    first = [*PAGE[:3], build.page_line(LEDGER, 1, 2)]
    lines = [*first, build.record_line(ONE, 2, 3), build.page_line(LEDGER, 3, 1)]
    assert "no block of its submission" in said(lines)


@pytest.mark.parametrize("rows", [256, 300, 600])
def test_large_submissions_verify_block_by_block(rows):
    big = build.Submission("sub-big", rows, recorded=5)
    ledger = [build.opened(), big.entry, big.relayed({"calculation": 1})]
    lines = []
    for n in range(-(-rows // 256)):
        lines.append(build.block_line(big, ledger, n))
        places = range(256 * n, min(rows, 256 * n + 256))
        lines += [build.record_line(big, leaf, leaf + 1) for leaf in places]
    verdict = verify_feed([*lines, build.page_line(ledger, 1, rows)], build.VKEY)
    assert verdict.ok, verdict.findings
    assert verdict.records == rows
    swapped = [build.block_line(big, ledger, 0, first=256), *lines[1:]]
    assert not verify_feed([*swapped, build.page_line(ledger, 1, rows)], build.VKEY).ok


@given(st.lists(st.text(max_size=50) | st.binary(max_size=50), max_size=4))
def test_nothing_makes_it_raise(lines):
    assert not verify_feed(lines, build.VKEY).ok


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    ),
    st.integers(0, len(PAGE) - 1),
    st.integers(0, 12),
)
def test_no_member_makes_it_raise(value, at, place):
    line = json.loads(PAGE[at])
    holder = line if place % 2 else line["data"]
    members = sorted(holder)
    holder[members[place % len(members)]] = value
    verify_feed(with_line(at, json.dumps(line)), build.VKEY)
