"""WIRING: the one place that builds clients and lists what is registered."""
