"""The log of requests, read back."""
