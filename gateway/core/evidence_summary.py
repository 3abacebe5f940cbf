"""The page of an evidence pack that a person reads first: one HTML file, printable on A4.

It runs nothing and fetches nothing. What it says is in the pack's other files too; those are what is
verified.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any, Final

from gateway.core import instant
from gateway.core.pack_item import Pack, PackEvent, PackNotice, entry_name, notice_name

_STYLE: Final = """
@page{size:A4;margin:18mm}
body{font:12pt/1.5 Arial,sans-serif;color:#0b0c0c;background:#fff;max-width:48rem;margin:2rem auto;
padding:0 1rem}
h1{font-size:20pt;line-height:1.2}h2{font-size:15pt;margin-top:2rem;border-bottom:2px solid #0b0c0c}
h3{font-size:12pt}h1,h2,h3,caption{break-after:avoid}
table{border-collapse:collapse;width:100%;margin:1rem 0}
caption{text-align:left;font-weight:700;padding:.3rem 0}
th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #505a5f;
overflow-wrap:anywhere}
thead{display:table-header-group}tr{break-inside:avoid}
pre{white-space:pre-wrap;overflow-wrap:anywhere;border-left:4px solid #505a5f;padding-left:1rem;
font:11pt/1.4 Arial,sans-serif}
code{overflow-wrap:anywhere}
@media print{body{margin:0;max-width:none;padding:0}a{color:inherit;text-decoration:none}}
"""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def summary(pack: Pack) -> str:
    """The page, as text."""
    return "".join(_page(pack))


def _page(pack: Pack) -> Iterator[str]:
    request = pack.request
    title = f"Evidence pack for request {escape(request.id)}"
    yield '<!doctype html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
    yield f"<h1>{title}</h1>\n"
    yield (
        f"<p>{escape(request.organisation_name)} was asked for information for the Child Maintenance "
        f"Service. The request is now <strong>{_words(request.history[-1].state)}</strong>. This "
        f"pack was made at {_time(instant.written(pack.made_at))} and says what was known then.</p>\n"
    )
    yield from _asked(pack)
    yield from _served(pack.notices)
    if pack.unsent:
        yield f"<p>Made and not sent when this pack was made: {len(pack.unsent)}.</p>"
    yield from _done(pack)
    yield from _missing(pack)
    yield from _history(request.history)
    yield from _checking(pack)
    yield "</main>\n</body>\n</html>\n"


def _asked(pack: Pack) -> Iterator[str]:
    request = pack.request
    yield "<h2>What was asked, and on which ground</h2>\n"
    pairs = [
        ("Request", request.id),
        ("Kind", _plain(request.kind)),
        ("Asked of", f"{request.organisation_name} ({request.organisation})"),
        ("Asked by", request.consumer),
        ("Law that obliges the answer", request.citation),
        ("Purposes", ", ".join(request.purposes)),
        ("Information asked for", ", ".join(map(_plain, request.record_types))),
        ("To be answered by", _day(request.due)),
    ]
    if pack.subject is not None:
        pairs += [(f"About: {_plain(name)}", str(told)) for name, told in pack.subject.items()]
    yield "<table>\n<caption>The request</caption>\n<tbody>\n"
    for name, told in pairs:
        yield f'<tr><th scope="row">{escape(name)}</th><td>{escape(told)}</td></tr>\n'
    yield "</tbody>\n</table>\n"
    if pack.subject is None:
        yield "<p>Who was asked about is not said here. The text of a notice below may say it.</p>\n"


def _served(notices: Sequence[PackNotice]) -> Iterator[str]:
    yield "<h2>Service and reminders</h2>\n"
    if not notices:
        yield "<p>No notice was sent.</p>\n"
        return
    rows = [
        (
            str(number),
            _words(notice.kind),
            _words(notice.form),
            _time(notice.sent_at),
            *_counts(notice),
        )
        for number, notice in enumerate(notices, start=1)
    ]
    heads = ("No.", "Notice", "Form", "Sent", "Counts as served on", "Why that counts")
    yield from _table("Each notice, and when it counts as served", heads, rows)
    for number, notice in enumerate(notices, start=1):
        name = notice_name(number, notice.kind)
        yield f"<h3>Notice {number}: {_words(notice.kind)}</h3>\n"
        yield f'<p>Number {escape(notice.id)}, entry {notice.entry}, file <a href="{name}">{name}</a>.'
        yield "</p>\n"
        if notice.status:
            yield "<p>What was reported of its delivery:</p>\n<ul>\n"
            yield from (f"<li>{escape(line)}</li>\n" for line in notice.status)
            yield "</ul>\n"
        else:
            yield "<p>Nothing was reported of its delivery.</p>\n"
        yield f"<pre>{escape(notice.text)}</pre>\n"


def _counts(notice: PackNotice) -> tuple[str, str]:
    if notice.deemed_served_on is None or notice.deemed_citation is None:
        return "Not served", "No rule says so"
    return escape(_day(notice.deemed_served_on)), escape(notice.deemed_citation)


def _done(pack: Pack) -> Iterator[str]:
    request = pack.request
    yield "<h2>What the organisation did</h2>\n"
    theirs = [each for each in request.history if each.by == request.organisation]
    if not theirs:
        yield "<p>Nothing that the gateway knows of.</p>\n"
        return
    rows = [(_time(each.at), _words(each.event), str(each.entry)) for each in theirs]
    yield from _table("Steps of the organisation", ("When", "What", "Entry"), rows)


def _missing(pack: Pack) -> Iterator[str]:
    yield "<h2>What is missing</h2>\n"
    if not pack.request.left:
        yield "<p>Nothing: all that was asked for has been answered.</p>\n"
        return
    yield f"<p>Still to be answered, and due by {escape(_day(pack.request.due))}:</p>\n<ul>\n"
    yield from (f"<li>{_words(name)}</li>\n" for name in pack.request.left)
    yield "</ul>\n"


def _history(history: Iterable[PackEvent]) -> Iterator[str]:
    yield "<h2>What happened, in order</h2>\n"
    rows = [
        (
            _time(each.at),
            _words(each.event),
            escape(each.by),
            _words(each.state),
            _entry(each.entry),
        )
        for each in history
    ]
    heads = ("When", "What", "By", "State after it", "Entry in the ledger")
    yield from _table("Every event of the request", heads, rows)


def _checking(pack: Pack) -> Iterator[str]:
    yield "<h2>How to check this pack</h2>\n<ol>\n"
    yield (
        "<li>Get the ledger's public key from its operator and from a second place, not from this "
        f"pack. The pack says that it is <code>{escape(pack.vkey)}</code>.</li>\n"
        "<li>Keep the key in a file and run <code>cms-gateway evidence verify PACK.zip --key "
        f"FILE --request {escape(pack.request.id)}</code>. It needs no network and no help from the "
        "gateway.</li>\n"
        "<li>To check by other means: <code>manifest.json</code> has the SHA-256 of every other file, "
        "and <code>manifest.sig</code> is a signature over it, a JSON Web Signature with its payload "
        "detached. Each file in <code>proofs</code> is a C2SP tlog-proof that the entry of the "
        "same number is in the ledger whose state <code>checkpoint</code> signs.</li>\n"
    )
    yield (
        "</ol>\n<p>The times of the steps above are those of their entries in the ledger, in UTC. "
        "What carriers reported, and the texts of notices whose entry does not commit to them, are "
        "the gateway&#x27;s own statement.</p>\n"
    )


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table; the cells are HTML already."""
    yield f"<table>\n<caption>{caption}</caption>\n<thead>\n<tr>"
    yield from (f'<th scope="col">{head}</th>' for head in heads)
    yield "</tr>\n</thead>\n<tbody>\n"
    for row in rows:
        yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n"
    yield "</tbody>\n</table>\n"


def _entry(index: int) -> str:
    return f'<a href="{entry_name(index)}">{index}</a>'


def _plain(name: Any) -> str:
    return str(name).replace("_", " ")


def _words(name: str) -> str:
    return escape(_plain(name))


def _day(text: str) -> str:
    """A day as people write it, `22 November 2026`."""
    day = dt.date.fromisoformat(text)
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _time(text: str) -> str:
    """An instant as people write it, to the second."""
    at = instant.read(text)
    return f"{_day(at.date().isoformat())}, {at:%H:%M:%S} UTC"


_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
