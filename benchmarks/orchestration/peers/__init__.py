"""Each script runs in an environment of its own, made from the lock beside it."""
