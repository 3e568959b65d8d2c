"""What a project builds, and what is done to rows before it sees them."""
