"""What can go wrong with the local stack."""

from __future__ import annotations

from perennial.contracts.errors import PerennialError


class StackError(PerennialError):
    """The local stack cannot do what was asked; the message says what to do next."""


class PortTaken(StackError):
    """Another process holds a port that a service of the stack needs."""


class NotReady(StackError):
    """A service did not become ready in time, or the supervisor gave up on it."""
