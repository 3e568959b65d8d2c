"""Pages for people whom a link has brought here: HTML that needs no script and nothing else."""
