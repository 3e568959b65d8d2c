"""What runs inside Ray."""
