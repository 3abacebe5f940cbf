"""Duty and routing: who may send what, why, and who may see which part of it.

The law is data: `schemas/duties.toml` and `schemas/routing.toml`, each line dated and cited. This
module reads the two tables into frozen values and answers questions about them; it holds no rate,
date, class or deadline itself.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from typing import TypeVar

import msgspec

from gateway.core.adapter import EVERY_CLASS, Adapter
from gateway.core.disclosure import Shown, View
from gateway.core.records import GROUP_NAMES, RECORD_TYPES
from gateway.core.refusal import Reason, Refused

_Table = TypeVar("_Table")


NOT_ENTITLED = "None of your organisation's provider classes may send this format today."


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    citation: str
    confidence: str
    in_force: dt.date
    until: dt.date | None = None

    def holds(self, day: dt.date) -> bool:
        """Whether the line is in force on a day."""
        return self.in_force <= day and (self.until is None or day < self.until)


class Purpose(_Line, frozen=True):
    """A purpose in law for which information may be asked for."""

    code: str
    title: str


class ProviderClass(_Line, frozen=True):
    """A class of organisation under a duty, and the record types it may send."""

    slug: str
    title: str
    record_types: tuple[str, ...]
    enabled: bool


class Standing(_Line, frozen=True):
    """A duty to send without being asked: which records, of which class, for which purposes."""

    slug: str
    record_types: tuple[str, ...]
    purposes: tuple[str, ...]


class Route(_Line, frozen=True):
    """What a feed may be shown of a record type for a purpose."""

    record_type: str
    purpose: str
    feed: str
    groups: tuple[str, ...]


class Delivery(_Line, frozen=True):
    """Which instant counts in law as delivery to the Secretary of State."""

    instant: str


class Feed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A consumer's feed and the purposes it exists for."""

    name: str
    title: str
    purposes: tuple[str, ...]


class Ask(msgspec.Struct, frozen=True):
    """What an information request asks for, as far as the law cares."""

    id: str
    purposes: frozenset[str]
    record_types: frozenset[str]


class Grounds(msgspec.Struct, frozen=True):
    """The class in which an organisation sends, which records it may send, and why."""

    provider_class: str
    record_types: frozenset[str]
    purposes: frozenset[str]


# What an answer may always hold beside the facts that were asked for.
_ANSWERS = frozenset({"nil_return", "refusal", "enquiry"})


class _Duties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    purpose: tuple[Purpose, ...]
    provider_class: tuple[ProviderClass, ...]
    standing: tuple[Standing, ...]
    delivery: tuple[Delivery, ...]


class _Routing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    feed: tuple[Feed, ...]
    route: tuple[Route, ...]


class Law:
    """The two tables, checked against each other; immutable.

    Raises ValueError, naming the line, when a table speaks of something that does not exist.
    """

    def __init__(self, duties: bytes, routing: bytes) -> None:
        self._duties = _read(duties, _Duties)
        self._routing = _read(routing, _Routing)
        digest = hashlib.sha256(duties + b"\0" + routing).hexdigest()[:12]
        self.version = f"{self._duties.version}+{digest}"
        self.feeds = {feed.name: feed for feed in self._routing.feed}
        self.purposes = {purpose.code: purpose for purpose in self._duties.purpose}
        self.classes = {item.slug: item for item in self._duties.provider_class}
        self.routes = self._routing.route
        self._views: dict[tuple[frozenset[str], dt.date], dict[str, View]] = {}
        self._check()

    def _check(self) -> None:
        for route in self.routes:
            where = f"route {route.record_type} for {route.purpose} to {route.feed}"
            _known(where, {route.record_type}, RECORD_TYPES)
            _known(where, {route.feed}, self.feeds)
            _known(where, {route.purpose}, self.purposes)
            _known(where, route.groups, GROUP_NAMES)
            _known(where, {route.purpose}, self.feeds[route.feed].purposes)
        for item in self._duties.provider_class:
            _known(f"class {item.slug}", item.record_types, RECORD_TYPES)
        for standing in self._duties.standing:
            where = f"standing duty of {standing.slug}"
            _known(where, {standing.slug}, self.classes)
            _known(where, standing.record_types, RECORD_TYPES)
            _known(where, standing.purposes, self.purposes)

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
    ) -> ProviderClass:
        """The class under which an organisation of `classes` may send a format on a day.

        `providers` and `records` are what the format's adapter declares. Raises
        Refused(CLASS_NOT_ENTITLED).
        """
        for slug in sorted(classes):
            item = self.classes.get(slug)
            if item is None or (slug not in providers and providers != EVERY_CLASS):
                continue
            if item.enabled and item.holds(day) and records & set(item.record_types):
                return item
        raise Refused(Reason.CLASS_NOT_ENTITLED, NOT_ENTITLED)

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
        provider = self.entitled(classes, providers, records, day)
        allowed = records & set(provider.record_types)
        if ask is None:
            return Grounds(
                provider.slug,
                allowed,
                self.standing_purposes(provider.slug, allowed, day),
            )
        return Grounds(provider.slug, allowed & (ask.record_types | _ANSWERS), ask.purposes)

    def standing_purposes(self, slug: str, records: frozenset[str], day: dt.date) -> frozenset[str]:
        """Purposes for which a class sends without being asked; raises Refused(NO_PURPOSE)."""
        purposes = {
            purpose
            for line in self._duties.standing
            if line.slug == slug and line.holds(day) and records & set(line.record_types)
            for purpose in line.purposes
        }
        if not purposes:
            raise Refused(Reason.NO_PURPOSE, "Nothing obliges this class to send this unasked.")
        return frozenset(purposes)

    def views(self, purposes: frozenset[str], day: dt.date) -> dict[str, View]:
        """What each feed is shown of each record type, for these purposes on this day.

        A feed that may see nothing is absent. Pure, and remembered for each pair of arguments.
        """
        key = (purposes, day)
        found = self._views.get(key)
        if found is None:
            found = self._make_views(purposes, day)
            if len(self._views) > 1_000:
                self._views.clear()
            self._views[key] = found
        return found

    def _make_views(self, purposes: frozenset[str], day: dt.date) -> dict[str, View]:
        gathered: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
        for route in self.routes:
            if route.purpose in purposes and route.holds(day):
                groups, grounds = gathered.setdefault(
                    (route.feed, route.record_type),
                    (set(), set()),
                )
                groups.update(route.groups)
                grounds.add(route.purpose)
        views: dict[str, View] = {}
        for (feed, record_type), (groups, grounds) in sorted(gathered.items()):
            shown = Shown(tuple(sorted(groups)), tuple(sorted(grounds)))
            views.setdefault(feed, {})[record_type] = shown
        return views

    def delivery(self, day: dt.date) -> Delivery:
        """Which instant counts in law as delivery on a day; the last line that holds."""
        held = [line for line in self._duties.delivery if line.holds(day)]
        if not held:
            raise ValueError("no delivery rule is in force")
        return held[-1]


def _known(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    unknown = set(names) - set(known)
    if unknown:
        raise ValueError(f"{where}: unknown {', '.join(sorted(unknown))}")


def _read(data: bytes, table: type[_Table]) -> _Table:
    return msgspec.convert(tomllib.loads(data.decode()), table)
