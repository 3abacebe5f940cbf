"""What the exit codes of the commands mean, and how an error becomes one."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import click

from certs.development import DevelopmentPkiError
from gateway.client.export import ExportError
from gateway.client.media import MediaTypeError
from gateway.client.problem import EvidenceError, Problem, UnreachableError
from gateway.client.profile import ProfileError
from gateway.config import SettingsError
from gateway.consumers.proposal import visible
from gateway.core.refusal import Refused
from gateway.edge.keyring import KeyRingError
from gateway.store.sqlite.connection import StoreError

T = TypeVar("T")


class Exit(enum.IntEnum):
    """Every exit code, the same for every command."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNAVAILABLE = 3
    NOT_PERMITTED = 4
    PARTIAL = 5
    INTERRUPTED = 130


MEANING: Final = {
    Exit.OK: "done; everything was accepted, or verifies",
    Exit.REFUSED: "refused, not found, or does not verify",
    Exit.USAGE: "the command, a file it names or its settings cannot be used",
    Exit.UNAVAILABLE: "the gateway or its store cannot be reached, now",
    Exit.NOT_PERMITTED: "the gateway does not know us, or does not permit this",
    Exit.PARTIAL: "accepted in part: some rows were refused",
    Exit.INTERRUPTED: "interrupted from the keyboard",
}


# What a message to programs calls a header is an option here.
_OPTIONS: Final = {
    "with the Request-Id header": "with --request ID",
    "Say with Content-Type which format the body has; /v1/formats lists them.": (
        "Say with --type which format the file has; docs/formats.md lists them."
    ),
    "Use one of the media types that /v1/formats lists.": (
        "Use one of the media types that docs/formats.md lists, with --type."
    ),
    "Send the file itself as the body of the request.": "Name a file that is not empty.",
    "with the same Idempotency-Key, ": "",
}


class Stop(click.ClickException):
    """Ends the command: what happened, where, and what to do next; and the exit code."""

    def __init__(self, message: str, code: Exit) -> None:
        super().__init__(message)
        self.exit_code = int(code)  # type: ignore[misc]


def code_of(status: int) -> Exit:
    """The exit code for the HTTP status of a problem."""
    if status in {401, 403}:
        return Exit.NOT_PERMITTED
    if status == 429 or status >= 500:
        return Exit.UNAVAILABLE
    return Exit.REFUSED


@contextmanager
def told() -> Iterator[None]:
    """Turn every error that is foreseen into a `Stop`."""
    try:
        yield
    except Problem as problem:
        raise Stop(said(problem.title, problem.detail, problem.fix), code_of(problem.status)) from (
            problem
        )
    except Refused as refusal:
        meaning = refusal.meaning
        message = said(meaning.title, refusal.detail, meaning.fix)
        raise Stop(message, code_of(meaning.status)) from refusal
    except UnreachableError as error:
        raise Stop(str(error), Exit.UNAVAILABLE) from error
    except EvidenceError as error:
        message = f"{error}\nKeep what was received, and tell the operator and the auditor."
        raise Stop(message, Exit.REFUSED) from error
    except StoreError as error:
        raise Stop(str(error), Exit.UNAVAILABLE) from error
    except (
        KeyRingError,
        ProfileError,
        SettingsError,
        MediaTypeError,
        ExportError,
        DevelopmentPkiError,
    ) as error:
        raise Stop(str(error), Exit.USAGE) from error
    except KeyboardInterrupt as interrupt:
        message = "Interrupted. What was done is done; run the command again to go on."
        raise Stop(message, Exit.INTERRUPTED) from interrupt
    except BrokenPipeError:  # who reads stdout has had enough
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        message = f"{where}{error.strerror or error}. Check the path, and that it may be used."
        raise Stop(message, Exit.UNAVAILABLE) from error


def said(title: str, detail: str, fix: str = "") -> str:
    """What is wrong and what to do, each said once, in the words of the command line."""
    told = [f"{title}." if title else "", "" if detail.rstrip(".") in {"", title} else detail, fix]
    text = " ".join(filter(None, told))
    for header, option in _OPTIONS.items():
        text = text.replace(header, option)
    return visible(text)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, with foreseen errors told in words."""
    with told():
        return asyncio.run(work)
