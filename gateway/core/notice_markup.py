"""The small Markdown that GOV.UK Notify knows: headings, lists, inset text, rules and links.

One function makes HTML of it, for previews; another makes a value harmless, so that it can stand in
a line of it and stay what it is: text.
"""

from __future__ import annotations

import html as escaping
import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import Final

# How a line begins says what it is; the first that fits counts.
_KINDS: Final = (
    ("h3", re.compile(r"##[ ]?(?P<text>.+)")),
    ("h2", re.compile(r"#[ ]?(?P<text>[^#].*)")),
    ("ul", re.compile(r"[*•-][ ](?P<text>.+)")),
    ("ol", re.compile(r"[0-9]{1,3}\.[ ](?P<text>.+)")),
    ("blockquote", re.compile(r"\^[ ]?(?P<text>.+)")),
    ("hr", re.compile(r"(?P<text>-{3,}|\*{3,})")),
    ("p", re.compile(r"(?P<text>.+)")),
)
_LINK: Final = re.compile(
    r"\[(?P<text>[^\[\]]+)\]\((?P<to>https?://[^\s()<>\"]+)\)"
    r"|(?P<bare>https?://[^\s<>\"]*[^\s<>\"'.,:;!?()\[\]])"
)


def html(text: str) -> str:
    """HTML of a text in Notify's Markdown: a run of block elements; everything else is escaped."""
    return "\n".join(_blocks(text))


def _blocks(text: str) -> Iterator[str]:
    lines = (line.strip() for line in text.splitlines())
    for kind, run in groupby((_read(line) for line in lines), key=lambda read: read[0]):
        told = [_inline(words) for _, words in run]
        match kind:
            case "":
                continue
            case "ul" | "ol":
                yield f"<{kind}>{''.join(f'<li>{each}</li>' for each in told)}</{kind}>"
            case "h2" | "h3":
                yield from (f"<{kind}>{each}</{kind}>" for each in told)
            case "hr":
                yield "<hr>"
            case "blockquote":
                yield f"<blockquote><p>{'<br>'.join(told)}</p></blockquote>"
            case _:
                yield f"<p>{'<br>'.join(told)}</p>"


def _read(line: str) -> tuple[str, str]:
    for kind, pattern in _KINDS:
        found = pattern.fullmatch(line)
        if found is not None:
            return kind, found["text"]
    return "", ""


def _inline(text: str) -> str:
    parts: list[str] = []
    done = 0
    for link in _LINK.finditer(text):
        to = link["to"] or link["bare"]
        words = link["text"] or link["bare"]
        parts.append(escaping.escape(text[done : link.start()]))
        parts.append(f'<a href="{escaping.escape(to)}">{escaping.escape(words)}</a>')
        done = link.end()
    parts.append(escaping.escape(text[done:]))
    return "".join(parts)


def plain(value: str) -> str:
    """A value that is text and nothing else wherever it stands in a line, but at its beginning.

    It becomes one line without control, format or invisible characters; what would make a link or a
    placeholder of it is taken apart by a space. Its first characters are not looked at: templates
    never begin a line with a value.
    """
    seen = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in value)
    apart = re.sub(r"\((?=\()|\)(?=\))|\](?=[(\[:])|:(?=//)", r"\g<0> ", seen)
    return " ".join(apart.split())
