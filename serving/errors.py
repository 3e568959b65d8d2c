"""What is wrong with a request, and what to do about it."""

from __future__ import annotations

from perennial.contracts.errors import PerennialError


class RequestRefused(PerennialError):
    """A request that cannot be answered as it is; nothing was computed.

    Attributes:
        status: of the HTTP answer.
        row: the number of the row that is to blame, from 0, where one is.
    """

    status = 400

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row


class BadRow(RequestRefused):
    """A row lacks a column, or holds something that is no value of it."""

    status = 422


class TooLarge(RequestRefused):
    """More bytes or rows than are taken at once."""

    status = 413


class TooSlow(RequestRefused):
    """The body has not arrived in time."""

    status = 408


class TooBusy(RequestRefused):
    """As many requests wait as are allowed to."""

    status = 429


class TooLate(RequestRefused):
    """The time that the caller gives is over."""

    status = 504


class NotServed(RequestRefused):
    """No such model, version or variant here."""

    status = 404


class ModelFailed(RequestRefused):
    """The model's own graph failed on these rows. Counts against its variant."""

    status = 500
