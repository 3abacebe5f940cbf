"""A profile: where a gateway is, who we are to it, and the key we hold it to. One TOML file."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec


class ProfileError(ValueError):
    """The profile cannot be used; the message names the file, the member and what to do."""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything needed to speak to one gateway as one OAuth client.

    `issuer` is what client assertions are addressed to (the url where it is absent); `ca` verifies
    the gateway's certificate (the machine's own trust anchors where it is absent). `certificate` and
    `key` are for mutual TLS; `client`, `client_key` (PKCS #8 PEM: P-256, Ed25519 or RSA) and its
    `kid` are for tokens. The ledger can be read without any of these five. `vkey` pins the ledger:
    with it every receipt is verified as it comes. Uploads under way are remembered in `state`.
    """

    url: str
    issuer: str = ""
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    client: str = ""
    client_key: Path | None = None
    kid: str = ""
    vkey: str | None = None
    state: Path | None = None


def load(path: Path) -> Profile:
    """Read a profile; paths in it are relative to the file. Raises ProfileError."""
    base = path.parent.resolve()

    def hook(kind: type[Any], value: Any) -> Any:
        if kind is Path and isinstance(value, str):
            return base / value
        raise NotImplementedError

    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        profile = msgspec.convert(raw, Profile, dec_hook=hook)
    except OSError as error:
        raise ProfileError(
            f"{path} cannot be read: {error.strerror}. Name a profile with --profile, or make one "
            "with 'cms-gateway client add'.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ProfileError(
            f"{path} is not a profile: {error}. See docs/commands.md, 'The profile'.",
        ) from error
    if not profile.url.startswith("https://"):
        raise ProfileError(f"{path}: url is an https URL; nothing is sent in the clear.")
    url = profile.url.rstrip("/")
    return msgspec.structs.replace(profile, url=url, issuer=profile.issuer or url)


def written(profile: Profile) -> str:
    """A profile as TOML; paths as they are given."""
    # A JSON string without escapes of its own is a TOML basic string.
    lines = [
        f"{name} = {json.dumps(str(value), ensure_ascii=False)}"
        for name in profile.__struct_fields__
        if (value := getattr(profile, name))
    ]
    return "\n".join(lines) + "\n"
