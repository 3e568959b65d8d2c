"""What the platform runs on: tools, set-up, the local stack."""
