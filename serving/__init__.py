"""The data plane: answers requests, knows who should answer which, and counts what it answered."""
