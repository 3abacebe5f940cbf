"""The templates that the stand-in holds: ours, each as an e-mail and as a letter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gateway.core.notices import Templates, fill, names_in
from gateway.edge.notify import WAYS, Way, stand_in_ids
from gateway.notify_stand_in.refusals import bad_request, not_found

VERSION: Final = 1
_MADE: Final = "2026-11-23T00:00:00.000000Z"


class Held(msgspec.Struct, frozen=True):
    """A template as Notify holds it: it knows nothing of our kinds and languages but by its name."""

    id: str
    name: str
    type: Way
    subject: str
    body: str

    def filled(self, values: Mapping[str, Any]) -> tuple[str, str]:
        """Subject and body with these values, as Notify puts them in; raises NotifyRefusal."""
        told = {name: _text(value) for name, value in values.items() if value is not None}
        needed = names_in(f"{self.subject}\n{self.body}")
        missing = [name for name in needed if name not in told]
        if missing:
            raise bad_request(f"Missing personalisation: {', '.join(missing)}")
        return fill(self.subject, told), fill(self.body, told)

    def shown(self) -> dict[str, Any]:
        """The template as the API shows it."""
        names = names_in(f"{self.subject}\n{self.body}")
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "created_at": _MADE,
            "updated_at": None,
            "version": VERSION,
            "created_by": "notices@gateway.example",
            "subject": self.subject,
            "body": self.body,
            "personalisation": {name: {"required": True} for name in names},
            "letter_contact_block": None,
            "postage": "second" if self.type == "letter" else None,
        }


def _text(value: Any) -> str:
    # Notify makes a list of a list; we never send one.
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


class Library:
    """Every template by its id; immutable."""

    def __init__(self, templates: Templates) -> None:
        self._held: dict[str, Held] = {}
        for (kind, language, way), identity in stand_in_ids().items():
            ours = templates.get(kind, language)
            name = f"{kind} ({language}, {way})"
            self._held[identity] = Held(identity, name, way, ours.subject, ours.body)

    def get(self, identity: str, version: str | None = None) -> Held:
        """A template; raises NotifyRefusal where there is none of that id and version."""
        held = self._held.get(identity)
        if held is None or version not in {None, str(VERSION)}:
            raise not_found()
        return held

    def to_send(self, identity: str, way: Way) -> Held:
        """A template for a message of that way; raises NotifyRefusal."""
        held = self._held.get(identity)
        if held is None:
            raise bad_request("Template not found")
        if held.type != way:
            raise bad_request(f"{held.type} template is not suitable for {way} notification")
        return held

    def all(self, way: str | None) -> list[dict[str, Any]]:
        """Every template as the API shows it, or those of one way."""
        assert way is None or way in {*WAYS, "sms"}
        return [held.shown() for held in self._held.values() if way in {None, held.type}]
