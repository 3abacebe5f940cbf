"""What the Notify API says when it refuses: status, name and message, as the real one words them."""

from __future__ import annotations

from typing import Final

from aiohttp import web

MALFORMED: Final = (
    "Invalid token: make sure your API token matches the example at "
    "https://docs.notifications.service.gov.uk/rest-api.html#authorisation-header"
)
CLOCK: Final = "Error: Your system clock must be accurate to within 30 seconds"
TEAM_ONLY: Final = "Can’t send to this recipient using a team-only API key"  # noqa: RUF001 - the real one's
TEAM_LETTERS: Final = "Cannot send letters with a team api key"


class NotifyRefusal(Exception):  # noqa: N818 - a refusal is an answer, not an error of ours
    """One or more errors of one kind with which a call is answered."""

    def __init__(self, status: int, name: str, *messages: str) -> None:
        super().__init__(f"{status} {name}: {', '.join(messages)}")
        self.status = status
        self.name = name
        self.messages = messages

    def answer(self) -> web.Response:
        """The answer to the call."""
        errors = [{"error": self.name, "message": message} for message in self.messages]
        return web.json_response({"status_code": self.status, "errors": errors}, status=self.status)


def bad_request(message: str) -> NotifyRefusal:
    """Something about the call's meaning is wrong."""
    return NotifyRefusal(400, "BadRequestError", message)


def not_valid(*messages: str) -> NotifyRefusal:
    """Something about the call's form is wrong, once for each message."""
    return NotifyRefusal(400, "ValidationError", *messages)


def not_found() -> NotifyRefusal:
    """There is nothing of that id."""
    return NotifyRefusal(404, "NoResultFound", "No result found")
