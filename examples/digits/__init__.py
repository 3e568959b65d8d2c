"""Handwritten digits: a quick classification of ten classes."""
