"""Paths of the inbox that an organisation sees over SFTP: names in a tree that exists nowhere.

/                                     the organisation's root
/inbox/                               what is sent without being asked
/inbox/req_.../                       what answers that request
/inbox/req_.../request.json           what is asked, and as request.xml where a bank asks for it so
/inbox/bat_.../                       what answers a list of requests
/inbox/bat_.../list.csv               the list
/inbox/sub_.../                       refused rows of that submission, mended
/inbox/october.csv                    a file that was sent
/inbox/october.csv.outcome.json       what became of it, and the other results
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.core.file_name import FileNameError, clean
from gateway.core.limits import INBOX_PATH_BYTES
from gateway.core.what_for import FOLDERS

OUTCOME: Final = ".outcome.json"
ERRORS: Final = ".errors.csv"
RECEIPT: Final = ".tlog-proof"
RESULTS: Final = (OUTCOME, ERRORS, RECEIPT)
# What clients call a file that they have not finished.
PARTIAL: Final = (".part", ".tmp", ".filepart")
INBOX: Final = "inbox"


class PathError(ValueError):
    """A path that cannot be; the message says why, and never the path."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads. `folder` is the request or the submission, or empty; `name` is None for a directory.

    `result` is the ending of a result, where the path names one; then `name` is the file's.
    """

    inside: bool
    folder: str = ""
    name: str | None = None
    result: str | None = None


def names_of(path: bytes) -> tuple[str, ...]:
    """The names on the way down from the root; there is nothing above it (as in a chroot)."""
    if len(path) > INBOX_PATH_BYTES:
        raise PathError("the path is too long")
    try:
        text = path.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PathError("names are UTF-8") from error
    if "\0" in text:
        raise PathError("a name holds no zero byte")
    names: list[str] = []
    for part in text.split("/"):
        if part == "..":
            del names[-1:]
        elif part not in {"", "."}:
            names.append(part)
    return tuple(names)


def place_of(path: bytes) -> Place | None:
    """Where a path leads, or None where nothing can be; raises PathError for what is no path."""
    match names_of(path):
        case ():
            return Place(inside=False)
        case ("inbox",):
            return Place(inside=True)
        case ("inbox", folder) if folder.startswith(FOLDERS):
            return Place(inside=True, folder=folder)
        case ("inbox", name):
            return _file("", name)
        case ("inbox", folder, name) if folder.startswith(FOLDERS):
            return _file(folder, name)
    return None


def _file(folder: str, name: str) -> Place:
    result = next((end for end in RESULTS if name.endswith(end)), None)
    try:
        text = clean(name.removesuffix(result or ""))
    except FileNameError as error:
        raise PathError(str(error)) from error
    return Place(inside=True, folder=folder, name=text, result=result)


def is_partial(name: str) -> bool:
    """Whether a file of this name is taken only once it has another."""
    return name.lower().endswith(PARTIAL)


def path_of(path: bytes) -> bytes:
    """The one form of a path, absolute."""
    return ("/" + "/".join(names_of(path))).encode()
