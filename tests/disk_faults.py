"""System calls that fail at a chosen place: what the fault tables of publisher, cosigning and witness stand on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import pytest

from ledger.files import Calls

CALLS: Final = (
    "create",
    "write",
    "sync",
    "close",
    "rename",
    "link",
    "unlink",
    "make_folder",
    "remove_folder",
    "lock",
    "sync_folder",
)

Told = tuple[str, tuple[Any, ...]]
"""A call that took effect: its name and what it was given."""


class Crash(BaseException):
    """The process dies here."""


class Unsynced(Calls):
    """Quick: where a process dies and not the machine, syncing changes nothing."""

    def sync(self, fd: int) -> None:
        pass

    def sync_folder(self, path: str) -> None:
        pass


class Failing(Calls):
    """The call number ``at`` (0: none; it may be set later) ends with ``how``, carried out before (``stored``) or not.  ``only``:
    calls of this name alone are counted.

    After a ``Crash`` the process is dead: no call takes effect any more, and the system takes back its descriptors, with the locks
    on them.  A ``close`` always takes effect: whatever it says, the system has the descriptor.  ``count``: calls so far;
    ``made``: those that took effect; ``failed``: the name of the one that failed.
    """

    def __init__(self, at: int, how: BaseException, *, stored: bool, over: type[Calls] = Calls, only: str = "") -> None:
        self.at = at
        self.count = 0
        self.made: list[Told] = []
        self.failed = ""
        self._open: set[int] = set()
        self._dead = False
        self._only = only
        for name in CALLS:
            setattr(self, name, self._counted(name, getattr(over, name), how, stored=stored))

    def _counted(self, name: str, call: Callable[..., Any], how: BaseException, *, stored: bool) -> Callable[..., Any]:
        def run(*args: Any, **more: Any) -> Any:
            result = call(self, *args, **more)
            self.made.append((name, args))
            if name in ("create", "lock"):
                self._open.add(result)
            elif name == "close":
                self._open.discard(args[0])
            return result

        def counted(*args: Any, **more: Any) -> Any:
            if self._dead:
                raise Crash
            if self._only not in ("", name):
                return run(*args, **more)
            self.count += 1
            if self.count != self.at:
                return run(*args, **more)
            self.failed = name
            if stored or name == "close":
                with suppress(OSError):
                    run(*args, **more)
            if isinstance(how, Crash):
                self._dead = True
                self.forget()
            raise how

        return counted

    def forget(self) -> None:
        """The process is gone: what it held open the system takes back."""
        for fd in self._open:
            os.close(fd)
        self._open.clear()


@contextmanager
def as_if_dead() -> Iterator[None]:
    """Within, whatever lies under a temporary name was left by a process that is gone, though it was this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.files._is_alive", lambda _: False)
        yield
