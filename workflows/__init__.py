"""WHEN it happens: one workflow class a file, and steps that anyone's own workflow can use."""
