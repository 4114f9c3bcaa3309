"""What can go wrong in the domain, in words a caller can act on.

DomainError              400
+- Malformed             400   it cannot be read
+- SignInNeeded          401   visible, but nobody is signed in
+- Forbidden             403   visible, but the role does not grant the action
+- NotFound              404   absent, or not visible to this actor
+- Conflict              409   right payload, wrong moment
+- Gone                  410   it was there, and its time is over
+- Stale                 412   somebody saved this row meanwhile
+- TooLarge              413   over a limit the message names
+- Invalid               422   the shape is right, the meaning is not
+- Locked                423   somebody else has it in hand; `retry_after` seconds from now
+- VersionNeeded         428   an edit did not say which version it edits
+- Busy                  429   too many tries; `retry_after` seconds from now
+- Harmed                460   the bytes that arrived are not those that were sent (tus, checksum)
+- Unavailable           503   the database or the store is away; nothing was kept
+- NoSpace               507   the disk is full; nothing was kept

Messages are English message ids with ``{names}``; ``testbed.web.problems`` translates them and fills the
names from ``params``. ``fields`` maps the name of an input (``need.statement``) to what is wrong with it.
"""

from http import HTTPStatus
from typing import Any, ClassVar

from testbed.texts import message

ATTENTION = message("Some fields need your attention.")


class DomainError(Exception):
    """Raised by services; ``testbed.web.problems`` turns it into a response."""

    status: ClassVar[int] = HTTPStatus.BAD_REQUEST

    def __init__(self, detail: str, *, fields: dict[str, str] | None = None, **params: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = fields or {}
        self.params = params


class Malformed(DomainError):
    status = HTTPStatus.BAD_REQUEST


class SignInNeeded(DomainError):
    status = HTTPStatus.UNAUTHORIZED


class Forbidden(DomainError):
    status = HTTPStatus.FORBIDDEN


class NotFound(DomainError):
    status = HTTPStatus.NOT_FOUND


class Conflict(DomainError):
    status = HTTPStatus.CONFLICT


class Gone(DomainError):
    status = HTTPStatus.GONE


class Stale(DomainError):
    """``params["current"]`` holds the row as it is now, as plain data."""

    status = HTTPStatus.PRECONDITION_FAILED


class TooLarge(DomainError):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class Invalid(DomainError):
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class Locked(DomainError):
    """``params["retry_after"]`` is in seconds."""

    status = HTTPStatus.LOCKED


class VersionNeeded(DomainError):
    status = HTTPStatus.PRECONDITION_REQUIRED


class Busy(DomainError):
    """``params["retry_after"]`` is in seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class Harmed(DomainError):
    status = 460  # of the tus protocol; no RFC knows it


class Unavailable(DomainError):
    status = HTTPStatus.SERVICE_UNAVAILABLE


class NoSpace(DomainError):
    status = HTTPStatus.INSUFFICIENT_STORAGE
