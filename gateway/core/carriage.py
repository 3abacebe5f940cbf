"""What carries notices out, as the story sees it, and how it says that it could not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Literal, Protocol

from gateway.core.correspondent import Language
from gateway.core.notices import Kind, Value

Fate = Literal["on_its_way", "delivered", "failed"]


class NotTakenError(Exception):
    """A carrier did not take a notice; `temporary` if it may later. `code` names why, in our words.

    `retry_after` is in how many seconds it wants to be asked again, where it said so.
    """

    def __init__(self, code: str, *, temporary: bool, retry_after: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.temporary = temporary
        self.retry_after = retry_after


class Letters(Protocol):
    """Carries e-mails and letters; each raises NotTakenError.

    `reference` is ours; with `again` the notice may have been handed over before, and is carried once
    all the same. What is given back is the carrier's own name for it, for `fate`: what became of it,
    and when. A letter is delivered, in these words, at the instant at which it was posted.
    """

    async def email(
        self,
        address: str,
        kind: Kind,
        language: Language,
        values: Mapping[str, Value],
        reference: str,
        *,
        again: bool,
    ) -> str: ...
    async def letter(
        self,
        address: tuple[str, ...],
        kind: Kind,
        language: Language,
        values: Mapping[str, Value],
        reference: str,
        *,
        again: bool,
    ) -> str: ...
    async def fate(self, carried: str) -> tuple[Fate, dt.datetime]: ...


class Hooks(Protocol):
    """Calls webhooks; raises NotTakenError. `message` is the id by which a repeat is known."""

    async def call(
        self,
        url: str,
        secret: str,
        message: str,
        payload: bytes,
        now: dt.datetime,
        *,
        media_type: str = ...,
    ) -> None: ...
