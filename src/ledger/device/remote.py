"""A node behind a network, as a device meets it (``Door``): the HTTP API of docs/FORMATS.md section 8.10.

Nothing that it says is believed: receipts, consistency and key chains are checked by the device as a local ledger's are.  What goes
wrong on the way leaves the outbox as it was, and the same bytes are sent again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from ledger.errors import BadInput, Refused, Waiting
from ledger.http import Reply, Server
from ledger.proof.merkle import PATH_LIMIT_HASHES
from ledger.proof.note import NOTE_LIMIT_BYTES
from ledger.proof.tlogproof import PROOF_LIMIT_BYTES

__all__ = ["RemoteNode"]

ANSWER_LIMIT_BYTES: Final = 64_000_000
"""Of a batch of 500, each with its receipt."""
CHAIN_LIMIT_BYTES: Final = 4_000_000
REQUEST_SECONDS: Final = 60
KEPT_RECEIPTS: Final = 500

_T = TypeVar("_T")
_Code = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{0,64}\Z")]


class _Answer(Struct, frozen=True):
    outcome: str
    code: _Code = ""
    detail: str = ""
    index: Annotated[int, Meta(ge=0)] | None = None
    pending: bool = False
    receipt: str | None = None


class _Answers(Struct, frozen=True):
    answers: list[_Answer]


class _Path(Struct, frozen=True):
    path: Annotated[list[Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]], Meta(max_length=PATH_LIMIT_HASHES)]


class _Problem(Struct, frozen=True):
    code: _Code
    detail: str = ""


_answers: Final = msgspec.json.Decoder(_Answers)
_path: Final = msgspec.json.Decoder(_Path)
_problem: Final = msgspec.json.Decoder(_Problem)


class Placed(Struct, frozen=True):
    """The answer for an appended event, as the node says; the receipt shows it."""

    index: int
    void: str
    pending: bool


class RemoteNode:
    """The node at ``url``; use as a context manager or ``close`` it.  ``seconds``: for each request.

    Every call raises ``BadInput`` as ``ledger.http`` does, ``node-answered`` for an answer that is none of the API's, and
    ``Waiting`` with the node's code where it is to be asked again later.
    """

    def __init__(self, url: str, *, seconds: float = REQUEST_SECONDS) -> None:
        self._server = Server(url, agent="tally-ledger-device")
        self._url = url
        self._seconds = seconds
        self._receipts: dict[int, bytes] = {}

    def __enter__(self) -> RemoteNode:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The connection is given back."""
        self._server.close()

    def submit(self, submissions: Sequence[bytes], /) -> Sequence[Placed | Refused | Waiting]:
        """One answer for each submission, in order."""
        body = msgspec.msgpack.encode(list(submissions))
        headers = {"Content-Type": "application/msgpack"}
        reply = self._server.request(
            "POST", "api/v1/submissions", body, headers, limit_bytes=ANSWER_LIMIT_BYTES, ends=time.monotonic() + self._seconds
        )
        if reply.status not in (200, 201, 409, 422) or not reply.headers.get("content-type", "").startswith("application/json"):
            raise self._other(reply)
        answers = self._decoded(_answers, reply).answers
        if len(answers) != len(submissions):
            raise BadInput("node-answered", "not one answer for each submission", url=self._url)
        return [self._placed(answer) for answer in answers]

    def receipt(self, index: int, /) -> bytes:
        """The receipt of an entry; that which came with the last answers, where it did."""
        kept = self._receipts.pop(index, None)
        return self._get(f"api/v1/entries/{index}/receipt", PROOF_LIMIT_BYTES).body if kept is None else kept

    def consistency(self, old: int, new: int, /) -> Sequence[bytes]:
        """The hashes that show that the log of ``new`` entries extends that of ``old``."""
        reply = self._get(f"api/v1/consistency?old={old}&new={new}", NOTE_LIMIT_BYTES)
        return [bytes.fromhex(step) for step in self._decoded(_path, reply).path]

    def key_chain(self) -> bytes:
        """The key chain up to the log's head."""
        return self._get("api/v1/key-chain", CHAIN_LIMIT_BYTES).body

    def _placed(self, answer: _Answer) -> Placed | Refused | Waiting:
        if answer.outcome == "appended" and answer.index is not None:
            if answer.receipt is not None and len(self._receipts) < KEPT_RECEIPTS:
                self._receipts[answer.index] = answer.receipt.encode()
            return Placed(answer.index, answer.code, answer.pending)
        if answer.outcome == "refused" and answer.code:
            return Refused(answer.code, answer.detail)
        if answer.outcome == "waiting" and answer.code:
            return Waiting(answer.code, answer.detail)
        raise BadInput("node-answered", "an answer of no known kind", url=self._url)

    def _get(self, path: str, limit_bytes: int) -> Reply:
        reply = self._server.get(path, limit_bytes=limit_bytes, ends=time.monotonic() + self._seconds)
        if reply.status != 200:
            raise self._other(reply)
        return reply

    def _decoded(self, decoder: msgspec.json.Decoder[_T], reply: Reply) -> _T:
        try:
            return decoder.decode(reply.body)
        except (msgspec.DecodeError, RecursionError) as problem:
            raise BadInput("node-answered", f"not an answer of the API: {problem}", url=self._url) from None

    def _other(self, reply: Reply) -> BadInput | Waiting:
        """A problem document in its own words; where it says to come back, ``Waiting``."""
        try:
            said = _problem.decode(reply.body)
        except (msgspec.DecodeError, RecursionError):
            return BadInput("node-answered", "something else than the API answers there", url=self._url, status=reply.status)
        if reply.status in (429, 503) and said.code:
            return Waiting(said.code, said.detail, url=self._url)
        return BadInput("node-answered", f"{said.code}: {said.detail}", url=self._url, status=reply.status)
