"""Model projects on real data, each run by a test."""
