"""HOW it is done: one class for each outside system, its clients handed in."""
