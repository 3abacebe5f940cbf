"""Which media type a file is sent under, where its sender does not say."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from gateway.client.answers import Format
from gateway.core.media import guess

__all__ = ["ARCHIVE", "MediaTypeError", "guess", "is_archive", "known"]

ARCHIVE: Final = "application/zip"


class MediaTypeError(ValueError):
    """No media type fits; the message says what to name instead."""


def is_archive(path: Path) -> bool:
    """Whether a file is an archive of files, by the end of its name."""
    return path.suffix.lower() == ".zip"


def known(media_type: str, formats: Iterable[Format]) -> str:
    """The same media type, if the gateway reads any format under it; raises MediaTypeError."""
    taken = {name for one in formats for name in (*one.media_types, *one.general_media_types)}
    if media_type in taken:
        return media_type
    raise MediaTypeError(
        f"The file looks like {media_type}, which this gateway does not read. "
        f"Name its media type with --type; known are: {', '.join(sorted(taken))}.",
    )
