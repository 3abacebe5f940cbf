"""What carries things out of the house: GOV.UK Notify, webhooks, and messages to banks, signed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from adapters.banks.sign_message import CannotSign, SigningKey, sign
from adapters.banks.write_auth001 import write
from gateway.config import Settings, SettingsError
from gateway.core.carriage import Fate, NotTakenError
from gateway.core.correspondent import Language
from gateway.core.groups.person import Who
from gateway.core.instant import read
from gateway.core.notices import KINDS, LANGUAGES, Kind, NoticeError, Value
from gateway.core.question import Question
from gateway.core.refusal import Reason, Refused
from gateway.core.request_item import Stored
from gateway.edge.courier import Courier, Undelivered
from gateway.edge.jetstream import JetStream, Terms
from gateway.edge.notify import WAYS, Notify, TemplateIds, Way, stand_in_ids
from gateway.edge.notify_trouble import PermanentError, TemporaryError, Trouble
from gateway.edge.tls import client_context

# What somebody of ours has to mend at GOV.UK Notify or here; the notice waits for it, as it is.
_OURS: Final = frozenset({Trouble.KEY, Trouble.CLOCK, Trouble.NOT_ALLOWED, Trouble.TEMPLATE})


@dataclass(frozen=True, slots=True)
class Letters:
    """E-mails and letters by GOV.UK Notify (`gateway.core.carriage.Letters`)."""

    notify: Notify

    async def email(
        self,
        address: str,
        kind: Kind,
        language: Language,
        values: Mapping[str, Value],
        reference: str,
        *,
        again: bool,
    ) -> str:
        """Send an e-mail; raises NotTakenError."""
        with _untaken():
            sent = await self.notify.send_email(
                address, kind, language, values, reference, again=again
            )
            return sent.id

    async def letter(
        self,
        address: tuple[str, ...],
        kind: Kind,
        language: Language,
        values: Mapping[str, Value],
        reference: str,
        *,
        again: bool,
    ) -> str:
        """Send a letter; raises NotTakenError."""
        with _untaken():
            sent = await self.notify.send_letter(
                address, kind, language, values, reference, again=again
            )
            return sent.id

    async def fate(self, carried: str) -> tuple[Fate, dt.datetime]:
        """What became of one, and when; raises NotTakenError."""
        with _untaken():
            found = await self.notify.status(carried)
        if found.state in {"delivered", "posted"}:
            return "delivered", found.at
        return ("on_its_way" if found.state == "on_its_way" else "failed"), found.at


@contextmanager
def _untaken() -> Iterator[None]:
    """What goes wrong at GOV.UK Notify, in the story's words."""
    try:
        yield
    except TemporaryError as error:
        raise NotTakenError(error.trouble.value, temporary=True) from error
    except (PermanentError, NoticeError) as error:
        trouble = error.trouble if isinstance(error, PermanentError) else None
        code = "text" if trouble is None else trouble.value
        raise NotTakenError(code, temporary=trouble in _OURS) from error


@dataclass(frozen=True, slots=True)
class Hooks:
    """Calls webhooks by the courier (`gateway.core.carriage.Hooks`)."""

    courier: Courier

    async def call(
        self,
        url: str,
        secret: str,
        message: str,
        payload: bytes,
        now: dt.datetime,
        *,
        media_type: str = "application/json",
    ) -> None:
        """Call one; raises NotTakenError."""
        try:
            await self.courier.deliver(url, secret, message, payload, now, media_type=media_type)
        except Undelivered as error:
            raise NotTakenError(
                error.code, temporary=error.temporary, retry_after=error.retry_after
            ) from error


def hooks(settings: Settings) -> Hooks:
    """Webhooks, as the settings say; raises SettingsError."""
    found = settings.notices
    allow = settings.networks(found.webhook_networks)
    with _usable("notices.webhook_ca", found.webhook_ca):
        return Hooks(Courier(ca=found.webhook_ca, allow=allow))


def letters(settings: Settings) -> Letters | None:
    """GOV.UK Notify, if the settings name it; raises SettingsError."""
    found = settings.notices.notify
    if found is None:
        return None
    with _usable("notices.notify.key", found.key):
        key = found.key.read_text().strip()
    try:
        ids = stand_in_ids() if found.templates is None else _template_ids(found.templates)
        return Letters(Notify(found.url, key, ids))
    except ValueError as error:
        raise SettingsError(f"notices.notify: {error}.") from error


def streams(settings: Settings) -> JetStream | None:
    """NATS JetStream, if the settings name it; raises SettingsError."""
    found = settings.jetstream
    if found is None:
        return None
    files = {name: getattr(found, name) for name in ("ca", "certificate", "key", "credentials")}
    for name, file in files.items():
        with _usable(f"jetstream.{name}", file):
            if file is not None:
                file.open("rb").close()
    tls = None
    if found.ca or found.certificate or any(each.startswith("tls:") for each in found.servers):
        with _usable("jetstream.ca", found.ca):
            tls = client_context(found.ca)
        with _usable("jetstream.certificate and jetstream.key", found.certificate):
            tls = client_context(found.ca, found.certificate, found.key)
    terms = Terms(
        prefix=found.prefix,
        replicas=found.replicas,
        max_age=dt.timedelta(days=found.max_age_days),
        duplicate_window=dt.timedelta(seconds=found.duplicate_seconds),
    )
    return JetStream(found.servers, terms, tls=tls, credentials=found.credentials)


def questions(settings: Settings, now: Callable[[], dt.datetime]) -> Callable[[Stored, Who], bytes]:
    """Writes a request as auth.001, signed where the settings name a key; raises SettingsError."""
    seal: tuple[SigningKey, bytes] | None = None
    if settings.signing is not None:
        with _usable("signing.key", settings.signing.key):
            key = serialization.load_pem_private_key(settings.signing.key.read_bytes(), None)
        with _usable("signing.certificate", settings.signing.certificate):
            certificate = x509.load_pem_x509_certificate(settings.signing.certificate.read_bytes())
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise SettingsError("signing.key is of a kind that XML signatures do not know.")
        seal = key, certificate.public_bytes(serialization.Encoding.DER)

    def written_as(request: Stored, who: Who) -> bytes:
        question = Question(
            id=request.id,
            issued_at=read(request.raised),
            due=dt.date.fromisoformat(request.due),
            citation=request.citation,
            purposes=request.purposes,
            record_types=request.record_types,
            subject=who,
            consumer=request.consumer,
            organisation=request.organisation,
            reference=request.reference,
        )
        message = write(question)
        if seal is None:
            return message
        try:
            return sign(message, *seal, now())
        except CannotSign as error:
            told = "Our signing certificate cannot be used today; the request is offered as JSON."
            raise Refused(Reason.NOT_OFFERED, told) from error

    return written_as


@contextmanager
def _usable(key: str, file: Path | None) -> Iterator[None]:
    """Name the key of the settings, and its file, where the file is of no use."""
    try:
        yield
    except FileNotFoundError as error:
        raise SettingsError(f"{key}: {file} does not exist.") from error
    except (OSError, ValueError, TypeError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        told = (why or str(error)).rstrip(".")
        raise SettingsError(f"{key}: {file} cannot be used: {told}.") from error


def _template_ids(told: Mapping[str, str]) -> TemplateIds:
    """Template ids by kind, language and way; raises ValueError for a name that is none."""
    known = {
        f"{k}/{lang}/{way}": (k, lang, way) for k in KINDS for lang in LANGUAGES for way in WAYS
    }
    for name in told:
        if name not in known:
            raise ValueError(f"there is no template {name}")
    found: dict[tuple[Kind, Language, Way], str] = {known[n]: i for n, i in told.items()}
    return cast("TemplateIds", found)
