"""Late flights: mixed columns, ordered by time, with missing values."""
