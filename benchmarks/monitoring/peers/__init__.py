"""Each script runs in an environment of its own."""
