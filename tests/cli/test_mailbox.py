"""`mailbox`: from nothing to a file sent by MESH, by commands alone."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from mesh_client import MeshClient

from gateway import config as configuration
from gateway.cli.exits import Exit
from gateway.wiring import running
from tests.cli.conftest import Cli
from tests.conftest import SAMPLES
from tests.judgement import judge


async def test_an_organisation_with_a_mesh_client_is_let_in_by_commands(
    tmp_path: Path, cli: Cli
) -> None:
    house = tmp_path / "house"
    config = ("--config", house / "config.toml")
    assert (await cli("init", house)).code == Exit.OK
    added = await cli("org", "add", "shop", "--name", "A shop", "--class", "employer", *config)
    assert added.code == Exit.OK
    issued = await cli("cert", "issue", "shop", "--directory", house / "shop", *config)
    assert issued.code == Exit.OK
    made = await cli("mailbox", "add", "shop", "SHOP1", "--json", *config)  # no gateway yet
    assert made.code == Exit.OK, made.err
    path = house / "config.toml"
    path.write_text(path.read_text().replace("port = 8443", "port = 0"))
    async with running(configuration.load(path)) as gateway:

        def send() -> str:
            with MeshClient(
                f"https://localhost:{gateway.port}",
                "SHOP1",
                made.json["password"],
                shared_key=made.json["shared_key"].encode(),
                cert=(
                    str(house / "shop" / "certificate.pem"),
                    str(house / "shop" / "certificate.key"),
                ),
                verify=str(house / "shop" / "server-ca.pem"),
            ) as client:
                data = (SAMPLES / "schedule.csv").read_bytes()
                recipient = made.json["recipient"]
                client.send_message(recipient, data, workflow_id="CMS_SUBMISSION")
                outcome, _ = client.list_messages()
                return str(json.loads(client.retrieve_message(outcome).read())["state"])

        assert await asyncio.to_thread(send) == "accepted"
        again = await cli("mailbox", "add", "shop", "SHOP1", *config)  # beside the gateway
        assert again.code == Exit.REFUSED
        shown = await cli("mailbox", "add", "shop", "SHOP2", *config)
        assert shown.code == Exit.OK
        assert "shared key" in shown.out + shown.err
        assert (await cli("mailbox", "remove", "SHOP2", *config)).code == Exit.OK
        assert (await cli("mailbox", "remove", "SHOP2", "--json", *config)).json["removed"] is True
        assert (await cli("mailbox", "remove", "SHOP3", *config)).code == Exit.REFUSED
        listed = (await cli("mailbox", "list", "--json", *config)).json["mailboxes"]
        assert [(box["id"], box["removed"] is None) for box in listed] == [
            ("SHOP1", True),
            ("SHOP2", False),
        ]
        assert made.json["password"] not in json.dumps(listed)
        assert "SHOP1" in (await cli("mailbox", "list", *config)).out
        for org, identity in (("shop", "shop1"), ("shop", "S1"), ("nobody", "SHOP4")):
            assert (await cli("mailbox", "add", org, identity, *config)).code == Exit.REFUSED
        await judge(gateway, tmp_path)
