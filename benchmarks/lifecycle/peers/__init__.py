"""Each script runs in an environment of its own, with our ML libraries behind its own."""
