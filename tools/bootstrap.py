"""Makes the project's virtual environment when it is missing or out of date: ``bootstrap.py run`` or ``bootstrap.py test``.

Standard library only, any Python from 3.11 on, no rights but the user's own.  Everything is installed from a lock file with hashes;
the project itself is installed in place by the locked build back end, so nothing unlocked is fetched.  A stamp is written last:
an interrupted set-up is begun anew.  The test environment holds the run environment, so there is one ``.venv`` for both.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "set-up-stamp"
OLDEST = (3, 11)
INPUT_OR_OUTPUT = 4
INTERRUPTED = 130

# What a user's shell may say about other environments; in ours it would install elsewhere or load foreign modules.
FOREIGN = ("PIP_PREFIX", "PIP_TARGET", "PIP_USER", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")


def main() -> int:
    """Exit status 0: the environment is there; 4: it cannot be made, and stderr says what to do."""
    kind = sys.argv[1] if len(sys.argv) == 2 else ""
    if kind not in ("run", "test"):
        return told("usage: bootstrap.py run|test")
    if sys.version_info < OLDEST:
        return told(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; this is {sys.version.split()[0]}")
    try:
        lock = (ROOT / ".set-up.lock").open("w")
    except OSError as problem:
        return told(f"cannot write in {ROOT}: {problem.strerror}", "run it as the user whom this checkout belongs to")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two commands started at once make one environment
        if is_ready(kind):
            return 0
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
            return told(
                "this Python cannot make virtual environments (no venv or ensurepip)",
                f"on Debian or Ubuntu, as administrator: apt-get install python3-venv   (or {version}-venv)",
                "then run the same command again",
            )
        return make(kind, lock.fileno())


def is_ready(kind: str) -> bool:
    """The stamp names a lock that serves ``kind`` and has not changed since."""
    if not STAMP.is_file() or not (VENV / "bin" / "python").exists():
        return False
    stamped = STAMP.read_text().split()
    return stamped in (
        [[kind, fingerprint(kind)]] if kind == "test" else [["run", fingerprint("run")], ["test", fingerprint("test")]]
    )


def fingerprint(kind: str) -> str:
    """Changes when the lock, the project's metadata or the interpreter do."""
    parts = [(ROOT / "requirements" / f"{kind}.lock").read_bytes(), (ROOT / "pyproject.toml").read_bytes(), sys.version.encode()]
    return hashlib.sha256(b"\0".join([*parts, str(ROOT).encode()])).hexdigest()


def make(kind: str, lock: int) -> int:
    """The environment, from nothing; the stamp comes last.

    The steps hold the lock too: one that outlives a killed set-up keeps the next one waiting, and does not write into it.
    """
    say(f"setting up .venv ({kind}); this is done once")
    shutil.rmtree(VENV, ignore_errors=True)
    python = str(VENV / "bin" / "python")
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    # Wheels alone: building from source would fetch build tools that no lock names.
    locked = ["--only-binary", ":all:", "--require-hashes", "-r", str(ROOT / "requirements" / f"{kind}.lock")]
    base = str(getattr(sys, "_base_executable", sys.executable))  # ours may be the activated .venv that goes in a moment
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    uv = working_uv()
    if uv is not None:
        steps = [
            [uv, "venv", "--quiet", "--python", base, str(VENV)],
            [uv, "pip", "install", "--quiet", "--python", python, *locked],
            [uv, "pip", "install", "--quiet", "--python", python, "--no-deps", "--no-build-isolation", "-e", str(ROOT)],
        ]
    else:
        steps = [
            [base, "-m", "venv", str(VENV)],
            [python, "-m", "pip", "install", *quiet, *locked],
            [python, "-m", "pip", "install", *quiet, "--no-deps", "--no-build-isolation", "-e", str(ROOT)],
        ]
    for step in steps:
        done = subprocess.run(step, env={**environment, "PYTHONWARNINGS": ""}, check=False, pass_fds=[lock])
        if done.returncode:
            shutil.rmtree(VENV, ignore_errors=True)
            return told(
                f"set-up failed at: {' '.join(step[1:4])} ...", "read what it printed above, mend it, run the same command again"
            )
    STAMP.write_text(f"{kind} {fingerprint(kind)}\n")
    say("set up")
    return 0


def working_uv() -> str | None:
    """The uv on the PATH, if it runs: a version manager may leave a shim that does not."""
    uv = shutil.which("uv")
    if uv is None or subprocess.run([uv, "--version"], capture_output=True, check=False).returncode:
        return None
    return uv


def say(text: str) -> None:
    """A line for people."""
    print(f"set-up: {text}", file=sys.stderr, flush=True)


def told(*lines: str) -> int:
    """What is wrong and what to do; the exit status for it."""
    for line in lines:
        say(line)
    return INPUT_OR_OUTPUT


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        say("interrupted; the next command begins anew")
        sys.exit(INTERRUPTED)
