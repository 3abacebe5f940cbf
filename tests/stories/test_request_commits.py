"""Answers and withdrawals that meet in one commit: each is a step of its own, in their order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from certs.development import DevelopmentPki
from gateway.core.answer_lines import Nothing, nil_lines
from gateway.core.request_life import Event
from tests.asking import Story, story_in


@pytest.fixture
async def story(tmp_path: Path, pki: DevelopmentPki) -> AsyncIterator[Story]:
    async with story_in(tmp_path, pki, names=("bank", "tracing")) as opened:
        await opened.connected("bank")
        yield opened


async def test_two_answers_in_one_commit_are_two_steps(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity", "address")
    shown, stored = await story.shown("bank"), story.stored(request)
    before = story.store.evidence.size
    answers = await asyncio.gather(
        *(
            story.asking.answer(shown, request, nil_lines(stored, Nothing(record_types=(name,))))
            for name in stored.record_types
        )
    )
    assert len({answer.recorded.recorded_at for answer in answers}) == 1
    points = story.store._reader.execute(
        "SELECT count(*) FROM checkpoint WHERE size > ?", (before,)
    ).fetchall()
    assert points == [(1,)]  # one commit, and so one checkpoint
    assert story.events(request)[-2:] == ["part_answered", "answered"]
    assert story.state(request) == "answered"


async def test_the_same_answer_twice_in_one_commit_is_one(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity")
    shown, body = await story.shown("bank"), nil_lines(story.stored(request), Nothing())
    one, two = await asyncio.gather(*(story.asking.answer(shown, request, body) for _ in range(2)))
    assert one.recorded.id == two.recorded.id
    assert story.events(request).count("answered") == 1


async def test_an_answer_and_a_withdrawal_in_one_commit_come_in_their_order(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity")
    shown, body = await story.shown("bank"), nil_lines(story.stored(request), Nothing())
    withdrawn, one, two = await asyncio.gather(
        story.store.requests.step(request, Event.WITHDRAWN, "tracing"),
        story.asking.answer(shown, request, body),
        story.asking.answer(shown, request, body),
        return_exceptions=True,
    )
    assert withdrawn.state == "withdrawn"
    # Neither is told that it was taken: the second is no repeat of what was never recorded.
    assert [error.reason.value for error in (one, two)] == ["request-withdrawn"] * 2
    assert story.events(request)[-1] == "withdrawn"
