"""Before serving: every file and address that the settings name can be used, or the key is named."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterator
from pathlib import Path

from gateway import carriers
from gateway.cli.exits import Exit, Stop
from gateway.config import Settings, SettingsError
from gateway.edge import client_certificate, keyring, tls
from gateway.edge.client_certificate import TrustStore
from gateway.wiring import clock


def check(settings: Settings, path: Path) -> None:
    """Raise SettingsError, which names the file and the key of the settings, for what is of no use."""
    for key, files in _files(settings):
        for file in files:
            try:
                file.open("rb").close()
            except FileNotFoundError as error:
                raise SettingsError(f"{path}: {key}: {file} does not exist.") from error
            except OSError as error:
                raise _unusable(path, key, file, error.strerror or "cannot be opened") from error
    with _named(path, "tls.participants and tls.revocation_lists", settings.tls.participants):
        TrustStore.load(settings.tls.participants, settings.tls.revocation_lists, clock())
    with _named(path, "tls.certificate and tls.key", settings.tls.certificate):
        tls.server_context(
            certificate=settings.tls.certificate,
            key=settings.tls.key,
            client_ca=settings.tls.participants,
        )
    for file in settings.signers:
        with _named(path, "signers", file):
            client_certificate.der_of(file.read_bytes())
    try:
        carriers.letters(settings)
        carriers.hooks(settings)
        carriers.streams(settings)
        carriers.questions(settings, clock)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error
    keyring.open_ring(settings.keys, origin=settings.origin)
    try:
        socket.getaddrinfo(settings.host, settings.port)
    except OSError as error:
        message = f"{path}: host: '{settings.host}' is no address of this machine."
        raise SettingsError(message) from error


@contextlib.contextmanager
def listening_told(settings: Settings) -> Iterator[None]:
    """Say in words why the gateway cannot listen where the settings say."""
    try:
        yield
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        if error.errno == errno.EADDRINUSE:
            message = f"Something listens on {where} already. Stop it, or change 'port'."
            raise Stop(message, Exit.UNAVAILABLE) from error
        if error.errno in {errno.EADDRNOTAVAIL, errno.EACCES} and not error.filename:
            message = f"The gateway may not listen on {where}. Change 'host' or 'port'."
            raise Stop(message, Exit.USAGE) from error
        raise


def _files(settings: Settings) -> Iterator[tuple[str, tuple[Path, ...]]]:
    yield "tls.certificate", (settings.tls.certificate,)
    yield "tls.key", (settings.tls.key,)
    yield "tls.participants", (settings.tls.participants,)
    yield "tls.revocation_lists", settings.tls.revocation_lists
    yield "signers", settings.signers


@contextlib.contextmanager
def _named(path: Path, key: str, file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise _unusable(path, key, file, str(error)) from error


def _unusable(path: Path, key: str, file: Path, why: str) -> SettingsError:
    return SettingsError(f"{path}: {key}: {file} cannot be used: {why.rstrip('.')}.")
