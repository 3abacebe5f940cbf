"""Sealed bodies as streams: what is read at any place is what was written there."""

from __future__ import annotations

import asyncio
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.envelope import Envelope, EnvelopeError
from gateway.store.bodies import Bodies, BodyWriter, FileBody

KEY = bytes(range(32))


def sealed(directory: Path, pieces: list[bytes]) -> FileBody:
    writer = BodyWriter(directory / "x.body", Envelope(KEY, "x"))
    for piece in pieces:
        writer.write(piece)
    return asyncio.run(writer.close())


steps = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(0, 400), st.just(0)),
        st.tuples(st.just("seek"), st.integers(-300, 600), st.sampled_from([0, 1, 2])),
    ),
    max_size=25,
)


@settings(deadline=None)
@given(pieces=st.lists(st.binary(min_size=1, max_size=90), max_size=6), steps=steps)
def test_a_sealed_body_reads_and_seeks_as_its_bytes_do(
    pieces: list[bytes], steps: list[tuple[str, int, int]]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        model = io.BytesIO(b"".join(pieces))
        with sealed(Path(directory), pieces).open() as stream:
            for what, number, whence in steps:
                if what == "read":
                    assert stream.read(number) == model.read(number)
                    continue
                base = {0: 0, 1: model.tell(), 2: len(model.getvalue())}[whence]
                if base + number < 0:
                    with pytest.raises(OSError, match=r"."):
                        stream.seek(number, whence)
                    continue
                assert stream.seek(number, whence) == model.seek(number, whence)
                assert stream.tell() == model.tell()


def test_a_piece_that_was_moved_does_not_open_where_it_is_found(tmp_path: Path) -> None:
    body = sealed(tmp_path, [b"a" * 50, b"b" * 50])
    path = tmp_path / "x.body"
    data = path.read_bytes()
    half = len(data) // 2
    path.write_bytes(data[half:] + data[:half])
    with body.open() as stream, pytest.raises(EnvelopeError):
        stream.seek(60)


async def test_an_upload_goes_on_whether_its_pieces_were_counted_or_not(tmp_path: Path) -> None:
    bodies, said = Bodies(tmp_path), b""
    for n in range(6):
        if n % 2:
            bodies = Bodies(tmp_path)  # a gateway that was started again
        writer = bodies.resume("upl_1", KEY, len(said))
        for piece in (b"x" * 1_000, b"%d" % n):
            writer.write(piece)
        await writer.close()
        if n != 3:  # what the database never heard of is cut off
            said += b"x" * 1_000 + b"%d" % n
    await bodies.resume("upl_1", KEY, len(said)).close()
    with bodies.body("upl_1", KEY).open() as stream:
        assert stream.read() == said
    with pytest.raises(ValueError, match="does not hold"):
        Bodies(tmp_path).resume("upl_1", KEY, 17)
