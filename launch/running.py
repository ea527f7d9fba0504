"""The running house as others find it: a lock that one launcher holds, and a private file that says how to reach it.

`make run` holds it; a second `make run` and `make manage` read it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO

from launch import LaunchError
from launch.places import make_var, write_private


class AlreadyRunning(LaunchError):
    """Another `make run` runs on this data folder."""


class Running:
    """Entered by the one launcher of a data folder; the kernel frees it when that one dies in any way."""

    def __init__(self) -> None:
        self._file: IO[str] | None = None

    def __enter__(self) -> Running:
        file = (make_var() / "run.lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip()
            file.close()
            there = environment_of_the_running() or {}
            where = f" at {there['HELPDESK_BASE_URL']}/" if "HELPDESK_BASE_URL" in there else ""
            raise AlreadyRunning(
                f"The helpdesk already runs{where} (process {holder}). Press Ctrl-C where it was started, or: kill "
                f"{holder}"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file
        _facts().unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _facts().unlink(missing_ok=True)
        if self._file is not None:
            self._file.close()

    def publish(self, env: Mapping[str, str]) -> None:
        """Tells others the variables that a process of this house needs. Holds secrets: readable by the owner only."""
        write_private(_facts(), json.dumps(dict(env), indent=1))


def environment_of_the_running() -> dict[str, str] | None:
    """The variables of the house that runs now, None when none does (a file left by a killed one does not count)."""
    try:
        with (make_var() / "run.lock").open("r", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except FileNotFoundError:
        return None
    except BlockingIOError:
        pass
    try:
        return {str(key): str(value) for key, value in json.loads(_facts().read_text(encoding="utf-8")).items()}
    except (FileNotFoundError, ValueError):
        return None


def _facts() -> Path:
    return make_var() / "run.json"
