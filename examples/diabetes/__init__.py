"""Whose diabetes will progress? With sex kept for fairness, and not read by the model."""
