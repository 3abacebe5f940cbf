"""A notice as it is stored: what is to be said to whom, and what became of it."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

# From a notice's own key to the salt of the commitment to its words (`gateway.core.ledger`).
NOTICE_SALT: Final = b"cms-gateway notice salt v1"

Standing = Literal["waiting", "sending", "sent", "delivered", "failed", "stuck", "dropped"]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A notice to be sent: `kind` names its text, `purpose` what an agreement must cover.

    `sealed` holds a `Wording`, under the wrapped key; `next_try` is when it may go, in its written form.
    """

    id: str
    request: str | None
    correspondent: str
    kind: str
    purpose: str
    wrapped_key: bytes
    sealed: bytes
    next_try: str


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """What a notice says: values of its text's placeholders; once claimed, its words and where it goes.

    `code` is the access code in it, which a second try repeats.
    """

    values: dict[str, str | bool]
    language: Literal["en", "cy"] | None = None
    subject: str | None = None
    body: str | None = None
    address: str | None = None
    code: str | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A notice as it is stored; `avoid` are forms that failed for good, `reference` its carrier's."""

    id: str
    request: str | None
    correspondent: str
    kind: str
    purpose: str
    state: Standing
    form: str | None
    agreement: str | None
    wrapped_key: bytes | None
    sealed: bytes | None
    made: str
    next_try: str
    tries: int
    avoid: str
    reference: str | None
    sent: str | None
    deemed_on: str | None
    deemed_by: str | None
    entry: int | None


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """That a letter was posted, and so served a request; `due` as in `Sent`."""

    deemed_on: str
    due: str | None = None


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """That a notice went: by which form, on which agreement, and when it counts as served.

    `content` is the salted commitment to its text that the ledger holds; `due` the day by which the
    request is to be answered, where service alone fixes it.
    """

    notice: str
    form: str
    agreement: str | None
    sealed: bytes
    reference: str | None
    deemed_on: str
    deemed_by: str
    content: str
    serves: bool
    due: str | None = None


def text_of(said: Wording) -> str:
    """What a notice said, as it is kept, committed to and shown."""
    return f"{said.subject or ''}\n\n{said.body or ''}\n"
