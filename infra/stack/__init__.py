"""The local stack: every service on this machine, supervised, under one state folder."""

from __future__ import annotations

from infra.stack.config import Config
from infra.stack.errors import NotReady, PortTaken, StackError
from infra.stack.ports import Ports
from infra.stack.stack import Stack

__all__ = ["Config", "NotReady", "PortTaken", "Ports", "Stack", "StackError"]
