"""The demo: a model's whole life on real data, told with the commands that a person would type."""
