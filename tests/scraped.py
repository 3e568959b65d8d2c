"""What a scrape says, for tests."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]


class Scrape:
    """Samples of one answer in Prometheus' text format."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    @property
    def names(self) -> set[str]:
        """Of all samples."""
        return {name for name, _ in self._samples}

    def value(self, name: str, **labels: str) -> float | None:
        """The sample of exactly these labels; None where there is none."""
        return self._samples.get((name, frozenset(labels.items())))

    def labels(self, name: str, label: str) -> set[str]:
        """All that a label says."""
        return {dict(labels)[label] for found, labels in self._samples if found == name}
