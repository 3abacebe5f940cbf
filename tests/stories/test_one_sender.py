"""A notice is sent by one at a time, whichever jobs fall due together."""

from __future__ import annotations

import asyncio
from pathlib import Path

from certs import development
from tests.asking import ADDRESS, Clock, stand_in, story_in


async def test_reminding_and_sending_at_the_same_time_send_a_letter_once(
    tmp_path: Path, pki: development.DevelopmentPki
) -> None:
    time = Clock()
    async with story_in(tmp_path, pki, time=time, post=stand_in(time)) as story:
        await story.quiet()
        await story.reached("bank", address=ADDRESS)
        assert story.post is not None
        story.post.fail_next("late", 24)  # more than are handed over at a time: some have to wait
        asked = [await story.ask("tracing", "bank", "account") for _ in range(12)]
        await asyncio.gather(story.run("reminders"), story.run("notices"))
        await story.quiet()
        sent = [entry["id"] for entry in story.entries("notice.sent")]
        assert sorted(sent) == sorted(story.notices(each)[0].id for each in asked)
        assert len(story.posted) == len(asked)
