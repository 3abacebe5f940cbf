"""Duty and routing: who may send what, why, and who may see which part of it.

The law is data: `schemas/duties/law.toml` (purposes, feeds, what every answer may hold) and one file
for each class of organisation in `schemas/duties/classes`, each line dated and cited. This module
reads them into frozen values and answers questions about them; it holds no rate, date, class or
deadline itself.

A purpose has a *use* (trace, calculate or enforce); a class says, for each record type it sends,
which disclosure groups each use needs. What no use needs, no feed is shown.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from gateway.core.adapter import EVERY_CLASS, Adapter
from gateway.core.disclosure import Shown, View
from gateway.core.duty_table import (
    Answer,
    Ask,
    Delivery,
    Grounds,
    LawTable,
    ProviderClass,
    Sends,
    read_table,
)
from gateway.core.records import GROUP_NAMES, RECORD_TYPES
from gateway.core.refusal import Reason, Refused
from gateway.core.subject import IDENTIFIERS

NOT_ENTITLED: Final = "None of your organisation's provider classes may send this format today."
_REMEMBERED: Final = 1_000


class Law:
    """The duty table, checked against itself and the record types; immutable.

    `law` is the text of law.toml, `classes` the text of each class by its slug. Raises ValueError,
    naming the line, when a table speaks of something that does not exist.
    """

    def __init__(self, law: bytes, classes: Mapping[str, bytes]) -> None:
        self._table = read_table("law.toml", law, LawTable)
        found = {name: read_table(name, text, ProviderClass) for name, text in classes.items()}
        self.classes: Final = {item.slug: item for _, item in sorted(found.items())}
        self.feeds: Final = {feed.name: feed for feed in self._table.feed}
        self.purposes: Final = {purpose.code: purpose for purpose in self._table.purpose}
        self._views: dict[tuple[str, frozenset[str], dt.date], dict[str, View]] = {}
        for name, item in found.items():
            if item.slug != name:
                raise ValueError(f"class {name}: its slug is {item.slug}")
        self._check()
        # Every byte counts: a table that was changed in any way has another version.
        self.texts: Final = {"law": law} | {f"classes/{name}": classes[name] for name in classes}
        digest = hashlib.sha256()
        for name, text in sorted(self.texts.items()):
            digest.update(b"%b\0%d\0%b" % (name.encode(), len(text), text))
        self.digest: Final = digest.digest()
        self.version: Final = f"{self._table.version}+{self.digest.hex()[:12]}"

    def excuses(self, day: dt.date) -> dict[str, str]:
        """Codes with which an organisation may refuse to answer on a day, and what each means."""
        return {each.code: each.title for each in self._table.refusal if each.holds(day)}

    def finds_by(self, slug: str) -> tuple[tuple[str, ...], ...]:
        """The ways in which organisations of a class find a person, the least telling first."""
        return self.classes[slug].finds_by or self._table.finds_by

    def _check(self) -> None:
        uses = {feed.use for feed in self._table.feed}
        for way in self._table.finds_by:
            _known("finds_by", way, IDENTIFIERS)
        for purpose in self._table.purpose:
            _known(f"purpose {purpose.code}", {purpose.use}, uses)
        for answer in self._table.answer:
            _check_groups(f"answer {answer.record_type}", answer)
        for item in self.classes.values():
            where = f"class {item.slug}"
            _known(where, item.barred, self.purposes)
            for way in item.finds_by:
                _known(f"{where}, finds_by", way, IDENTIFIERS)
            names = [line.record_type for line in item.sends]
            if len(set(names)) != len(names):
                raise ValueError(f"{where}: a record type stands twice")
            for line in item.sends:
                _check_groups(f"{where}, {line.record_type}", line)
            for duty in item.standing:
                _known(f"standing duty of {item.slug}", duty.purposes, self.purposes)
                may = {*names, *self.answers}
                _known(f"standing duty of {item.slug}", duty.record_types, may)
            if item.enabled and not item.sends:
                raise ValueError(f"{where}: it is enabled and sends nothing")

    @property
    def answers(self) -> frozenset[str]:
        """Record types that any answer may hold beside the facts that were asked for."""
        return frozenset(answer.record_type for answer in self._table.answer)

    def in_force(self, slug: str, day: dt.date) -> ProviderClass | None:
        """A class that is enabled and in force on a day."""
        item = self.classes.get(slug)
        return item if item is not None and item.enabled and item.holds(day) else None

    def may_send(self, slug: str, day: dt.date) -> frozenset[str]:
        """Record types that a class may send on a day, whatever for."""
        item = self.in_force(slug, day)
        if item is None:
            return frozenset()
        return self.answers | {line.record_type for line in item.sends}

    def may_be_asked(
        self, classes: Iterable[str], purposes: Iterable[str], day: dt.date
    ) -> frozenset[str]:
        """Record types that an organisation may be asked for, for at least one of some purposes."""
        wanted = [self.purposes[code] for code in purposes if code in self.purposes]
        items = [item for slug in classes if (item := self.in_force(slug, day)) is not None]
        return frozenset(
            line.record_type
            for item in items
            for purpose in wanted
            if purpose.holds(day) and purpose.code not in item.barred
            for line in item.sends
            if line.groups(purpose.use)
        )

    def admissible(
        self, classes: frozenset[str], formats: tuple[Adapter, ...], day: dt.date
    ) -> tuple[Adapter, ...]:
        """Those of some formats that an organisation of `classes` may send on a day.

        Raises Refused(CLASS_NOT_ENTITLED) where there is none.
        """
        found = []
        for adapter in formats:
            with suppress(Refused):
                self.entitled(classes, adapter.provider_classes, adapter.record_types, day)
                found.append(adapter)
        if not found:
            raise Refused(Reason.CLASS_NOT_ENTITLED, NOT_ENTITLED)
        return tuple(found)

    def entitled(
        self,
        classes: Iterable[str],
        providers: frozenset[str],
        records: frozenset[str],
        day: dt.date,
        wanted: frozenset[str] = frozenset(),
    ) -> ProviderClass:
        """The class under which an organisation of `classes` may send a format on a day.

        `providers` and `records` are what the format's adapter declares. Of several classes the one
        that may send most of `wanted` counts, then the first by name. Raises
        Refused(CLASS_NOT_ENTITLED).
        """
        found: list[tuple[int, str]] = []
        for slug in classes:
            if slug in providers or providers == EVERY_CLASS:
                may = self.may_send(slug, day)
                if records & may:
                    found.append((-len(wanted & may), slug))
        if not found:
            raise Refused(Reason.CLASS_NOT_ENTITLED, NOT_ENTITLED)
        return self.classes[min(found)[1]]

    def grounds(
        self,
        classes: Iterable[str],
        providers: frozenset[str],
        records: frozenset[str],
        ask: Ask | None,
        day: dt.date,
    ) -> Grounds:
        """On what ground an organisation sends a format: a request's, or a standing duty.

        Raises Refused(CLASS_NOT_ENTITLED) and Refused(NO_PURPOSE).
        """
        wanted = self._unasked(classes, day) if ask is None else ask.record_types
        provider = self.entitled(classes, providers, records, day, wanted & records)
        allowed = records & self.may_send(provider.slug, day)
        if ask is None:
            duties = [
                d for d in provider.standing if d.holds(day) and records & set(d.record_types)
            ]
            if not duties:
                why = "Nothing obliges this class to send this unasked."
                raise Refused(Reason.NO_PURPOSE, why)
            told = {name for duty in duties for name in duty.record_types}
            purposes = {code for duty in duties for code in duty.purposes}
            return Grounds(provider.slug, allowed & told, frozenset(purposes))
        return Grounds(provider.slug, allowed & (ask.record_types | self.answers), ask.purposes)

    def _unasked(self, classes: Iterable[str], day: dt.date) -> frozenset[str]:
        """Record types that some of these classes have to send without being asked."""
        items = [item for slug in classes if (item := self.in_force(slug, day)) is not None]
        return frozenset(
            name
            for item in items
            for duty in item.standing
            if duty.holds(day)
            for name in duty.record_types
        )

    def views(self, slug: str, purposes: frozenset[str], day: dt.date) -> dict[str, View]:
        """What each feed is shown of each record type of a class, for these purposes on this day.

        A feed that may see nothing is absent. Pure, and remembered for each set of arguments.
        """
        key = (slug, purposes, day)
        found = self._views.get(key)
        if found is None:
            found = self._make_views(slug, purposes, day)
            if len(self._views) > _REMEMBERED:
                self._views.clear()
            self._views[key] = found
        return found

    def _make_views(self, slug: str, purposes: frozenset[str], day: dt.date) -> dict[str, View]:
        item = self.in_force(slug, day)
        if item is None:
            return {}
        grounds: dict[str, set[str]] = {}
        for code in purposes - set(item.barred):
            purpose = self.purposes.get(code)
            if purpose is not None and purpose.holds(day):
                grounds.setdefault(purpose.use, set()).add(code)
        lines: list[Sends | Answer] = [*item.sends, *self._table.answer]
        views: dict[str, View] = {}
        for name, feed in sorted(self.feeds.items()):
            codes = tuple(sorted(grounds.get(feed.use, ())))
            view = {
                line.record_type: Shown(tuple(sorted(line.groups(feed.use))), codes)
                for line in sorted(lines, key=lambda line: line.record_type)
                if codes and line.groups(feed.use)
            }
            if view:
                views[name] = view
        return views

    def purposes_of(self, feed: str) -> frozenset[str]:
        """The purposes for which a feed exists."""
        use = self.feeds[feed].use
        return frozenset(code for code, purpose in self.purposes.items() if purpose.use == use)

    def delivery(self, day: dt.date) -> Delivery:
        """Which instant counts in law as delivery on a day; the last line that holds."""
        held = [line for line in self._table.delivery if line.holds(day)]
        if not held:
            raise ValueError("no delivery rule is in force")
        return held[-1]


def _check_groups(where: str, line: Sends | Answer) -> None:
    _known(where, {line.record_type}, RECORD_TYPES)
    shown = {*line.trace, *line.calculate, *line.enforce}
    _known(where, shown, GROUP_NAMES)
    _known(where, shown, RECORD_TYPES[line.record_type].group_names)
    if not shown:
        raise ValueError(f"{where}: no use may see it")


def _known(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    unknown = set(names) - set(known)
    if unknown:
        raise ValueError(f"{where}: unknown {', '.join(sorted(unknown))}")
