"""Zip archives with a manifest for tests: sound ones, and ones that are wrong in one place."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Any

CSV = "text/csv"


def listed(name: str, data: bytes, **more: Any) -> dict[str, Any]:
    """A line of a manifest."""
    return {"name": name, "media_type": CSV, "sha256": hashlib.sha256(data).hexdigest()} | more


def zipped(
    files: list[tuple[str | zipfile.ZipInfo, bytes]],
    manifest: bytes | None,
    how: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """An archive of these files, with these bytes as its manifest."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", how) as archive:
        if manifest is not None:
            archive.writestr("manifest.json", manifest)
        for name, data in files:
            archive.writestr(name, data)
    return stream.getvalue()


def manifest_of(*lines: dict[str, Any]) -> bytes:
    """The bytes of a manifest."""
    return json.dumps({"files": lines}).encode()


def archive(files: dict[str, bytes], **more: Any) -> bytes:
    """A sound archive; `more` goes into each line of the manifest."""
    lines = [listed(name, data, **more) for name, data in files.items()]
    return zipped(list(files.items()), manifest_of(*lines))
