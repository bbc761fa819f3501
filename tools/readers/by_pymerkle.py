"""Claims about trees, put to pymerkle (PyPI): roots over all entries, and inclusion.  It reads no checkpoints, and its proofs of
consistency are not RFC 9162's: they go down to a leaf.

A path of ours with the checker's own leaf hash before it is what it calls a path; the order of hashing it computes from index and
size.
"""

from __future__ import annotations

import base64
import json
import sys
from importlib.metadata import version
from typing import Any

from pymerkle import InmemoryTree, InvalidProof, verify_inclusion
from pymerkle.core import _inclusion_path_layout
from pymerkle.hasher import MerkleHasher
from pymerkle.proof import InclusionProof

HASHER = MerkleHasher("sha256", security=True)


def read(text: str) -> bytes:
    """The bytes of a base64 text."""
    return base64.b64decode(text, validate=True)


def judged(claim: dict[str, Any]) -> str | None:
    """None where the claim holds, what is wrong where it does not, ``-`` where pymerkle does not read such."""
    kind = claim["kind"]
    try:
        if kind == "inclusion":
            path = [HASHER.hash_buff(read(claim["entry"])), *map(read, claim["path"])]
            place, size = claim["index"] + 1, claim["size"]
            rule, _ = _inclusion_path_layout(place, size)
            proof = InclusionProof("sha256", True, size, place, rule, path)
            verify_inclusion(path[0], read(claim["root"]), proof, index=place, size=size, algorithm="sha256")
        elif kind == "root":
            tree = InmemoryTree(algorithm="sha256")
            for entry in claim["entries"]:
                tree.append_entry(read(entry))
            if tree.get_state() != read(claim["root"]):
                return "another root"
        else:
            return "-"
    except InvalidProof as problem:
        return str(problem) or "invalid proof"
    return None


json.dump({"reader": f"pymerkle {version('pymerkle')}", "said": [judged(claim) for claim in json.load(sys.stdin)]}, sys.stdout)
