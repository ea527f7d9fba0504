"""The virtual environment: made once, filled from the hash-locked requirements, renewed when they change.

Runs under the machine's own Python, so: standard library only. Called by launch.verbs before anything else.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launch import LaunchError
from launch.places import CHECKOUT, VENV, VENV_PYTHON, shown
from launch.say import Progress, say

REQUIREMENTS = {"run": ("requirements.txt",), "dev": ("requirements.txt", "requirements-dev.txt")}
PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==", re.MULTILINE)


def ensure(kind: str) -> None:
    """Makes `.venv` hold the locked packages: `run` for the product, `dev` for the tools of the gates as well.

    Does nothing when the locks are those that were installed last. Raises LaunchError with pip's last lines otherwise.
    """
    if _is_installed(kind):
        return
    with _alone():
        if _is_installed(kind):
            return
        _make_venv()
        _install(REQUIREMENTS[kind])
        _stamp(kind).write_text(_digest(kind), encoding="ascii")


def _is_installed(kind: str) -> bool:
    """Whether the locks are those of the last installation; that of the larger set holds the smaller one."""
    return VENV_PYTHON.exists() and any(_read(_stamp(one)) == _digest(one) for one in dict.fromkeys((kind, "dev")))


@contextmanager
def _alone() -> Iterator[None]:
    """One installation at a time; the lock is on the checkout's folder, so that it leaves no file."""
    folder = os.open(CHECKOUT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another process installs packages here; waiting for it ...")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _stamp(kind: str) -> Path:
    return VENV / f".installed-{kind}"


def _digest(kind: str) -> str:
    content = b"".join((CHECKOUT / name).read_bytes() for name in REQUIREMENTS[kind])
    return hashlib.sha256(content).hexdigest()


def _read(stamp: Path) -> str:
    try:
        return stamp.read_text(encoding="ascii")
    except FileNotFoundError:
        return ""


def _make_venv() -> None:
    if VENV.exists():
        works = VENV_PYTHON.exists() and subprocess.run([str(VENV_PYTHON), "-c", ""], check=False).returncode == 0
        if works:
            return
        say(f"The virtual environment in {shown(VENV)} no longer works (was its Python removed?): making it anew.")
        shutil.rmtree(VENV)
    base = os.path.realpath(sys.executable)
    options = [] if importlib.util.find_spec("ensurepip") else ["--without-pip"]
    if options and importlib.util.find_spec("pip") is None:
        raise LaunchError(
            f"This Python ({sys.executable}) has neither ensurepip nor pip: install them (on Debian: apt install "
            f"python3-venv)."
        )
    made = subprocess.run([base, "-m", "venv", *options, str(VENV)], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        raise LaunchError(
            f"The virtual environment could not be made (on Debian: apt install "
            f"python3-venv):\n{_tail(made.stdout + made.stderr)}"
        )


def _pip() -> list[str]:
    if next(VENV.glob("lib/python3*/site-packages/pip"), None):
        return [str(VENV_PYTHON), "-m", "pip"]
    return [sys.executable, "-m", "pip", "--python", str(VENV_PYTHON)]


def _install(files: tuple[str, ...]) -> None:
    total = len(
        {name.lower() for file in files for name in PINNED.findall((CHECKOUT / file).read_text(encoding="utf-8"))}
    )
    say(f"Installing {total} packages into {shown(VENV)}, checked against their hashes ...")
    command = [
        *_pip(),
        "install",
        "--require-hashes",
        "--no-input",
        "--disable-pip-version-check",
        "--progress-bar=off",
    ]
    for file in files:
        command += ["-r", str(CHECKOUT / file)]
    progress = Progress("packages")
    lines: list[str] = []
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        assert pip.stdout is not None
        reader = threading.Thread(target=lines.extend, args=(pip.stdout,), daemon=True)
        reader.start()
        while pip.poll() is None:
            progress.beat(_state(lines, total))
            time.sleep(0.2)
        reader.join()
    if pip.returncode != 0:
        raise LaunchError(
            "The packages could not be installed (no network, or an index that lacks a locked version?). pip said:\n"
            + _tail("".join(lines))
        )
    progress.end(f"{total} installed")


def _state(lines: list[str], total: int) -> str:
    """What pip is doing, from what it has written so far."""
    if any(line.startswith("Installing collected") for line in lines[-3:]):
        return f"installing {sum(1 for _ in VENV.glob('lib/python3*/site-packages/*.dist-info'))}/{total}"
    asked = [line for line in lines if line.startswith(("Collecting ", "Requirement already satisfied: "))]
    name = (
        asked[-1].removeprefix("Collecting ").removeprefix("Requirement already satisfied: ").partition("==")[0]
        if asked
        else ""
    )
    return f"fetching {len(asked)}/{total} {name}".rstrip()


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-12:])
