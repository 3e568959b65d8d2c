"""What was true, as it becomes known: found, joined, and compared with answers."""
