"""Compressing what is sent: in memory what is there, else in a file that is gone afterwards."""

from __future__ import annotations

import asyncio
import tempfile
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal

from backports import zstd

Encoding = Literal["gzip", "zstd"]

_PIECE_BYTES: Final = 1024 * 1024


def _packer(encoding: Encoding) -> Any:
    # Neither writes a name or a time: the same file has the same bytes, and can be gone on with.
    return zlib.compressobj(wbits=31) if encoding == "gzip" else zstd.ZstdCompressor()


@asynccontextmanager
async def packed(source: Path | bytes, encoding: Encoding | None) -> AsyncIterator[Path | bytes]:
    """What goes over the wire for a source, until the block is left."""
    if encoding is None:
        yield source
    elif isinstance(source, bytes):
        packer = _packer(encoding)
        yield packer.compress(source) + packer.flush()
    else:
        with tempfile.TemporaryDirectory(prefix="cms-gateway-") as directory:
            path = Path(directory) / "packed"
            await asyncio.to_thread(_pack, source, path, encoding)
            yield path


def _pack(source: Path, path: Path, encoding: Encoding) -> None:
    packer = _packer(encoding)
    with source.open("rb") as file, path.open("wb") as out:
        while piece := file.read(_PIECE_BYTES):
            out.write(packer.compress(piece))
        out.write(packer.flush())
