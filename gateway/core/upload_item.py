"""An upload in parts, and how it is remembered (`gateway.upload`)."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Upload(msgspec.Struct, frozen=True):
    """An upload: how long it will be, and how much of it is durable; bytes.

    `state` is `open` until the whole has begun to take the way in, then `begun`, and `ended` once
    there is an `ending` (`gateway.core.ending.Ending`, sealed). `expires` is in seconds since 1970.
    """

    id: str
    organisation: str
    client: str
    length: int
    offset: int
    metadata: str
    wrapped_key: bytes
    expires: int
    state: str = "open"
    ending: bytes | None = None

    @property
    def submission(self) -> str:
        """The id of the submission that it becomes, and the name of its bytes until then."""
        return f"sub_{self.id.partition('_')[2]}"

    @property
    def whole(self) -> bool:
        """Whether its last byte is durable."""
        return self.offset == self.length


class Uploads(Protocol):
    """Remembers uploads; durable on return. `expired` leaves out those that have ended.

    `submitted` says whether there is a submission of this id, whose own the bytes are then.
    """

    def find(self, identity: str, organisation: str) -> Upload | None: ...
    def open_of(self, organisation: str) -> int: ...
    def expired(self, now: int) -> list[Upload]: ...
    def submitted(self, submission: str) -> bool: ...
    async def save(self, upload: Upload) -> None: ...
    async def drop(self, identity: str) -> None: ...
