"""The inbox as a page for people: what was sent to whom, newest first. Nothing on it is live."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from gateway.core.notice_markup import html
from gateway.notify_stand_in.messages import Message

_STYLE: Final = (
    "body{font:19px/1.4 Arial,sans-serif;max-width:45rem;margin:2rem auto;padding:0 1rem;"
    "color:#0b0c0c}article{border:1px solid #b1b4b6;padding:0 1.5rem;margin:2rem 0}"
    "blockquote{border-left:10px solid #b1b4b6;margin:0;padding:.1rem 1rem}"
    "dt{font-weight:bold}dd{margin:0 0 .5rem}a{color:#1d70b8}"
)
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(messages: Iterable[tuple[Message, str]]) -> str:
    """HTML of messages with their states; everything in it is escaped."""
    articles = [_article(message, status) for message, status in messages]
    told = "\n".join(articles) or "<p>Nothing was sent yet.</p>"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Notices that were sent</title><style>{_STYLE}</style></head>"
        f"<body><h1>Notices that were sent</h1>\n{told}\n</body></html>\n"
    )


def _article(message: Message, status: str) -> str:
    facts = {
        "To": ", ".join(message.to.values()),
        "By": message.type,
        "State": status,
        "Reference": message.reference or "none",
        "At": message.created_at.isoformat(timespec="seconds"),
        "Template": message.template.name,
    }
    listed = "".join(f"<dt>{name}</dt><dd>{escape(fact)}</dd>" for name, fact in facts.items())
    return (
        f'<article id="{escape(message.id)}"><h2>{escape(message.subject)}</h2>'
        f"<dl>{listed}</dl><hr>{html(message.body)}</article>"
    )
