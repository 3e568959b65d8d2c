"""What a durable step costs here, beside plain Temporal, DBOS, Restate and Prefect in the same run.

Every system is an entrant: a process that stays warm and does one job at a time when told to on
its standard input (`talk.py`). `ours.py` and `plain.py` run in this environment, those in `peers/`
in environments of their own that `install.py` makes from the locks beside them.
"""
