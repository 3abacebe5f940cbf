"""Names that senders give to files: one form for each, and nothing that leads anywhere."""

from __future__ import annotations

import unicodedata

from gateway.core.limits import FILE_NAME_BYTES


class FileNameError(ValueError):
    """A name that cannot be one; the message says which rule it breaks, and never the name."""


def clean(name: str) -> str:
    """A name in its composed form (Unicode NFC); raises FileNameError.

    Printable characters only: none that controls, hides or turns text round.
    """
    text = unicodedata.normalize("NFC", name)
    if text in {"", ".", ".."} or "/" in text or "\\" in text:
        raise FileNameError("a name is not empty, not '.' or '..', and holds no slash")
    if not text.isprintable() or text != text.strip():
        raise FileNameError("a name holds printable characters only, and no space at either end")
    if len(text.encode()) > FILE_NAME_BYTES:
        raise FileNameError(f"a name has at most {FILE_NAME_BYTES} bytes in UTF-8")
    return text


def clean_path(path: str, most: int) -> str:
    """A path of up to `most` names that goes down only; raises FileNameError."""
    names = path.split("/")
    if len(names) > most:
        raise FileNameError(f"a path has at most {most} names")
    return "/".join(map(clean, names))
