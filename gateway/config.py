"""One frozen Settings, read once, strictly.

An unknown key is an error; paths are relative to the file that names them. Secrets are never settings, only the paths of files that hold them.
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from yarl import URL

from gateway.core.checkpoint import CheckpointError, parse_vkey, verifier_key
from gateway.core.limits import MIB

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(Exception):
    """The settings cannot be used; the message names the key and what to do."""


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Our certificate, and whom we believe: the participant authority and its revocation lists."""

    certificate: Path
    key: Path
    participants: Path
    revocation_lists: tuple[Path, ...]


class Sftp(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The SFTP door, where there is one; the host key is in the key ring unless said otherwise.

    `days` is how long a file and its results stay in an inbox after the last change,
    `idle_seconds` how long a connection may say nothing.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 2222
    host_keys: Path | None = None
    idle_seconds: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 300
    days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 30


class Notify(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """GOV.UK Notify: where, the file that holds the API key, and the id there of each template.

    `templates` are by kind, language and way, as in `"reminder/cy/letter" = "..."`; without them the
    ids are those of the stand-in.
    """

    url: str = "https://api.notifications.service.gov.uk"
    key: Path
    templates: dict[str, str] | None = None


class Notices(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What notices say of how to reach us, and what carries them.

    `webhook_ca` is believed instead of the system's authorities, and `webhook_networks` count as
    public; both are for trying things out.
    """

    contact: str = "the Child Maintenance Service, at the address that the notice came from"
    notify: Notify | None = None
    webhook_ca: Path | None = None
    webhook_networks: tuple[str, ...] = ()


class Signing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The certificate, and its key, with which messages of ours to banks are signed."""

    certificate: Path
    key: Path


class JetStream(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The broker that feeds are pushed into (docs/nats.md).

    `ca` is believed instead of the system's authorities; `certificate` and `key` are shown, and
    `credentials` is a file as `nsc` makes it. A page stays in its stream for `max_age_days`, and a
    repeat of it is known for `duplicate_seconds`.
    """

    servers: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    credentials: Path | None = None
    replicas: Literal[1, 3] = 1
    prefix: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9]{1,20}$")] = "cms"
    max_age_days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 14
    duplicate_seconds: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 3_600


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything an operator decides.

    `origin` names the ledger for ever; `issuer` is the https URL of this gateway; `data` holds the
    database and sealed bodies, `keys` the key ring (keep them apart in backups). `proxies` are the
    networks whose `Client-Cert` header is believed, `monitors` those that may read /metrics,
    `signers` certificates trusted to sign ISO 20022 messages. `duties` is a directory of class files
    that stand beside those of the installed duty table, or in their place. `mailbox` is our own mailbox id for those
    who speak MESH, found under `mailbox_code`. `processes` read large bodies. `notices` says how
    notices go out, `signing` with what ISO 20022 messages of ours are signed, `jetstream` where feeds
    are pushed to.
    """

    origin: str
    issuer: str
    data: Path
    keys: Path
    tls: Tls
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8443
    proxies: tuple[str, ...] = ()
    monitors: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    signers: tuple[Path, ...] = ()
    duties: Path | None = None
    conformance_keys: tuple[str, ...] = ()
    conformance_required: bool = False
    mailbox: Annotated[str, msgspec.Meta(pattern="^[A-Z][A-Z0-9]{2,49}$")] = "CMSGATEWAY"
    mailbox_code: Annotated[str, msgspec.Meta(pattern="^[A-Z0-9]{2,20}$")] = "CMS"
    mailbox_chunk_bytes: Annotated[int, msgspec.Meta(ge=1_024, le=100 * MIB)] = 5 * MIB
    body_limit_bytes: Annotated[int, msgspec.Meta(ge=1, le=5 * 1024 * MIB)] = 5 * 1024 * MIB
    processes: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    seal_seconds: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 60
    resume_seconds: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 30
    revocation_seconds: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 30
    header_seconds: Annotated[int, msgspec.Meta(ge=1, le=300)] = 15
    calls_per_minute: Annotated[int, msgspec.Meta(ge=1)] = 60_000
    uncollected_hours: Annotated[int, msgspec.Meta(ge=1, le=8_760)] = 24
    idempotency_days: Annotated[int, msgspec.Meta(ge=1, le=3_660)] = 400
    sftp: Sftp | None = None
    notices: Notices = Notices()
    signing: Signing | None = None
    jetstream: JetStream | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    def networks(self, texts: tuple[str, ...]) -> tuple[Network, ...]:
        """Networks from their written form."""
        return tuple(ipaddress.ip_network(text) for text in texts)


def load(path: Path) -> Settings:
    """Read settings from a TOML file; raises SettingsError."""
    try:
        raw = tomllib.loads(path.read_text())
        settings = msgspec.convert(raw, Settings, dec_hook=_path(path.parent.resolve()))
        settings.networks(settings.proxies + settings.monitors)
        settings.networks(settings.notices.webhook_networks)
        for line in settings.conformance_keys:
            parse_vkey(line)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError) as error:
        raise SettingsError(f"{path}: {error}. See docs/configuration.md.") from error
    try:
        verifier_key(settings.origin, bytes(32))
    except CheckpointError as error:
        raise SettingsError(f"{path}: origin cannot be the name of a ledger: {error}.") from error
    if settings.jetstream is not None:
        _check_servers(path, settings.jetstream)
    if not settings.issuer.startswith("https://") or settings.issuer.endswith("/"):
        raise SettingsError(f"{path}: issuer is an https URL without a slash at its end.")
    return settings


def _check_servers(path: Path, found: JetStream) -> None:
    """Raise SettingsError for a broker that would be spoken to in the open, or shown half a key."""
    for server in found.servers:
        try:
            url = URL(server)
        except ValueError as error:
            raise SettingsError(f"{path}: jetstream.servers: {error}.") from error
        if url.scheme not in {"tls", "nats"} or not url.host or url.user or url.password:
            raise SettingsError(f"{path}: jetstream.servers are like tls://nats.example:4222.")
        if url.scheme == "nats" and url.host not in {"127.0.0.1", "::1", "localhost"}:
            raise SettingsError(f"{path}: jetstream.servers: without TLS on this machine alone.")
    if (found.certificate is None) != (found.key is None):
        raise SettingsError(f"{path}: jetstream.certificate and jetstream.key go together.")


def _path(base: Path) -> Callable[[type[Any], Any], Any]:
    def hook(kind: type[Any], value: Any) -> Any:
        if kind is Path and isinstance(value, str):
            return base / value
        raise NotImplementedError

    return hook
