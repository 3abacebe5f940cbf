"""The words of our notices: templates in English and Welsh, checked when read, filled in when sent.

A template is a file: a line `subject: ...`, an empty line, and a body in the small Markdown that
GOV.UK Notify knows. `((name))` is replaced by a value; `((flag??words))` shows its words where the
flag is true. The same text is a template at Notify, which fills it in the same way.

No notice holds personal data about the person it concerns: it names a reference, a day, and where to
look.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Final, Literal, get_args

import msgspec

from gateway.core.notice_markup import html, plain

Language = Literal["en", "cy"]
Kind = Literal[
    "information_request",
    "information_request_with_code",
    "reminder",
    "reminder_with_code",
    "overdue",
    "escalation",
    "withdrawn",
    "clarification_answered",
    "deo_served",
    "deo_varied",
    "deo_discharged",
    "rdo_served",
    "lsdo_interim_served",
    "lsdo_final_served",
    "order_lapsed",
    "certificate_expires",
    "agreement_confirmed",
    "preference_changed",
    "webhook_failing",
    "rows_rejected",
    "feed_uncollected",
]
Value = str | bool

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

# A name, a citation or a link; more than this is no value but a text of its own.
VALUE_CHARACTERS: Final = 500
# One line in an inbox, and a heading of at most three lines in a letter.
SUBJECT_CHARACTERS: Final = 200
# Notify prints ten pages at most, of some 2,500 characters each; half of that is for a long address,
# a large typeface and Welsh. It is far below Notify's 2 MB for an e-mail.
BODY_CHARACTERS: Final = 12_000

_PLACEHOLDER: Final = re.compile(r"\(\(([^()]+)\)\)")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
# What Markdown may open a line with before its words begin.
_OPENING: Final = re.compile(r"(?:#{1,6}|[*•^>-]|[0-9]{1,3}\.)?[ ]*\(\([^()?]+\)\)")
_LINK_VALUE: Final = re.compile(r"https://[A-Za-z0-9._~:/?#@!$&*+,;=%-]+")
_MONTHS: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December"),
    "cy": ("Ionawr", "Chwefror", "Mawrth", "Ebrill", "Mai", "Mehefin", "Gorffennaf", "Awst", "Medi",
           "Hydref", "Tachwedd", "Rhagfyr"),
}  # fmt: skip


class TemplateError(ValueError):
    """A template cannot be used; the message names the file, and what is wrong with it."""


class NoticeError(ValueError):
    """A notice cannot be written; the message names the placeholder, and never its value."""


class MissingPersonalisationError(NoticeError):
    """Values are missing; `names` says which."""

    def __init__(self, kind: str, names: tuple[str, ...]) -> None:
        super().__init__(f"{kind}: a value is missing for {', '.join(names)}")
        self.names = names


class Template(msgspec.Struct, frozen=True):
    """One notice in one language.

    `placeholders` are the names in the order in which they first stand in subject and body; those of
    them in `flags` are true or false, the others are text.
    """

    kind: Kind
    language: Language
    subject: str
    body: str
    placeholders: tuple[str, ...]
    flags: frozenset[str]


class Rendered(msgspec.Struct, frozen=True):
    """A notice filled in: its subject in plain text, its body in Markdown and in HTML."""

    subject: str
    body: str
    html: str


def fill(text: str, values: Mapping[str, Value]) -> str:
    """A text with its placeholders replaced, once each and as they are; KeyError for one without."""

    def replaced(found: re.Match[str]) -> str:
        name, conditional, words = found[1].partition("??")
        value = values[name]
        if conditional:
            return words if _is_yes(value) else ""
        return ("yes" if value else "no") if isinstance(value, bool) else value

    return _PLACEHOLDER.sub(replaced, text)


def _is_yes(value: Value) -> bool:
    return value if isinstance(value, bool) else value.lower() in {"yes", "y", "true", "t", "1"}


def names_in(text: str) -> tuple[str, ...]:
    """The names of the placeholders of a text, each once, in their order."""
    return tuple(dict.fromkeys(found.partition("??")[0] for found in _PLACEHOLDER.findall(text)))


def neutral(values: Mapping[str, Value]) -> dict[str, str]:
    """Values as they are handed to Notify: text that can only be read as text, flags as yes or no.

    A name that is `link` or ends with `_link` is an https link; every other value can make none.
    Raises NoticeError for a value that is too long, or a link that is none.
    """
    return {name: _neutral(name, value) for name, value in values.items()}


def _neutral(name: str, value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if len(value) > VALUE_CHARACTERS:
        raise NoticeError(f"{name} is longer than {VALUE_CHARACTERS} characters")
    if name == "link" or name.endswith("_link"):
        if not _LINK_VALUE.fullmatch(value):
            raise NoticeError(f"{name} is not a link that begins with https://")
        return value
    return plain(value)


def written_day(day: dt.date, language: Language) -> str:
    """A day as people write it: 7 December 2026, 7 Rhagfyr 2026."""
    return f"{day.day} {_MONTHS[language][day.month - 1]} {day.year}"


class Templates:
    """Every kind of notice in every language, checked against each other; immutable.

    `files` has the text of each template by its path: `en/reminder.md`. Raises TemplateError where
    one is missing, unknown or malformed, or where the languages ask for different values.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        wanted = {
            f"{language}/{kind}.md": (kind, language) for kind in KINDS for language in LANGUAGES
        }
        for path in sorted(files.keys() ^ wanted.keys()):
            what = "is missing" if path in wanted else "is no kind of notice that we know"
            raise TemplateError(f"{path} {what}")
        self._held = {
            key: _template(path, *key, files[path]) for path, key in sorted(wanted.items())
        }
        for kind in KINDS:
            found = {
                (frozenset(self.get(kind, each).placeholders), self.get(kind, each).flags)
                for each in LANGUAGES
            }
            if len(found) != 1:
                raise TemplateError(f"{kind}: its languages ask for different values")

    def get(self, kind: Kind, language: Language) -> Template:
        """One template."""
        return self._held[kind, language]

    def render(
        self, kind: Kind, language: Language, personalisation: Mapping[str, Value]
    ) -> Rendered:
        """A notice filled in. Values are made harmless first; those it does not ask for are ignored.

        Raises MissingPersonalisationError, and NoticeError for a value of the wrong kind or a notice
        that grew too long.
        """
        template = self.get(kind, language)
        asked = {
            name: personalisation[name] for name in template.placeholders if name in personalisation
        }
        for name, value in asked.items():
            if isinstance(value, bool) != (name in template.flags):
                what = "true or false" if name in template.flags else "text"
                raise NoticeError(f"{kind}: {name} is {what}")
        values = {name: told for name, told in neutral(asked).items() if told}
        missing = tuple(name for name in template.placeholders if name not in values)
        if missing:
            raise MissingPersonalisationError(kind, missing)
        subject, body = fill(template.subject, values), fill(template.body, values)
        if len(subject) > SUBJECT_CHARACTERS or len(body) > BODY_CHARACTERS:
            raise NoticeError(f"{kind}: the notice is longer than a letter may be")
        return Rendered(subject, body, html(body))


def _template(path: str, kind: Kind, language: Language, content: bytes) -> Template:
    refuse: Callable[[str], TemplateError] = lambda what: TemplateError(f"{path}: {what}")  # noqa: E731
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise refuse("it is not UTF-8") from None
    head, _, body = text.partition("\n\n")
    subject = head.removeprefix("subject: ")
    body = body.strip()
    if subject == head or "\n" in head or not subject.strip() or not body:
        raise refuse("it begins with a line 'subject: ...', an empty line and a body")
    if len(subject) > SUBJECT_CHARACTERS or len(body) > BODY_CHARACTERS:
        raise refuse("it is longer than a letter may be")
    both = f"{subject}\n{body}"
    bare = _PLACEHOLDER.sub("", both)
    if "((" in bare or "))" in bare:
        raise refuse("a placeholder is not closed, or stands in another")
    marks = [found.partition("??") for found in _PLACEHOLDER.findall(both)]
    names = names_in(both)
    if not all(_NAME.fullmatch(name) for name in names):
        raise refuse("a placeholder's name is of a-z, 0-9 and _")
    flags = frozenset(name for name, conditional, _ in marks if conditional)
    if flags & {name for name, conditional, _ in marks if not conditional}:
        raise refuse("a flag is shown as a value")
    # A value at the beginning of a line could turn it into a heading or a list.
    if any(_OPENING.match(line.strip()) for line in body.splitlines()):
        raise refuse("a line begins with a value")
    return Template(kind, language, subject.strip(), body, names, flags)
