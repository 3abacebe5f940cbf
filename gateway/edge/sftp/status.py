"""What goes wrong in an SFTP session, in a status and a sentence for people; never a trace."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

import asyncssh
import structlog

from gateway.core.inbox_path import PathError
from gateway.core.refusal import Reason, Refused

log = structlog.get_logger("sftp")


class Living(Protocol):
    """A session; `alive` raises SFTPPermissionDenied once it may do nothing more."""

    def alive(self) -> None:
        """Say that something was said."""


S = TypeVar("S", bound=Living)
P = ParamSpec("P")
T = TypeVar("T")


def told(
    method: Callable[Concatenate[S, P], Awaitable[T]],
) -> Callable[Concatenate[S, P], Awaitable[T]]:
    """Whatever goes wrong becomes an SFTP status with a sentence for people; never a trace."""

    @functools.wraps(method)
    async def guarded(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        self.alive()
        try:
            return await method(self, *args, **kwargs)
        except asyncssh.SFTPError:
            raise
        except PathError as error:
            raise asyncssh.SFTPNoSuchFile(f"This is no path here: {error}.") from error
        except Refused as refusal:
            raise _status(refusal) from refusal
        except Exception as error:  # noqa: BLE001 - the last line
            log.error("unexpected", error=type(error).__name__)  # noqa: TRY400 - a trace may hold data
            raise asyncssh.SFTPFailure("Something went wrong in the gateway.") from None

    return guarded


def _status(refusal: Refused) -> asyncssh.SFTPError:
    meaning = refusal.meaning
    if refusal.reason is Reason.NOT_FOUND:
        return asyncssh.SFTPNoSuchFile("There is no such file in this inbox.")
    if refusal.reason is Reason.OFFSET_MISMATCH:
        return asyncssh.SFTPFailure(refusal.detail)
    text = " ".join(filter(None, (f"{meaning.title}.", refusal.detail, meaning.fix)))
    if refusal.reason is Reason.NOT_PERMITTED:
        return asyncssh.SFTPPermissionDenied(text)
    return asyncssh.SFTPFailure(text)
