"""Minutes in the air: a regression by gradient boosting."""
