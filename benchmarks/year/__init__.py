"""A year of flights, sent again: what watching a model is worth, and what it costs."""
