"""What goes wrong when speaking to GOV.UK Notify, in our words, and what helps.

Nothing here holds an address, a value or a text of a notice: errors are logged and shown.
"""

from __future__ import annotations

import enum
from typing import Any, Final

import requests
from notifications_python_client.errors import APIError
from urllib3.exceptions import NewConnectionError

# Notify's limits are 3,000 calls a minute and so many messages a day, which begins at midnight UTC.
_BUSY_SECONDS: Final = 60
_DAY_LIMIT_SECONDS: Final = 3_600


class Trouble(enum.StrEnum):
    """Why Notify did not take something: a code that may be logged. `TOLD` has the sentences."""

    BUSY = "busy"
    DAY_LIMIT = "day_limit"
    UNREACHABLE = "unreachable"
    NO_ANSWER = "no_answer"
    BROKEN = "broken"
    ADDRESS = "address"
    NOT_ALLOWED = "not_allowed"
    TEMPLATE = "template"
    PERSONALISATION = "personalisation"
    TOO_LONG = "too_long"
    KEY = "key"
    CLOCK = "clock"
    NOT_FOUND = "not_found"
    OTHER = "other"


TOLD: Final = {
    Trouble.BUSY: "GOV.UK Notify takes no more this minute. Try again in a minute.",
    Trouble.DAY_LIMIT: "GOV.UK Notify takes no more today. Ask it to raise the daily limit.",
    Trouble.UNREACHABLE: "GOV.UK Notify could not be reached. Nothing was sent. Try again.",
    Trouble.NO_ANSWER: "GOV.UK Notify did not answer. Look the reference up before sending again.",
    Trouble.BROKEN: "GOV.UK Notify has a fault. Look the reference up before sending again.",
    Trouble.ADDRESS: "GOV.UK Notify does not accept the address. Correct it, or use another way.",
    Trouble.NOT_ALLOWED: "The API key or the service may not send to this recipient. Use a live key.",
    Trouble.TEMPLATE: "The template is not at GOV.UK Notify, or is of another kind. Check the ids.",
    Trouble.PERSONALISATION: "The template at GOV.UK Notify asks for a value that we do not give.",
    Trouble.TOO_LONG: "The notice is longer than GOV.UK Notify allows.",
    Trouble.KEY: "GOV.UK Notify does not accept the API key. Check it in the settings.",
    Trouble.CLOCK: "The clock of this machine is more than 30 seconds wrong. Set it.",
    Trouble.NOT_FOUND: "GOV.UK Notify knows nothing of this. It forgets after seven days.",
    Trouble.OTHER: "GOV.UK Notify refused for a reason that we do not know.",
}


class NotifyError(Exception):
    """Notify did not take or tell something. The message holds nothing about whom it was for."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(TOLD[trouble])
        self.trouble = trouble


class TemporaryError(NotifyError):
    """Trying again may help, not before `retry_after` seconds.

    Where `perhaps_sent`, it may have been taken: try again with `again`, so that it is looked up.
    """

    def __init__(
        self, trouble: Trouble, retry_after: int = 0, *, perhaps_sent: bool = False
    ) -> None:
        super().__init__(trouble)
        self.retry_after = retry_after
        self.perhaps_sent = perhaps_sent


class PermanentError(NotifyError):
    """The same will be refused again: the address, or something of ours, has to be mended first."""

    @property
    def is_the_address(self) -> bool:
        """Whether another way to the recipient is what helps."""
        return self.trouble is Trouble.ADDRESS


def trouble_of(error: APIError) -> TemporaryError | PermanentError:
    """What an error of the client means, without anything of what it holds."""
    response = error.response
    if response is None:
        if _never_connected(error.__cause__):
            return TemporaryError(Trouble.UNREACHABLE)
        return TemporaryError(Trouble.NO_ANSWER, perhaps_sent=True)
    status: int = response.status_code
    name, message = _said(response)
    if status == 429:
        if name == "TooManyRequestsError":
            return TemporaryError(Trouble.DAY_LIMIT, _DAY_LIMIT_SECONDS)
        return TemporaryError(Trouble.BUSY, _BUSY_SECONDS)
    if status < 400 or status == 408 or status >= 500:
        return TemporaryError(Trouble.BROKEN, perhaps_sent=True)
    if status == 401 or name == "AuthError":
        return PermanentError(Trouble.CLOCK if "clock" in message else Trouble.KEY)
    if status == 404:
        return PermanentError(Trouble.NOT_FOUND)
    for words, trouble in _MEANINGS:
        if words in message:
            return PermanentError(trouble)
    return PermanentError(Trouble.OTHER)


# What Notify says, in lower case, and what it means; the first that is found counts.
_MEANINGS: Final = (
    ("missing personalisation", Trouble.PERSONALISATION),
    ("team-only", Trouble.NOT_ALLOWED),
    ("team api key", Trouble.NOT_ALLOWED),
    ("trial mode", Trouble.NOT_ALLOWED),
    ("template", Trouble.TEMPLATE),
    ("cannot be longer", Trouble.TOO_LONG),
    ("email address", Trouble.ADDRESS),
    ("postcode", Trouble.ADDRESS),
    ("address", Trouble.ADDRESS),
)


def _said(response: requests.Response) -> tuple[str, str]:
    try:
        first: Any = response.json()["errors"][0]
        return str(first["error"]), str(first["message"]).lower()
    except (ValueError, KeyError, IndexError, TypeError):
        return "", ""


def _never_connected(cause: BaseException | None) -> bool:
    """Whether it is certain that no request left this machine."""
    if isinstance(cause, requests.exceptions.ConnectTimeout | requests.exceptions.SSLError):
        return True
    inner = cause.args[0] if isinstance(cause, requests.ConnectionError) and cause.args else None
    return isinstance(getattr(inner, "reason", None), NewConnectionError)
