"""`serve` checks what [jetstream], [signing] and [notices] name, and says which key to mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from tests.cli.conftest import run

SERVERS = '[jetstream]\nservers = ["tls://localhost:4222"]\n'
SHOWN = 'certificate = "pki/server.pem"\n'
NOTIFY = '[notices.notify]\nurl = "https://notify.example"\nkey = '


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("gateway") / "home"
    assert run("init", home).code == Exit.OK
    return home


@pytest.mark.parametrize(
    ("more", "key", "file", "why"),
    [
        (f'{SERVERS}ca = "nats/ca.pem"\n', "jetstream.ca", "nats/ca.pem", ""),
        (f'{SERVERS}{SHOWN}key = "nats/none.key"\n', "jetstream.key", "nats/none.key", ""),
        (f'{SERVERS}certificate = "nats/no.pem"\nkey = "pki/server.key"\n', "jetstream.certificate",
         "nats/no.pem", ""),
        (f'{SERVERS}credentials = "none.creds"\n', "jetstream.credentials", "none.creds", ""),
        (f'{SERVERS}ca = "schedule.csv"\n', "jetstream.ca", "schedule.csv", "cannot be used"),
        (f'{SERVERS}ca = "pki"\n', "jetstream.ca", "pki", "cannot be used: Is a directory"),
        (f'{SERVERS}{SHOWN}key = "pki/server-ca.key"\n', "jetstream.certificate and jetstream.key",
         "pki/server.pem", "cannot be used"),
        ('[signing]\ncertificate = "pki/server.pem"\nkey = "none.key"\n', "signing.key", "none.key",
         ""),
        ('[signing]\ncertificate = "none.pem"\nkey = "pki/server.key"\n', "signing.certificate",
         "none.pem", ""),
        ('[signing]\ncertificate = "pki/server.pem"\nkey = "schedule.csv"\n', "signing.key",
         "schedule.csv", "cannot be used"),
        ('[notices]\nwebhook_ca = "none.pem"\n', "notices.webhook_ca", "none.pem", ""),
        (f'{NOTIFY}"none.txt"\n', "notices.notify.key", "none.txt", ""),
    ],
)  # fmt: skip
def test_a_file_of_no_use_is_told_with_its_key_before_anything_is_started(
    made: Path, more: str, key: str, file: str, why: str
) -> None:
    config = made / "other.toml"
    before = (made / "config.toml").read_text().partition("[signing]")[0]
    config.write_text(before + more)
    found = run("serve", "--config", config)
    assert found.code == Exit.USAGE, found.err
    told = " ".join(found.err.split())
    told_why = f" {why}" if why else " does not exist."
    assert f"{config}: {key}: {made.resolve() / file}{told_why}" in told
    assert "Errno" not in told
    assert not (made / "data").exists()
