from __future__ import annotations

import asyncio
import json
import signal
import sys

import pytest
from aiohttp import ClientSession

from gateway.cli.exits import Exit
from gateway.core.notices import KINDS
from gateway.edge.notify import Notify, stand_in_ids
from gateway.notify_stand_in.keys import new_key
from tests.cli.conftest import run
from tests.conftest import ROOT


def test_every_kind_is_listed() -> None:
    ran = run("notice", "list")
    assert [line.split("\t")[0] for line in ran.out.splitlines()] == ["kind", *KINDS]
    told = run("notice", "list", "--json").json
    assert [each["kind"] for each in told] == list(KINDS)
    assert told[0]["subjects"].keys() == {"en", "cy"}
    assert "answer_link" in told[0]["placeholders"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_can_be_seen(kind: str) -> None:
    ran = run("notice", "preview", kind)
    assert ran.code == Exit.OK
    assert "((" not in ran.out
    assert "0800 000 0000" in ran.out


def test_a_preview_in_welsh_as_html_and_as_json() -> None:
    welsh = run("notice", "preview", "reminder", "--lang", "cy")
    assert welsh.out.startswith("Nodyn atgoffa: atebwch gais 7F3K-22QX erbyn 7 Rhagfyr 2026\n")
    html = run("notice", "preview", "reminder", "--html").out
    assert "<h2>What you must do</h2>" in html
    told = run("notice", "preview", "reminder", "--json").json
    assert told["html"] + "\n" == html
    assert told["subject"] == "Reminder: answer request 7F3K-22QX by 7 December 2026"


def test_a_preview_with_other_values() -> None:
    ran = run("notice", "preview", "preference_changed", "--set", "to_post=no",
              "--set", "to_electronic=yes", "--set", "since=[1](https://evil.example)")  # fmt: skip
    assert "You no longer ask for everything by post." in ran.out
    assert "The order is in your account." not in ran.out
    assert "](http" not in ran.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nothing",), "nothing"),
        (("reminder", "--lang", "fr"), "fr"),
        (("reminder", "--set", "due_date"), "NAME=VALUE"),
        (("reminder", "--set", "party=x"), "due_date"),
        (("preference_changed", "--set", "to_post=perhaps"), "yes or no"),
        (("reminder", "--set", "due_date="), "due_date"),
        (("reminder", "--set", "answer_link=http://evil.example"), "https"),
    ],
)
def test_what_cannot_be_shown_is_a_usage_error(words: tuple[str, ...], told: str) -> None:
    ran = run("notice", "preview", *words)
    assert ran.code == Exit.USAGE
    assert told in ran.err
    assert "Traceback" not in ran.err


def test_a_key_that_is_none_is_a_usage_error() -> None:
    ran = run("notice", "stand-in", "--port", "0", "--key", "nonsense")
    assert ran.code == Exit.USAGE
    assert "UUID" in ran.err


async def test_the_stand_in_serves_until_it_is_told_to_stop() -> None:
    key = new_key()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from gateway.cli import main; main()",
        "notice", "stand-in", "--port", "0", "--key", key.text, "--json", cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    text = b""
    async with asyncio.timeout(20):
        while not text.rstrip().endswith(b"}"):
            line = await process.stdout.readline()
            assert line, text
            text += line
    where = json.loads(text)
    assert where["api_key"] == key.text
    assert where["url"].startswith("http://127.0.0.1:")
    notify = Notify(where["url"], key.text, stand_in_ids())
    values = {"reference": "7F3K-22QX", "contact": "us"}
    sent = await notify.send_email("post.room@bank.example", "withdrawn", "cy", values, "n-1")
    notify.close()
    async with ClientSession() as session, session.get(where["inbox"]) as answer:
        assert sent.id in await answer.text()
    process.send_signal(signal.SIGTERM)
    _, words = await process.communicate()
    assert process.returncode == 0, words
