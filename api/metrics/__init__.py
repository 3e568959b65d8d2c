"""What Prometheus reads of the API, and of all that reports to it or is recorded by it.

Labels are models, environments, variants, versions, routes and words of the contracts: never a run,
a person, a path or a process, of which there is no end.
"""
