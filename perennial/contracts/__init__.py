"""The words both sides agree on: inputs, results, activity stubs, ids, queues and errors.

Workflows call the stubs, activity classes implement them, the API starts workflows by these
names. Nothing here does any work.
"""
