"""The only SQL: tables, engines, entries, and the view of the fold's state that one batch reads and writes (SQLAlchemy Core).

``entries`` is sacred: triggers refuse UPDATE, DELETE and TRUNCATE.  ``head`` and ``subtrees`` change with it, in the same
transaction.  Every other table is a projection (``ledger.tally.projection``): replay drops and rebuilds it.
"""
