"""`subscription`: a feed pushed to a real receiver by commands alone, beside a gateway and without."""

from __future__ import annotations

from pathlib import Path

import pytest

from certs.development import DevelopmentPki
from gateway.cli.exits import Exit
from tests.cli.conftest import Cli, config_of
from tests.pushing import FEED, pushed_in, until
from tests.receivers import receiving


async def test_a_feed_is_pushed_by_commands(tmp_path: Path, pki: DevelopmentPki, cli: Cli) -> None:
    async with receiving(pki) as receiver, pushed_in(tmp_path, pki, by_hand=False) as pushed:
        config = ("--config", config_of(pushed.house, tmp_path))
        made = await cli("subscription", "add", FEED, FEED, "--to", "webhook", "--url",
                         receiver.url, "--json", *config)  # fmt: skip
        assert made.code == Exit.OK, made.err
        identity = made.json["id"]
        second = await cli("subscription", "add", FEED, FEED, "--to", "webhook", "--url",
                           receiver.url, *config)  # fmt: skip
        assert "is pushed from record 1." in second.err
        second_id = second.out.strip().splitlines()[-1]
        assert (await cli("subscription", "remove", second_id, *config)).code == Exit.OK
        await pushed.submit()
        await until(lambda: receiver.asked)
        receiver.verify(made.json["secret"])
        turned = await cli("subscription", "change", identity, "--rotate-secret", *config)
        assert turned.code == Exit.OK
        assert "whsec_" in turned.out + turned.err
        for act in ("pause", "resume"):
            assert (await cli("subscription", act, identity, *config)).code == Exit.OK
        again = await cli("subscription", "rewind", identity, "--after", "0", *config)
        assert again.code == Exit.OK
        await until(lambda: len(receiver.asked) == 2)
        receiver.will(410)
        await pushed.submit()
        await until(lambda: len(receiver.asked) == 3)

        async def disabled() -> bool:
            shown = await cli("subscription", "show", identity, "--json", *config)
            return bool(shown.json["state"] == "disabled")

        await until(disabled)
        shown = await cli("subscription", "show", identity, *config)
        assert "GONE" in shown.out
        listed = await cli("subscription", "list", "--consumer", FEED, *config)
        assert identity in listed.out
        replayed = await cli("subscription", "replay", identity, "--json", *config)
        assert replayed.json["replayed"] == 1
        await until(lambda: len(receiver.asked) == 4)
        assert receiver.ids[2] == receiver.ids[3]
        removed = await cli("subscription", "remove", identity, *config)
        assert removed.code == Exit.OK
        assert (await cli("subscription", "show", identity, "--json", *config)).json["url"] is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add", FEED, "tracing", "--to", "webhook", "--url", "https://127.0.0.1/"), "no consumer"),
        (("add", "employer", FEED, "--to", "webhook", "--url", "https://127.0.0.1/"), "no consumer"),
        (("add", FEED, FEED, "--to", "webhook"), "has a URL. Give one with --url."),
        (("add", FEED, FEED, "--to", "webhook", "--url", "http://127.0.0.1/"), "HTTPS"),
        (("add", FEED, FEED, "--to", "webhook", "--url", "https://127.0.0.1/", "--after", "9"), "0"),
        (("add", FEED, FEED, "--to", "webhook", "--url", "https://127.0.0.1/", "--secret", "x"),
         "secret"),
        (("add", FEED, FEED, "--to", "jetstream"), "[jetstream]"),
        (("add", FEED, FEED, "--to", "jetstream", "--url", "https://127.0.0.1/"), "neither"),
        (("pause", "sub_x"), "no subscription"),
        (("show", "sub_x"), "no subscription"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_in_words(
    tmp_path: Path, pki: DevelopmentPki, cli: Cli, arguments: tuple[str, ...], told: str
) -> None:
    async with pushed_in(tmp_path, pki) as pushed:
        path = config_of(pushed.house, tmp_path)
        path.write_text(path.read_text() + '[notices]\nwebhook_networks = ["127.0.0.1/32"]\n')
    ran = await cli("subscription", *arguments, "--config", path)
    assert ran.code == Exit.REFUSED
    assert told in ran.err
    assert "Nothing was changed" in ran.err
