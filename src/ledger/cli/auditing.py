"""``verify``: a whole log, from a published folder or a ledger folder; trusts nothing but the ledger id that it is given."""

from __future__ import annotations
