"""From a window's rows to a verdict: ours, whylogs as it comes, Evidently and NannyML."""
