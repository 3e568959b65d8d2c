"""What `perennial.client.Client` can ask about labels."""

from __future__ import annotations

from typing import Any, cast

from perennial.connection import Connection, path
from perennial.label_documents import Labels, LabelsKept


class LabelCalls(Connection):
    """What became of the rows that models were asked about."""

    def send_labels(self, model: str, labels: list[dict[str, Any]]) -> LabelsKept:
        """Tell what became of rows, 10,000 at once at most. Safe to send again."""
        answer = self._post(path("models", model, "labels"), {"labels": labels})
        return cast(LabelsKept, answer)

    def labels(self, model: str) -> Labels:
        """How many labels a model has, and how many found their request."""
        return cast(Labels, self._get(path("models", model, "labels")))
