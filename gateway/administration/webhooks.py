"""What a webhook of anybody has to be: a URL that can be called, and a secret that signs."""

from __future__ import annotations

from typing import Final

from gateway.administration.office import Office, refused
from gateway.core import webhook

_SECRET_BYTES: Final = 32
# What a contact holds of them (`gateway.core.correspondent.Contact`).
_URL_CHARS: Final = 500
_SECRET_CHARS: Final = 200


def check_url(url: str, office: Office) -> None:
    """Raise Refused for a URL to which nothing could be delivered, or that is too long."""
    try:
        office.post.check_url(url)
    except ValueError as error:
        raise refused(f"The webhook cannot be used. {error}") from error
    if len(url) > _URL_CHARS:
        raise refused(f"A webhook's URL has at most {_URL_CHARS} characters.")


def new_secret(office: Office) -> str:
    """A secret of our own making."""
    return webhook.shared_secret(office.entropy(_SECRET_BYTES))


def check_secret(secret: str) -> None:
    """Raise Refused for a secret that cannot sign, or that is too long."""
    try:
        webhook.check_secret(secret)
    except webhook.SecretError as error:
        raise refused(f"The secret cannot be used. {error}") from error
    if len(secret) > _SECRET_CHARS:
        raise refused(f"A secret has at most {_SECRET_CHARS} characters.")
