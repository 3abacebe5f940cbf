"""A file in an inbox, and what the story of the inbox (`gateway.inbox`) needs of the world."""

from __future__ import annotations

from typing import Protocol

import msgspec

from gateway.core.adapter import Body


class Item(msgspec.Struct, frozen=True):
    """A file in an inbox; `name` and `problem` are sealed under its own key, `size` is durable.

    `state` is `open` while it is not whole, `waiting` until it is taken, and `taken`.
    """

    id: str
    organisation: str
    folder: str
    tag: bytes
    name: bytes
    state: str
    size: int
    ssh_key: bytes
    submission: str | None
    problem: bytes | None
    wrapped_key: bytes
    changed: int


class Items(Protocol):
    """Remembers items; durable on return. `save` replaces whatever has the same tag."""

    def find(self, tag: bytes) -> Item | None: ...
    def listed(self, organisation: str, folder: str) -> list[Item]: ...
    def waiting(self) -> list[Item]: ...
    def expired(self, before: int) -> list[Item]: ...
    def count(self, organisation: str) -> tuple[int, int]: ...
    async def save(self, item: Item) -> None: ...
    async def drop(self, identity: str) -> None: ...


class Part(Protocol):
    """A sealed file that grows; durable after `close`."""

    size: int

    def write(self, piece: bytes) -> None: ...
    async def close(self) -> object: ...


class Parts(Protocol):
    """Where the bytes are until they are taken; `resume` drops what is beyond the offset."""

    def check_room(self, size: int) -> None: ...
    def resume(self, identity: str, data_key: bytes, offset: int) -> Part: ...
    def body(self, identity: str, data_key: bytes) -> Body: ...
    def discard(self, identity: str) -> None: ...


class Vault(Protocol):
    """Wraps the keys of items, and makes tags that can be found again; deterministic tags."""

    def wrap(self, data_key: bytes, aad: bytes) -> bytes: ...
    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes: ...
    def tag(self, purpose: str, *parts: bytes) -> bytes: ...
