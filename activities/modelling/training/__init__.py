"""How candidates of each kind learn, and how that goes on after a death."""
