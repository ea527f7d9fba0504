"""Ends what a killed launcher left behind. A process of its own that reads process groups from a pipe; the pipe's end
means that the launcher is gone, in whatever way, and each group it did not take back gets some seconds and then
SIGKILL.

Started by launch.supervisor as `python launch/guardian.py`, so that it needs neither packages nor a path.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time


def main(grace_seconds: float) -> None:
    """Reads lines `+PGID` (watch) and `-PGID` (ended) until the pipe closes; then cleans up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(group, signal.SIGTERM)  # the leader alone: it knows how to end its own children
    end = time.monotonic() + grace_seconds
    while groups and time.monotonic() < end:
        time.sleep(0.05)
        groups = {group for group in groups if _lives(group)}
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    main(float(sys.argv[1]))
