"""What is recorded, a module for each kind of thing.

Each function works inside the transaction it is handed. Those that record a fact append its
ledger row in that transaction and do their work once per `effect`; `api.db.store` opens the
transactions.
"""
