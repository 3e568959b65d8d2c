"""Who asks: the HTTP interface, and the records it shares with the workers."""
