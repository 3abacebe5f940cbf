"""`check`: judge a file offline exactly as the gateway would, and send nothing."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import click
import msgspec

from adapters.catalogue import every_adapter
from gateway.cli import screen
from gateway.cli.command import EXISTING, Command, as_json
from gateway.cli.exits import Exit, said, told
from gateway.cli.house import der_of
from gateway.client import media
from gateway.core import disclosure, merkle
from gateway.core.adapter import EVERY_CLASS, Adapter, ReadContext
from gateway.core.duty import Law
from gateway.core.envelope import Envelope
from gateway.core.media import media_type as read_media_type
from gateway.core.reading import take
from gateway.core.record import RowError, RuleCount
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import BlockRef, Reading
from gateway.installed import law
from gateway.wiring import clock

_HEAD_BYTES: Final = 4_096
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class FileBody:
    """A file as a body that can be read more than once; sizes in bytes."""

    path: Path

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.path.stat().st_size

    def open(self) -> BinaryIO:
        """A new stream at the first byte."""
        return self.path.open("rb")


@dataclass(frozen=True, slots=True)
class Checked:
    """What the gateway would say of a file: its format, the class, and what was read or refused."""

    adapter: Adapter
    provider_class: str
    reading: Reading


def judge(path: Path, media_type: str | None, slug: str | None, signers: list[Path]) -> Checked:
    """Take a file the way it would take at the gateway; raises Refused as the gateway does.

    What only the gateway can know is left out: who sends it, and for which request.
    """
    body = FileBody(path)
    with body.open() as stream:
        head = stream.read(_HEAD_BYTES)
    if not head:
        raise Refused(Reason.BODY_EMPTY)
    now = clock()
    the_law = law()
    adapter = _format(media_type or media.guess(path.name, head), head)
    provider, allowed = _class(adapter, slug, the_law, now.date())
    if body.size > adapter.limit_bytes:
        raise Refused(
            Reason.BODY_TOO_LARGE, f"The limit for this format is {adapter.limit_bytes} bytes."
        )
    reading = take(
        body,
        adapter,
        ReadContext(now, tuple(der_of(signer.read_bytes()) for signer in signers)),
        allowed,
        Envelope(os.urandom(_KEY_BYTES), "check"),
        os.urandom,
        _counted,
    )
    return Checked(adapter, provider, reading)


def _format(media_type: str, head: bytes) -> Adapter:
    """The one format, as `gateway.submission.admit` and `chosen_format` find it."""
    kind = read_media_type(media_type)
    exact = [a for a in every_adapter() if kind in a.media_types]
    formats = exact or [a for a in every_adapter() if kind in a.general_media_types]
    if not formats:
        raise Refused(Reason.CONTENT_TYPE_UNKNOWN, f"Nothing is read under {kind}.")
    if len(formats) > 1 or not exact:
        formats = [a for a in formats if a.recognises(head)]
    if len(formats) != 1:
        raise Refused(
            Reason.CONTENT_TYPE_UNKNOWN,
            "The body is not recognised; name its exact media type with --type.",
        )
    return formats[0]


def _class(
    adapter: Adapter, slug: str | None, the_law: Law, day: dt.date
) -> tuple[str, frozenset[str]]:
    """The class under which it is judged, and what that may send of the format.

    That is the class named, else the first that may send the format. A format of every class says
    nothing of who sends it: without a class it is judged for all that it can hold.
    """
    if slug is None and adapter.provider_classes == EVERY_CLASS:
        return "any", adapter.record_types
    classes = adapter.provider_classes if slug is None else {slug}
    found = the_law.entitled(classes, adapter.provider_classes, adapter.record_types, day)
    return found.slug, adapter.record_types & the_law.may_send(found.slug, day)


def _counted(_number: int, leaves: bytes, _sealed: bytes, types: dict[str, int]) -> BlockRef:
    """A sink that keeps the count and the root of a block, and lets the records go."""
    root = disclosure.block_root(leaves)
    return BlockRef(len(leaves) // merkle.HASH_BYTES, root, types)


@click.command(
    cls=Command,
    example="cms-gateway check schedule-2026-10.csv --class employer",
    exits=(Exit.REFUSED, Exit.PARTIAL),
)
@click.argument("file", type=EXISTING)
@click.option(
    "--class",
    "slug",
    type=click.Choice(sorted(law().classes)),
    metavar="CLASS",
    help="Provider class to be judged as, such as employer.",
)
@click.option("--type", "media_type", help="Media type of the file, if it cannot be guessed.")
@click.option(
    "--signer",
    "signers",
    type=EXISTING,
    multiple=True,
    help="Certificate that may sign messages inside the file; may be given more than once.",
)
@as_json
@click.pass_context
def check(
    context: click.Context,
    file: Path,
    slug: str | None,
    media_type: str | None,
    signers: tuple[Path, ...],
    *,
    as_json: bool,
) -> None:
    """Judge FILE offline with the gateway's own rules. Nothing is sent, nothing is kept."""
    try:
        checked = judge(file, media_type, slug, list(signers))
    except Refused as refusal:
        context.exit(_tell_refused(refusal, as_json=as_json))
    except OSError:
        with told():
            raise
    context.exit(_tell(checked, as_json=as_json))


def _tell(checked: Checked, *, as_json: bool) -> int:
    reading = checked.reading
    rows = reading.rows
    code = Exit.PARTIAL if rows.refused else Exit.OK
    types: dict[str, int] = {}
    for block in reading.blocks:
        for name, count in block.types.items():
            types[name] = types.get(name, 0) + count
    if as_json:
        screen.emit(
            {
                "state": "accepted",
                "format": checked.adapter.name,
                "class": checked.provider_class,
                "rows": msgspec.to_builtins(rows),
                "records": types,
                "notes": msgspec.to_builtins(reading.notes),
                "rules": msgspec.to_builtins(reading.rules),
                "errors": msgspec.to_builtins(reading.errors),
            }
        )
        return int(code)
    counted = ", ".join(f"{count} {name}" for name, count in sorted(types.items()))
    screen.facts(
        (
            ("format", f"{checked.adapter.name} ({checked.adapter.title})"),
            ("class", checked.provider_class),
            ("accepted", f"{screen.counted(rows.accepted, 'record')}: {counted}"),
            ("refused", screen.counted(rows.refused, "row")),
        )
    )
    for note in reading.notes:
        screen.say(f"  note: {note.message} [{note.code}]")
    screen.rules(_shown_rules(reading.rules))
    screen.row_errors(_shown(reading.errors), rows.refused)
    screen.say("The gateway would accept this file" + (" in part." if rows.refused else "."))
    return int(code)


def _tell_refused(refusal: Refused, *, as_json: bool) -> int:
    meaning = refusal.meaning
    errors = tuple(error for error in refusal.errors if isinstance(error, RowError))
    if as_json:
        screen.emit(
            {
                "state": "refused",
                "reason": meaning.slug,
                "detail": refusal.detail or f"{meaning.title}.",
                "fix": meaning.fix,
                "errors": msgspec.to_builtins(errors),
                "error_count": refusal.error_count,
            }
        )
    else:
        why = said(meaning.title, refusal.detail)
        screen.say(f"The gateway would refuse this file: {why}")
        screen.row_errors(_shown(errors), refusal.error_count)
        screen.say(said("", "", meaning.fix))
    return int(Exit.REFUSED)


def _shown_rules(rules: tuple[RuleCount, ...]) -> Any:
    """The gateway's counts by rule, which have the members of the client's."""
    return rules


def _shown(errors: tuple[RowError, ...]) -> Any:
    """The gateway's row errors, which have the members of the client's."""
    return errors
