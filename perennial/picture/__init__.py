"""A rollout over time as one page of HTML, made from the documents of the interface."""

from perennial.picture.page import page
from perennial.picture.timeline import Timeline, timelines

__all__ = ["Timeline", "page", "timelines"]
