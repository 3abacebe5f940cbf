"""A valid export verifies; every tampering with it is found, and the entry that was hit is named."""

import json
import os
import tracemalloc

import evidence_build as build
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.judge.ledger import tile_name, verify_export
from gateway.judge.verdict import MAX_FINDINGS

LEDGER = build.small_ledger()
FILES = build.files_of(LEDGER)
BUNDLE = "tile/entries/000.p/11"


def verdict_on(directory, entries, **checkpoint):
    build.write_files(directory, build.files_of(entries, **checkpoint))
    return verify_export(directory, build.VKEY)


def said(verdict):
    assert not verdict.ok
    assert verdict.facts == ()
    return " | ".join(map(str, verdict.findings))


def changed(entry, **members):
    return build.canonical(json.loads(entry) | members)


def many_entries(count):
    """A long ledger: every third entry a page, and an act of administration here and there."""
    entries, seq = [build.opened()], 1
    while len(entries) < count:
        n = len(entries)
        submission = build.Submission(f"sub-{n}", 1, recorded=n)
        entries += [submission.entry, submission.relayed({"calculation": seq})]
        entries.append(build.delivered(seq, seq, n))
        if n % 5 == 0:
            entry = {"v": 1, "kind": "key.added", "time": build.instant(n), "id": f"r{n}"}
            entries.append(build.canonical(entry))
        seq += 1
    return entries[:count]


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    directory = tmp_path_factory.mktemp("export")
    build.write_files(directory, FILES)
    return directory


def test_a_valid_export_verifies(export):
    verdict = verify_export(export, build.VKEY)
    assert verdict.ok, verdict.findings
    assert verdict.entries == 11
    assert dict(verdict.facts)["size"] == "11"


@pytest.mark.parametrize("count", [1, 255, 256, 257, 513])
def test_any_size_verifies(tmp_path, count):
    entries = many_entries(count)
    if json.loads(entries[-1])["kind"] == "submission.accepted":
        entries[-1] = build.retrieved(1, count)
    verdict = verdict_on(tmp_path, entries)
    assert verdict.ok, verdict.findings
    assert verdict.entries == count


def test_three_levels_of_tiles_verify_and_each_is_read(tmp_path):
    time = "2026-11-22T21:00:00.000000Z"
    entries = [
        build.canonical({"v": 1, "kind": "client.added", "time": time, "id": str(n)})
        for n in range(65_536)
    ]
    entries[0] = changed(build.opened(), time=time)
    verdict = verdict_on(tmp_path, entries)
    assert verdict.ok, verdict.findings
    for name in ("tile/2/000.p/1", "tile/1/000"):
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(bytes([data[0] ^ 1]) + data[1:])
    assert [finding.where for finding in verify_export(tmp_path, build.VKEY).findings] == [
        "tile/1/000",
        "tile/2/000.p/1",
    ]


def entry_at(offset):
    """Which entry of the small ledger's bundle a byte belongs to, its length included."""
    for index, entry in enumerate(LEDGER):
        offset -= len(entry) + 2
        if offset < 0:
            return index
    raise AssertionError


def flip(directory, name, bit):
    data = bytearray(FILES[name])
    data[bit // 8] ^= 1 << bit % 8
    (directory / name).write_bytes(data)
    verdict = verify_export(directory, build.VKEY)
    (directory / name).write_bytes(FILES[name])
    assert not verdict.ok, (name, bit)
    where = [finding.where for finding in verdict.findings]
    if name == BUNDLE:
        assert where[0] == f"entry {entry_at(bit // 8)}"
    elif name == "tile/0/000.p/11":
        assert where == [f"entry {bit // 8 // 32}"]
    else:
        assert where[0] == name


@pytest.mark.parametrize("name", FILES)
def test_every_byte_counts(export, name):
    for at in range(len(FILES[name])):
        flip(export, name, at * 8 + at % 8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(sorted(FILES)), st.data())
def test_every_bit_counts(export, name, data):
    flip(export, name, data.draw(st.integers(0, len(FILES[name]) * 8 - 1)))


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(tmp_path, name):
    build.write_files(tmp_path, {other: data for other, data in FILES.items() if other != name})
    assert f"{name}: it is missing" in said(verify_export(tmp_path, build.VKEY))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("alter", [lambda data: data[:-1], lambda data: data + b"\n"])
def test_a_file_of_another_length_is_named(tmp_path, name, alter):
    build.write_files(tmp_path, FILES | {name: alter(FILES[name])})
    assert name in said(verify_export(tmp_path, build.VKEY))


@pytest.mark.parametrize(
    "name",
    ["README", "tile/0/000", "tile/entries/000.p/10", "tile/1/000.p/1", "tile/0/x000/000.p/11",
     "tile/00/000.p/11", "tile/8/000", "tile/0/001", "checkpoint.old", "tile/entries/000.p/x/y"],
)  # fmt: skip
def test_a_file_that_does_not_belong_is_named(tmp_path, name):
    build.write_files(tmp_path, FILES | {name: b"x"})
    assert f"{name}: it does not belong" in said(verify_export(tmp_path, build.VKEY))


def test_empty_folders_links_and_pipes_are_named(tmp_path):
    build.write_files(tmp_path, FILES)
    (tmp_path / "empty").mkdir()
    (tmp_path / "elsewhere").symlink_to("/")
    (tmp_path / BUNDLE).rename(tmp_path / "bundle")
    (tmp_path / BUNDLE).symlink_to(tmp_path / "bundle")
    (tmp_path / "checkpoint").rename(tmp_path / "real")
    os.mkfifo(tmp_path / "checkpoint")
    text = said(verify_export(tmp_path, build.VKEY))
    assert "checkpoint: it is not a plain file" in text
    (tmp_path / "checkpoint").unlink()
    (tmp_path / "real").rename(tmp_path / "checkpoint")
    text = said(verify_export(tmp_path, build.VKEY))
    for name in ("empty", "elsewhere", "bundle"):
        assert f"{name}: it does not belong" in text
    assert f"{BUNDLE}: it is not a plain file" in text


def test_no_directory_and_no_key(tmp_path):
    assert "checkpoint: it is missing" in said(verify_export(tmp_path / "none", build.VKEY))
    assert "the key" in said(verify_export(tmp_path, "nonsense"))
    build.write_files(tmp_path, FILES)
    other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    text = said(verify_export(tmp_path, other))
    assert "origin.vkey: it is not the key given" in text
    assert "checkpoint: it is not signed by the key" in text


@pytest.mark.parametrize(
    ("at", "entry", "where", "expected"),
    [
        (0, changed(LEDGER[1], time=build.instant(1)), 0, "not ledger.opened"),
        (0, changed(build.opened(), origin="other.example"), 0, "another origin"),
        (5, changed(build.opened(), time=build.instant(6)), 5, "opened a second time"),
        (4, changed(LEDGER[4], time=build.instant(4)), 4, "before that of entry 3"),
        (4, changed(LEDGER[4], time="2026-13-22T21:00:06.000006Z"), 4, "calendar"),
        (4, changed(LEDGER[4], time="2026-11-22T21:00:06.00006Z"), 4, "length"),
        (4, changed(LEDGER[4], time="2026-11-22 21:00:06.000006Z"), 4, "YYYY"),
        (4, changed(LEDGER[4], v=2), 4, "v"),
        (4, changed(LEDGER[4], v=True), 4, "v"),
        (1, changed(LEDGER[1], v=True), 1, "version"),
        (1, changed(LEDGER[1], id=""), 1, "no id"),
        (1, changed(LEDGER[1], kind="organisation.lost"), 1, "known kind"),
        (4, changed(LEDGER[4], extra=1), 4, "unknown field"),
        (4, changed(LEDGER[4], count=3.5), 4, "canonical form"),
        (4, changed(LEDGER[4], count=2), 4, "counts 2 records"),
        (4, changed(LEDGER[4], last=4, count=4), 4, "no record 4 yet"),
        (4, changed(LEDGER[4], feed="other"), 4, "no record 3 yet"),
        (5, changed(LEDGER[5], upto=4), 5, "no record 4 yet"),
        (
            9,
            changed(LEDGER[9], feeds={"calculation": {"first": 5, "count": 2, "view": build.VIEW}}),
            9,
            "instead of 4",
        ),
        (
            9,
            changed(LEDGER[9], feeds={"calculation": {"first": 3, "count": 2, "view": build.VIEW}}),
            9,
            "instead of 4",
        ),
        (
            9,
            changed(LEDGER[9], feeds={"calculation": {"first": 4, "count": 3, "view": build.VIEW}}),
            9,
            "more records",
        ),
        (9, changed(LEDGER[9], submission="sub-3"), 9, "was waiting"),
        (9, changed(LEDGER[9], submission="sub-3"), 8, "never relayed"),
        (9, LEDGER[3].replace(build.instant(5).encode(), build.instant(9).encode()), 9, "waiting"),
        (8, changed(LEDGER[8], rows={"accepted": 0, "refused": 0, "nil": 0}), 8, "rows"),
        (8, changed(LEDGER[8], rows={"accepted": 2, "refused": 0, "nil": 3}), 8, "rows"),
        (8, changed(LEDGER[8], content=build.b64u(bytes(31))), 8, "length"),
        (8, changed(LEDGER[8], content="!" * 43), 8, "base64url"),
        (8, changed(LEDGER[8], content="A" * 42 + "B"), 8, "canonical base64url"),
        (6, changed(LEDGER[6], submission="sub-1"), 6, "already in entry 2"),
        (6, build.received_entry(), 7, "already in entry 6"),
        (5, b"", 5, "JSON"),
        (5, b"[]", 5, "object"),
        (5, b"\xff", 5, "UTF-8"),
        (5, b"[" * 60_000, 5, "JSON"),
        (5, b'{"a":NaN}', 5, "NaN"),
        (5, b'{"a":1e999}', 5, "canonical form"),
        (5, b'{"a":9007199254740993}', 5, "canonical form"),
        (5, b'{"v":1,"v":1}', 5, "twice"),
        (5, LEDGER[5] + b"\n", 5, "canonical"),
        (5, LEDGER[5] + b"\n" + LEDGER[5], 5, "JSON"),
        (5, LEDGER[5].replace(b'"v":1', b'"v": 1'), 5, "canonical"),
        (5, LEDGER[5].replace(b'"v":1', b'"v":1.0'), 5, "canonical"),
        (5, LEDGER[5].replace(b"client-9", b"client\\u002d9"), 5, "canonical"),
        (1, LEDGER[1].replace("Caf\u00e9".encode(), b"Caf\\u00e9"), 1, "canonical"),
    ],
)
def test_what_cannot_be_is_named_though_it_is_signed(tmp_path, at, entry, where, expected):
    entries = [*LEDGER[:at], entry, *LEDGER[at + 1 :]]
    verdict = verdict_on(tmp_path, entries)
    found = [str(finding) for finding in verdict.findings if finding.where == f"entry {where}"]
    assert any(expected in text for text in found), verdict.findings


def test_an_empty_ledger_is_named(tmp_path):
    assert "empty ledger" in said(verdict_on(tmp_path, []))


def test_a_signed_size_or_root_that_is_not_that_of_the_entries(tmp_path):
    text = said(verdict_on(tmp_path, LEDGER, root=bytes(32)))
    assert text.startswith("checkpoint: its root is not that of the 11 entries")


def test_entries_left_out_added_or_moved_are_found(tmp_path):
    for n, entries in enumerate(
        [
            LEDGER[:4] + LEDGER[5:],
            LEDGER[:5] + LEDGER[4:],
            LEDGER[:5] + LEDGER[7:4:-1] + LEDGER[8:],
        ],
    ):
        build.write_files(tmp_path / str(n), build.files_of(entries, root=build.root_of(
            [build.leaf_of(entry) for entry in LEDGER],
        )))  # fmt: skip
        assert "root" in said(verify_export(tmp_path / str(n), build.VKEY))


def test_a_claim_of_endless_entries_ends(tmp_path):
    verdict = verdict_on(tmp_path, LEDGER, size=(1 << 63) - 1)
    assert len(verdict.findings) == MAX_FINDINGS


def test_after_a_gap_others_are_not_blamed(tmp_path):
    entries = many_entries(600)
    build.write_files(tmp_path, build.files_of(entries))
    (tmp_path / "tile/entries/001").unlink()
    verdict = verify_export(tmp_path, build.VKEY)
    assert [finding.where for finding in verdict.findings] == ["tile/entries/001"]
    assert verdict.entries == 600 - 256


def test_after_a_broken_length_only_the_first_is_blamed(tmp_path):
    entries = many_entries(600)
    files = build.files_of(entries)
    bundle = bytearray(files["tile/entries/001"])
    at = sum(len(entry) + 2 for entry in entries[256:270])
    bundle[at + 1] ^= 4
    build.write_files(tmp_path, files | {"tile/entries/001": bundle})
    where = [finding.where for finding in verify_export(tmp_path, build.VKEY).findings]
    assert where == ["entry 270", "tile/entries/001"]


def test_names_of_tiles():
    assert tile_name("0", 1234067, 256) == "tile/0/x001/x234/067"
    assert tile_name("entries", 67, 3) == "tile/entries/067.p/3"


def test_memory_is_flat(tmp_path):
    peaks = []
    for count in (1_024, 8_192):
        directory = tmp_path / str(count)
        time = build.instant(1)
        entries = [
            changed(build.delivered(1, 0, 1), client=f"client-{n:05d}") for n in range(count)
        ]
        entries[0] = changed(build.opened(), time=time)
        build.write_files(directory, build.files_of(entries))
        assert verify_export(directory, build.VKEY).ok
        tracemalloc.start()
        verify_export(directory, build.VKEY)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
