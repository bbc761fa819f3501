"""``serve``: the ledger over the network, in one process."""

from __future__ import annotations

from typing import Final

import click

from ledger.cli.app import App
from ledger.cli.program import command, option
from ledger.errors import Usage

__all__ = ["PORT_MAX", "host_option", "serve"]

PORT_MAX: Final = 65_535

host_option: Final = option(
    "--host",
    default="127.0.0.1",
    metavar="HOST",
    ind="Alamat; bawaan: hanya komputer ini",
    eng="Address; by default this machine alone",
)


@command(
    examples=(
        "ledger serve --anchor /mnt/usb/anchor",
        "ledger serve --host 0.0.0.0 --port 443 --certificate cert.pem --key key.pem",
        "ledger serve --no-anchor    # untuk mencoba saja",
    )
)
@host_option
@option("--port", type=click.IntRange(1, PORT_MAX), default=8700, metavar="N", ind="Porta", eng="Port")
@option(
    "--publish-seconds",
    type=click.IntRange(min=0),
    default=10,
    metavar="N",
    ind="Terbitan menyusul log paling sering tiap N detik; 0: tidak",
    eng="The publication follows the log at most every N seconds; 0: not",
)
@option("--certificate", metavar="FILE", ind="Sertifikat TLS (PEM)", eng="TLS certificate (PEM)")
@option("--key", metavar="FILE", ind="Kunci sertifikat (PEM)", eng="The certificate's key (PEM)")
@option("--no-anchor", is_flag=True, ind="Tanpa jangkar: hanya untuk mencoba", eng="Without an anchor: for trials only")
def serve(app: App, host: str, port: int, publish_seconds: int, certificate: str | None, key: str | None, no_anchor: bool) -> int:
    """Takes submissions and answers questions over HTTP until it is stopped (Ctrl-C, SIGTERM)."""
    from ledger.web.serving import Options
    from ledger.web.serving import serve as run

    if (certificate is None) != (key is None):
        raise Usage(
            "argument-missing", "a certificate and its key go together", command="ledger serve", argument="--certificate, --key"
        )
    node = app.node
    node.signer  # noqa: B018  a node that cannot sign takes nothing
    if node.anchor.path is None and not no_anchor:
        raise Usage("anchor-needed", "a serving log remembers outside its database what it signed", option="--anchor")
    scheme = "http" if certificate is None else "https"
    app.say(f"Melayani di {scheme}://{host}:{port}/ ; berhenti: Ctrl-C", f"Serving at {scheme}://{host}:{port}/ ; stop: Ctrl-C")
    return run(node, Options(host, port, publish_seconds, certificate, key))
