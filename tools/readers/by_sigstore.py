"""Claims about checkpoints and inclusion, put to sigstore's own client for its transparency log (PyPI).

It knows a log by a key and by the four bytes with which the note's signature lines begin; a signature of any other name is passed
over.  The modules are sigstore's internal ones: its public interface asks for bundles of software signatures, which ours are not.
"""

from __future__ import annotations

import base64
import json
import sys
from importlib.metadata import version
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import verify_checkpoint
from sigstore._internal.trust import Keyring, RekorKeyring
from sigstore.errors import Error
from sigstore.models import TransparencyLogEntry
from sigstore_models.common.v1 import PublicKey, PublicKeyDetails
from sigstore_models.rekor.v1 import TransparencyLogEntry as Model


def judged(claim: dict[str, Any]) -> str | None:
    """None where the claim holds, what is wrong where it does not, ``-`` where this reader does not read such."""
    if claim["kind"] not in ("checkpoint", "inclusion"):
        return "-"
    try:
        entry = TransparencyLogEntry(Model.from_dict(stated(claim)))
        verify_checkpoint(keyring(claim["public"]), entry)
        if claim["kind"] == "inclusion":
            verify_merkle_inclusion(entry)
    except (Error, ValidationError, ValueError) as problem:
        return str(problem).splitlines()[0] or type(problem).__name__
    return None


def stated(claim: dict[str, Any]) -> dict[str, Any]:
    """The claim as sigstore's model of a log entry; of a checkpoint alone, with a place that nobody looks at."""
    proof = {
        "log_index": str(claim.get("index", 0)),
        "root_hash": claim["root"],
        "tree_size": str(max(claim["size"], 1)),
        "hashes": claim.get("path", []),
        "checkpoint": {"envelope": claim["note"]},
    }
    return {
        "log_index": str(claim.get("index", 0)),
        "log_id": {"key_id": claim["key_id"]},
        "kind_version": {"kind": "tally", "version": "1"},
        "inclusion_proof": proof,
        "canonicalized_body": claim.get("entry", ""),
    }


def keyring(public: str) -> RekorKeyring:
    """Of the one key."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public))
    der = base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    return RekorKeyring(Keyring([PublicKey(raw_bytes=der, key_details=PublicKeyDetails.PKIX_ED25519)]))


json.dump(
    {"reader": f"sigstore {version('sigstore')} (Python)", "said": [judged(claim) for claim in json.load(sys.stdin)]}, sys.stdout
)
