"""The verification of a whole log, by somebody who trusts none of it: one straight line of nine numbered steps.

1. *Checkpoint*: it is one canonical note, signed by the log key that entry 0 names, of the origin that entry 0 names; what lines the
   named witnesses have on it verify, and in a publication they are as many as the quorum.  Identity: the ledger's id is the one given.
2. *Entries*: each is the canonical bytes of what it says, bears its own index, and time does not go backwards.
3. *Chain*: each holds the leaf hash of the one before.
4. *Tree*: the root over the leaf hashes is the checkpoint's; an earlier known tree is a prefix; every published tile and bundle is what
   the entries give, and no file is missing or stray.
5. *Signatures*: each event's, those inside entry 0 and those inside enrolments.
6. *Streams*: each key signed one stream.  7. *Authority*: each act was its key's to do at that height.  8. *References*: each act names
   what was there, and what corrections name stood, else they are void.  These three are the fold's ``decide``.
9. *Totals*: the recap of these entries is, byte for byte, the published one at every published height; a ledger's own views are the
   rows that the entries give.

A failure does not end the verification; ``FAILURES_SHOWN`` of them do.  Steps 2, 3 and 5 look at every entry that can be read.  The fold
ends at the first entry that is not in order by steps 2, 3, 5 or by the fold itself: what comes after stands on sand, so steps 6 to 9 are
*not evaluated* from there on, rather than reporting consequences.  Since signatures are checked beside the fold, what the fold said
beyond the first bad one is taken back at the end.

Left to others: reading (sources.py), and what a report's reader concludes from it.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from msgspec import Struct

from ledger.audit.ledgerwork import Stored, Work
from ledger.audit.report import Report
from ledger.audit.signatures import Signatures
from ledger.audit.sources import Source
from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.note import parse_note
from ledger.proof.tiles import TILE_WIDTH
