"""``key new``, ``key show``, ``enrol``, ``revoke``: who may sign (``rotating`` has ``rotate``).

A new key writes a request beside itself (``enrolment.toml``: point, role, scope, seat and, but for operators, the proof of
possession); the registrar's office enrols it from there.  An operator has no proof: the first event is its proof.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from msgspec import UNSET

from ledger.cli.app import App
from ledger.cli.attachments import attach, note_option
from ledger.cli.language import text
from ledger.cli.opening import make_device
from ledger.cli.output import emit, line
from ledger.cli.program import argument, command, option
from ledger.cli.signing import Signing, append, passphrase_from, passphrase_options, signing_options
from ledger.cli.tables import batches, checked, read_csv, read_document
from ledger.errors import BadInput, Usage
from ledger.files import Files
from ledger.tally.events import KEYS_MAX, KeyRevoked, KeyRow, KeysEnrolled
from ledger.tally.signing import SigningKey, key_id, possession_digest
from ledger.tally.state import KEYS, SEATS, Reader, seat_key

__all__ = ["enrol", "hex_bytes", "key_new", "key_show", "revoke"]

COMMISSION: Final = ("commission-1", "commission")
"""The devices of the commission's registrar, in a governed election and in a simple one."""
OFFICES: Final[dict[str, tuple[str, ...]]] = {"supervisor": ("bawaslu-1",), "agent": ()}
"""Whose registrar enrols the other roles; each candidate pair has its own, so that one is to be named."""
REQUEST_NAME: Final = "enrolment.toml"
ID_PREFIX_MIN: Final = 8
"""So many hex digits of a key id name it, at the least."""


@command(
    examples=(
        "ledger key new perangkat --role operator --scope 1771010001001 --seat 1",
        "ledger key new ppk --role officer --scope 177101 --seat ppk-ketua --ledger pilkada",
    )
)
@argument("folder", metavar="DIR")
@option("--role", required=True, metavar="ROLE", ind="Peran: operator, officer, ...", eng="Role: operator, officer, ...")
@option("--scope", required=True, metavar="CODE", ind="Kode TPS atau wilayah", eng="Code of the station or area")
@option(
    "--seat", required=True, metavar="SEAT", ind="Kursi: 1 atau 2 di TPS, atau sebutan", eng="Seat: 1 or 2 at a station, or a label"
)
@option(
    "--ledger-id", metavar="HEX", ind="Ledger id, bila ledger tidak ada di sini", eng="The ledger id, where the ledger is not here"
)
@passphrase_options
def key_new(
    app: App,
    folder: str,
    role: str,
    scope: str,
    seat: str,
    ledger_id: str | None,
    passphrase_file: str | None,
    passphrase_fd: int | None,
) -> None:
    """Makes a device folder with a new key and the request to enrol it."""
    place = Path(folder)
    ledger = hex_bytes(ledger_id, 32, "--ledger-id") if ledger_id else None
    if ledger is None and (role != "operator" or app.has_ledger()):
        ledger = app.node.ledger_id()
    key = SigningKey.generate()
    proof: tuple[bytes, ...] = ()
    if role != "operator":
        if ledger is None:
            raise BadInput("election-not-open", "the proof of possession names the ledger", path=folder)
        proof = (key.sign(possession_digest(ledger, point=key.point, role=role, scope=scope, seat=seat)),)
    row = checked(KeysEnrolled((KeyRow(key.point, role, scope, seat, 0, proof),)))  # type: ignore[arg-type]
    label = text(f"perangkat baru {folder}", f"the new device {folder}")
    passphrase = passphrase_from(app, file=passphrase_file, descriptor=passphrase_fd, new=True, label=label)
    with make_device(place, key, passphrase) as device:
        if app.has_ledger() and ledger is not None and app.node.ledger_id() == ledger:
            device.adopt(ledger, origin=app.node.key.name, vkey=app.node.key.vkey)
    request = _request(row.keys[0])  # type: ignore[union-attr]
    Files().write(place / REQUEST_NAME, request.encode())
    if app.json:
        emit({"device": str(place), "key": key_id(key.point).hex(), "point": key.point.hex(), "request": str(place / REQUEST_NAME)})
        return
    line(text(f"Perangkat: {place}", f"Device: {place}"))
    line(text(f"Kunci: {key_id(key.point).hex()}", f"Key: {key_id(key.point).hex()}"))
    line(text(f"Permintaan pendaftaran: {place / REQUEST_NAME}", f"Request to enrol: {place / REQUEST_NAME}"))
    app.say(
        "Serahkan berkas permintaan itu kepada kantor pendaftar: ledger enrol enrolment.toml",
        "Hand that request to the registrar's office: ledger enrol enrolment.toml",
    )


def _request(row: KeyRow) -> str:
    lines = [f'point = "{row.point.hex()}"', f'role = "{row.role}"', f'scope = "{row.scope}"', f'seat = "{row.seat}"']
    lines += [f'proof = "{proof.hex()}"' for proof in row.proof]
    return "\n".join(["# Request to enrol a key.  Holds no secret.", *lines, ""])


@command(examples=("ledger key show --device perangkat",))
def key_show(app: App) -> None:
    """Shows a device's key id, where its stream stands, and what waits in its outbox."""
    device = app.device()
    state = device.state
    waiting = [event.position for event in device.outbox()]
    if app.json:
        emit(
            {
                "device": str(device.folder),
                "key": key_id(state.point).hex(),
                "point": state.point.hex(),
                "ledger_id": state.ledger.hex(),
                "origin": state.origin,
                "position": state.position,
                "previous": None if state.previous is None else state.previous.hex(),
                "outbox": waiting,
                "seen_size": state.seen.size,
            }
        )
        return
    line(text(f"Kunci          {key_id(state.point).hex()}", f"Key            {key_id(state.point).hex()}"))
    line(text(f"Titik          {state.point.hex()}", f"Point          {state.point.hex()}"))
    line(f"Ledger         {state.ledger.hex() or '-'}")
    line(text(f"Posisi         {state.position}", f"Position       {state.position}"))
    line(text(f"Outbox         {len(waiting)} menunggu", f"Outbox         {len(waiting)} waiting"))
    line(text(f"Log terakhir   {state.seen.size} entri", f"Log last seen  {state.seen.size} entries"))


# --- enrolling --------------------------------------------------------------------------------------------------------------


@command(
    examples=(
        "ledger enrol perangkat/enrolment.toml ppk/enrolment.toml",
        "ledger enrol saksi/enrolment.toml --device devices/wali-kota-1-a",
        "ledger enrol operator.csv --yes",
        "ledger enrol --point 04ab... --role operator --scope 1771010001001 --seat 1",
    )
)
@argument("files", nargs=-1, metavar="FILE...")
@option("--point", metavar="HEX", ind="Titik kunci, 65 bita", eng="The key's point, 65 bytes")
@option("--role", metavar="ROLE", ind="Peran", eng="Role")
@option("--scope", default="", metavar="CODE", ind="Kode TPS atau wilayah", eng="Code of the station or area")
@option("--seat", metavar="SEAT", ind="Kursi", eng="Seat")
@option("--proof", metavar="HEX", ind="Bukti kepemilikan, 64 bita", eng="Proof of possession, 64 bytes")
@signing_options
def enrol(
    app: App,
    signing: Signing,
    files: tuple[str, ...],
    point: str | None,
    role: str | None,
    scope: str,
    seat: str | None,
    proof: str | None,
) -> int:
    """Enrols keys from requests (.toml, .json), from a list (.csv), or one that is typed."""
    rows: list[KeyRow] = []
    for file in files:
        rows += _rows_of_csv(file) if file.endswith(".csv") or file == "-" else [_row(read_document(file), file)]
    if point is not None:
        said = {"point": point, "role": role, "scope": scope, "seat": seat}
        rows.append(_row(said | ({"proof": proof} if proof else {}), "--point"))
    if not rows:
        raise Usage("argument-missing", "name a request, a list, or a point", command="ledger enrol", argument="FILE")
    events = [checked(KeysEnrolled(batch)) for batch in batches(rows, most=KEYS_MAX)]
    question = (f"Daftarkan {len(rows)} kunci?", f"Enrol {len(rows)} keys?")
    offices = OFFICES.get(rows[0].role, COMMISSION)
    return append(app, signing, app.device(*offices), events, ask=question, independent=True)


_ROW_KEYS: Final = ("point", "role", "scope", "seat", "valid_until", "proof")


def _rows_of_csv(source: str) -> list[KeyRow]:
    return [
        _row({name: cell for name, cell in row.items() if cell}, f"{source}:{number}")
        for number, row in read_csv(source, needed=("point", "role", "scope", "seat"), optional=("valid_until", "proof"))
    ]


def _row(said: Any, path: str) -> KeyRow:
    if not isinstance(said, dict) or not set(said) <= set(_ROW_KEYS):
        raise BadInput("bad-value", f"a request has {', '.join(_ROW_KEYS)}", path=path)
    proof = said.get("proof", "")
    until = said.get("valid_until", 0)
    if isinstance(until, str) and not until.isdecimal():
        raise BadInput("bad-value", "valid_until is in milliseconds since 1970", path=path)
    row = KeyRow(
        hex_bytes(said.get("point", ""), 65, path),
        said.get("role", ""),
        said.get("scope", ""),
        str(said.get("seat", "")),
        int(until),
        (hex_bytes(proof, 64, path),) if proof else (),
    )
    checked(KeysEnrolled((row,)), path=path)
    return row


def hex_bytes(said: object, length: int, where: str) -> bytes:
    """So many bytes from hex.  ``BadInput`` ``bad-hex``."""
    try:
        data = bytes.fromhex(str(said))
    except ValueError:
        data = b""
    if len(data) != length:
        raise BadInput("bad-hex", f"{2 * length} hex digits are expected", argument=where)
    return data


# --- revoking ---------------------------------------------------------------------------------------------------------------


@command(
    examples=(
        "ledger revoke 3f2a9c01d4e5 --reason perangkat-hilang",
        "ledger revoke operator/1771010001001/1 --reason perangkat-hilang --suspect-since 812 --last-good 3",
    )
)
@argument("key", metavar="KEY")
@option("--reason", required=True, metavar="CODE", ind="Alasan, satu kata kode", eng="The reason, a code")
@option(
    "--suspect-since", type=int, metavar="N", ind="Sejak entri ini patut dicurigai", eng="From this entry on the key is suspect"
)
@option("--last-good", type=int, metavar="N", ind="Posisi terakhir yang masih baik", eng="The last position that is still good")
@note_option
@signing_options
def revoke(
    app: App,
    signing: Signing,
    key: str,
    reason: str,
    suspect_since: int | None,
    last_good: int | None,
    note_text: str | None,
) -> int:
    """Revokes a key: by its point, its id (8 hex digits or more), or role/scope/seat."""
    with app.node.snapshot() as snapshot:
        point = _find_key(snapshot.state, key)
        target = snapshot.state.get(KEYS, point)
    offices = (target.by, *COMMISSION) if target is not None and target.by else ("root-1",)
    attached = attach((), note_text)
    data = KeyRevoked(
        key=point,
        reason=reason,
        suspect_since=UNSET if suspect_since is None else suspect_since,
        last_good=UNSET if last_good is None else last_good,
        note=attached.note,
    )
    question = (f"Cabut kunci {key_id(point).hex()[:16]}?", f"Revoke key {key_id(point).hex()[:16]}?")
    return append(app, signing, app.device(*offices), [checked(data)], ask=question, keep=attached.keep)


def _find_key(state: Reader, said: str) -> bytes:
    """The point of an enrolled key.  ``BadInput``: ``key-not-found``, ``key-ambiguous``."""
    parts = said.split("/")
    if len(parts) == 3:
        point = state.get(SEATS, seat_key(*parts))
        if point:
            return point
        raise BadInput("key-not-found", "the seat has no live key", seat=said)
    low = said.lower()
    matches = [
        point
        for point, _ in state.under(KEYS)
        if point.hex() == low or (len(low) >= ID_PREFIX_MIN and key_id(point).hex().startswith(low))
    ]
    if len(matches) > 1:
        raise BadInput("key-ambiguous", "more than one key begins so", argument=said)
    if not matches:
        raise BadInput("key-not-found", "no enrolled key has this point or id", argument=said)
    return matches[0]
