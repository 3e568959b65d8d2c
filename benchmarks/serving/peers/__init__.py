"""What runs in the peers' environments; only their own libraries are there."""
