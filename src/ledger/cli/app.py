"""What a verb is given: where the ledger and the device are, and how to speak.

The ledger: ``--ledger``, LEDGER_DIR, the nearest parent folder with a ledger.toml.  The device: ``--device``, LEDGER_DEVICE, or for
an office's verb the office's device that ``init`` made inside the ledger folder.  The anchor: ``--anchor``, LEDGER_ANCHOR, or where
ledger.toml says.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger.cli.language import text
from ledger.errors import BadInput, Usage

if TYPE_CHECKING:
    from ledger.device.folder import Device
    from ledger.node import Node

__all__ = ["DEVICES", "App"]

DEVICES: Final = "devices"
CONFIG_NAME: Final = "ledger.toml"


class App:
    """One run of the program.  Closes what it opened when it is left."""

    def __init__(self) -> None:
        self.ledger_flag: str | None = None
        self.device_flag: str | None = None
        self.anchor_flag: str | None = None
        self.lang_flag: str | None = None
        self.json: bool | None = None
        self.no_color: bool | None = None
        self.debug: bool | None = None
        self._open = ExitStack()
        self._node: Node | None = None

    def __enter__(self) -> App:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def foresee(self, words: Sequence[str]) -> None:
        """What must be known before the words are parsed, so that a usage error is told in the right way."""
        words = words[: words.index("--")] if "--" in words else words
        self.json = "--json" in words or None
        self.debug = "--debug" in words or None
        for at, word in enumerate(words):
            if word == "--lang" and at + 1 < len(words):
                self.lang_flag = words[at + 1]
            elif word.startswith("--lang="):
                self.lang_flag = word.partition("=")[2]

    # --- where things are ----------------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """The ledger's folder.  ``BadInput`` ``no-ledger`` where there is none to be found."""
        named = self.ledger_flag or os.environ.get("LEDGER_DIR")
        if named:
            return Path(named)
        here = Path.cwd()
        for parent in (here, *here.parents):
            if (parent / CONFIG_NAME).is_file():
                return parent
        raise BadInput("no-ledger", "no ledger.toml here or in any parent folder", path=str(here))

    def has_ledger(self) -> bool:
        """Whether a ledger folder was named or found."""
        try:
            return (self.folder / CONFIG_NAME).is_file()
        except BadInput:
            return False

    @property
    def node(self) -> Node:
        """The ledger, open until the run ends."""
        if self._node is None:
            from ledger.node import Node

            self._node = self._open.enter_context(Node.open(self.folder, clock=clock, anchor=self.anchor))
        return self._node

    @property
    def node_flag(self) -> str | None:
        """The address of a node, where the environment says one."""
        return os.environ.get("LEDGER_NODE") or None

    @property
    def anchor(self) -> Path | None:
        """Where the anchor is, if it was told; else ledger.toml may say."""
        named = self.anchor_flag or os.environ.get("LEDGER_ANCHOR")
        return Path(named) if named else None

    def device_folder(self, *offices: str) -> Path:
        """The device's folder; ``offices``: which of the ledger's own devices do where none is named, the first that is there."""
        named = self.device_flag or os.environ.get("LEDGER_DEVICE")
        if named:
            return Path(named)
        for office in offices:
            if (self.folder / DEVICES / office).is_dir():
                return self.folder / DEVICES / office
        raise Usage("device-missing", "say which device signs", option="--device")

    def device(self, *offices: str) -> Device:
        """The device, open and locked until the run ends."""
        return self.device_at(self.device_folder(*offices))

    def device_at(self, folder: Path) -> Device:
        """The device in this folder, likewise."""
        from ledger.device.folder import Device
        from ledger.files import Files

        return self._open.enter_context(Device.open(folder, files=Files()))

    def assume_outbox(self) -> None:
        """From now on the ledger is shown as if all that the device has signed, and this copy does not know, had been appended."""
        from ledger.device.folder import Device
        from ledger.files import Files

        with Device.open(self.device_folder(), files=Files()) as device:
            self.node.assume(device.signed_since(self.node.stream(device.state.point).position))

    # --- how to speak --------------------------------------------------------------------------------------------------------

    @property
    def asks(self) -> bool:
        """Whether there is a person to ask."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def say(self, indonesian: str, english: str) -> None:
        """Words for people, on stderr."""
        sys.stderr.write(text(indonesian, english) + "\n")
        sys.stderr.flush()

    def ask(self, indonesian: str, english: str) -> str:
        """A line from the terminal."""
        sys.stderr.write(text(indonesian, english) + " ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise KeyboardInterrupt
        return line.strip()


def clock() -> int:
    """Milliseconds since 1970 by this machine's clock."""
    from ledger.node import system_clock

    return system_clock()
