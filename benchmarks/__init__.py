"""Named, reproducible measurements; peers beside us in the same run, as ratios."""
