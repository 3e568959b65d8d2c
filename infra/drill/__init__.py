"""The drill: kill each process in the middle of each stage, and compare with a life undisturbed."""
