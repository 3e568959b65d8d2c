"""The work itself, on frames, networks and graphs. Nothing here knows of Temporal or Ray."""
