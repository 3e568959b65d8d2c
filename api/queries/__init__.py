"""What is read from the records, shaped as answers. Nothing here writes."""
