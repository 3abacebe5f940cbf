"""Digests and views of records, held to docs/evidence.md by code that shares nothing with ours."""

from __future__ import annotations

import base64
import hashlib
import json

import msgspec
import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core import disclosure, feed_event
from gateway.core.disclosure import Shown
from gateway.core.feed_event import Origin, Tie
from gateway.core.groups.person import Answer, Who
from gateway.core.groups.work import Deducted, Work
from gateway.core.limits import BLOCK_RECORDS
from gateway.core.record import Record
from gateway.core.records import GROUP_NAMES, RECORD_TYPES, Deduction, NilReturn
from tests.any_record import structs

KEY = bytes(range(32))


# --- records of every type ----------------------------------------------------------------------


SHARED = Work(employer_reference="E1234567")
records_of_any_type = st.lists(
    st.one_of(
        st.builds(
            lambda row: Deduction(
                row=row,
                who=Who(surname="Marsh"),
                deduction=Deducted(due_pence=1, deducted_pence=1),
                work=SHARED,
            ),
            st.integers(1, 10**7),
        ),
        *[structs(cls) for cls in RECORD_TYPES.values()],
    ),
    min_size=1,
    max_size=12,
)
slowly = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


# --- docs/evidence.md, straightforwardly --------------------------------------------------------


def present(record: Record) -> dict[str, bytes]:
    """Each group that a record has, as its value: canonical JSON by another library."""
    builtin = json.loads(msgspec.json.encode(record))
    return {
        name: rfc8785.dumps(builtin[name])
        for name in sorted(builtin)
        if name not in {"type", "row", "key"}
    }


def leaf_of(kind: str, row: int, digests: dict[str, bytes]) -> bytes:
    statement = kind.encode() + b"\0" + str(row).encode() + b"\0"
    for name in sorted(digests):
        statement += name.encode() + b"\0" + digests[name]
    return hashlib.sha256(b"\0" + statement).digest()


def unb64u(text: str) -> bytes:
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


ORIGIN = Origin(
    source="https://gateway.test/v1/feeds/tracing",
    submission="sub_1",
    time="2026-11-22T21:30:00.123456Z",
    organisation="bank",
    provider_class="deposit_taker",
    entry=17,
    tie=Tie("unasked"),
    ties={3: Tie("matched", "req_2")},
)


def groups_of(block: disclosure.Block) -> list[tuple[str, int, dict[str, tuple[bytes, bytes]]]]:
    """Each record of a block: type, row, and each group's salt and value."""
    found = []
    for run in block.runs:
        for place, row in enumerate(run.rows):
            groups = {
                name: (column.salts[16 * place : 16 * place + 16], column.values[place])
                for name, column in run.columns.items()
            }
            found.append((run.type, row, groups))
    return found


@slowly
@given(records_of_any_type, st.integers(0, 40).map(lambda n: n * BLOCK_RECORDS))
def test_leaves_are_those_of_the_specification(given_records: list[Record], first: int) -> None:
    block, leaves = disclosure.build(given_records, first, KEY)
    found = groups_of(block)
    assert len(found) == block.count == len(given_records)
    assert block.first == first
    for record, (kind, row, groups), leaf in zip(
        given_records, found, disclosure.split(leaves), strict=True
    ):
        assert (kind, row) == (record.type_name, record.row)
        assert {name: value for name, (_, value) in groups.items()} == present(record)
        digests = {
            name: hashlib.sha256(salt + value).digest() for name, (salt, value) in groups.items()
        }
        assert leaf == leaf_of(kind, row, digests)


@slowly
@given(records_of_any_type)
def test_a_block_comes_back_from_its_stored_form(given_records: list[Record]) -> None:
    block, _ = disclosure.build(given_records, 0, KEY)
    assert disclosure.unpack(disclosure.pack(block)) == block


views = st.dictionaries(
    st.sampled_from(sorted(RECORD_TYPES)),
    st.builds(
        Shown,
        st.lists(st.sampled_from(GROUP_NAMES), unique=True).map(tuple),
        st.lists(st.sampled_from(["A", "B"]), min_size=1, unique=True).map(tuple),
    ),
)


@slowly
@given(records_of_any_type, views, st.integers(1, 10**9))
def test_a_view_shows_exactly_what_it_allows_and_proves_the_rest(
    given_records: list[Record], view: disclosure.View, seq: int
) -> None:
    block, leaves = disclosure.build(given_records, 512, KEY)
    hashes = disclosure.split(leaves)
    lines = disclosure.lines(block, view, ORIGIN, seq)
    places = [at for at, record in enumerate(given_records) if record.type_name in view]
    assert len(lines) == len(places)
    for number, (line, place) in enumerate(zip(lines, places, strict=True)):
        assert b"\n" not in line
        event, record = json.loads(line), given_records[place]
        told = event.pop("data")
        assert event == {
            "specversion": "1.0",
            "type": f"uk.gov.childmaintenance.record.{record.type_name}.v1",
            "source": ORIGIN.source,
            "subject": "sub_1",
            "time": ORIGIN.time,
            "organisation": "bank",
            "organisationclass": "deposit_taker",
            "ledgerentry": "17",
            "purpose": " ".join(view[record.type_name].purposes),
            "id": str(seq + number),
            "sequence": f"{seq + number:016d}",
        } | (
            {"confidence": "matched", "request": "req_2"}
            if record.row == 3
            else {"confidence": "unasked"}
        )
        shown, values = view[record.type_name], present(record)
        assert sorted(told) == [
            "groups", "leaf", "purposes", "row", "seq", "submission", "type", "withheld",
        ]  # fmt: skip
        assert (told["seq"], told["leaf"], told["row"]) == (seq + number, 512 + place, record.row)
        assert (told["submission"], told["type"]) == ("sub_1", record.type_name)
        assert tuple(told["purposes"]) == shown.purposes
        assert set(told["groups"]) == set(values) & set(shown.groups)
        assert set(told["withheld"]) == set(values) - set(shown.groups)
        digests = {name: unb64u(text) for name, text in told["withheld"].items()}
        for name, group in told["groups"].items():
            assert sorted(group) == ["salt", "value"]
            value = rfc8785.dumps(group["value"])
            assert value == values[name]
            digests[name] = hashlib.sha256(unb64u(group["salt"]) + value).digest()
        assert hashes[place] == leaf_of(record.type_name, record.row, digests)


@slowly
@given(records_of_any_type)
def test_what_is_withheld_is_nowhere_in_the_line(given_records: list[Record]) -> None:
    marked = [
        NilReturn(row=at, answer=Answer(code="MARKED"), who=Who(surname="HIDDEN"))
        for at, _ in enumerate(given_records, start=1)
    ]
    block, _ = disclosure.build(marked, 0, KEY)
    salts = [salt for _, _, groups in groups_of(block) for salt, _ in (groups["who"],)]
    for line, salt in zip(
        disclosure.lines(block, {"nil_return": Shown(("answer",), ("A",))}, ORIGIN, 1),
        salts,
        strict=True,
    ):
        assert b"MARKED" in line
        assert b"HIDDEN" not in line
        assert base64.urlsafe_b64encode(salt).rstrip(b"=") not in line


@slowly
@given(st.lists(records_of_any_type, min_size=2, max_size=4))
def test_salts_never_repeat_within_and_across_blocks(blocks: list[list[Record]]) -> None:
    seen: list[bytes] = []
    for number, members in enumerate(blocks):
        block, _ = disclosure.build(members, number * BLOCK_RECORDS, KEY)
        seen += [
            salt for _, _, groups in groups_of(block) for salt, _ in groups.values()
        ]  # fmt: skip
    assert all(len(salt) == 16 for salt in seen)
    assert len(set(seen)) == len(seen)


def test_the_fullest_blocks_keep_their_salts_apart() -> None:
    """A block of 256 records with every group uses far less keystream than lies between blocks."""
    record = structs_full()
    seen: set[bytes] = set()
    count = 0
    for number in (0, 1, 2):
        block, _ = disclosure.build([record] * BLOCK_RECORDS, number * BLOCK_RECORDS, KEY)
        for _, _, groups in groups_of(block):
            seen.update(salt for salt, _ in groups.values())
            count += len(groups)
    assert len(seen) == count == 3 * BLOCK_RECORDS * len(Deduction.group_names)
    other, _ = disclosure.build([record], 0, bytes(32))
    assert seen.isdisjoint(salt for salt, _ in groups_of(other)[0][2].values())


def structs_full() -> Deduction:
    """A deduction with all its groups."""
    groups = {
        field.name: msgspec.convert({}, field.type)
        for field in msgspec.structs.fields(Deduction)
        if field.name in {"pay", "where", "case"}
    }
    return Deduction(
        row=1, who=Who(), deduction=Deducted(due_pence=0, deducted_pence=0), work=SHARED, **groups
    )


@pytest.mark.parametrize(("count", "first"), [(0, 0), (257, 0), (1, 1), (1, 255)])
def test_a_block_of_no_place_is_our_mistake(count: int, first: int) -> None:
    with pytest.raises(ValueError, match="256"):
        disclosure.build([structs_full()] * count, first, KEY)


def test_the_same_records_and_key_give_the_same_bytes() -> None:
    """So that a submission that is read again after a crash gets the receipt it would have had."""
    members = [structs_full()] * 3
    assert disclosure.build(members, 256, KEY) == disclosure.build(members, 256, KEY)
    assert disclosure.build(members, 256, KEY) != disclosure.build(members, 0, KEY)


def test_the_first_salt_is_keystream_at_the_blocks_counter() -> None:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415

    block, _ = disclosure.build([structs_full()], 256, KEY)
    ecb = Cipher(algorithms.AES(KEY), modes.ECB()).encryptor()
    counter = (256 << 64).to_bytes(16, "big")
    ((_, _, groups),) = groups_of(block)
    assert groups["case"][0] == ecb.update(counter)


@given(st.binary(min_size=32, max_size=160).filter(lambda data: len(data) % 32 == 0))
def test_a_block_line_holds_its_members_and_leaves(leaves: bytes) -> None:
    line = disclosure.block_line(ORIGIN, "block-1", {"first": 0, "class": "employer"}, leaves)
    event = json.loads(line)
    assert (event["type"], event["id"]) == (feed_event.BLOCK, "block-1")
    block = event["data"]
    assert b"".join(map(unb64u, block.pop("leaves"))) == leaves
    assert block == {"first": 0, "class": "employer"}
