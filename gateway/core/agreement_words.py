"""What an agreement is to, in the words of a notice; the same names as in `gateway.core.channel`."""

from __future__ import annotations

from typing import Final

from gateway.core.channel import Electronic, Purpose
from gateway.core.correspondent import Language

PURPOSE_WORDS: Final[dict[Language, dict[Purpose, str]]] = {
    "en": {
        "requests": "information requests",
        "orders": "orders to deduct, and changes to them",
        "reminders": "reminders",
        "receipts": "receipts and confirmations",
        "corrections": "corrections",
    },
    "cy": {
        "requests": "ceisiadau am wybodaeth",
        "orders": "gorchmynion i ddidynnu, a newidiadau iddynt",
        "reminders": "nodiadau atgoffa",
        "receipts": "derbynebau a chadarnhadau",
        "corrections": "cywiriadau",
    },
}
FORM_WORDS: Final[dict[Language, dict[Electronic, str]]] = {
    "en": {
        "api": "in your account, through your own system",
        "sftp": "in your SFTP inbox",
        "webhook": "a call to your webhook",
        "email": "email",
    },
    "cy": {
        "api": "yn eich cyfrif, trwy eich system eich hun",
        "sftp": "yn eich mewnflwch SFTP",
        "webhook": "galwad i'ch webhook",
        "email": "e-bost",
    },
}
