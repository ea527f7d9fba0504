"""Ctrl-C and friends as a count that a loop can look at and wait on, so that nothing is interrupted half-way."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """While entered, stop signals only raise `stops`; wait() returns early for them and for an ended child."""

    def __init__(self) -> None:
        self.stops = 0
        self._pipe = (-1, -1)
        self._old: dict[signal.Signals, Any] = {}
        self._old_wakeup = -1

    def __enter__(self) -> Signals:
        self._pipe = os.pipe()
        for end in self._pipe:
            os.set_blocking(end, False)
        self._old_wakeup = signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
        for number in STOPPING:
            self._old[number] = signal.signal(number, self._stop)
        self._old[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_wakeup)
        for end in self._pipe:
            os.close(end)

    def wait(self, seconds: float) -> None:
        """Sleeps, at most this long; ends at once when a signal comes or a child ends."""
        if select.select([self._pipe[0]], [], [], seconds)[0]:
            with contextlib.suppress(BlockingIOError):
                os.read(self._pipe[0], 4096)

    def wait_until(self, true: Callable[[], bool], seconds: float, *, stops: int = 0) -> bool:
        """Asks now and then until true, the time is over, or more than `stops` stop signals came; the last answer."""
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end or self.stops > stops:
                return true()
            self.wait(0.05)
        return True

    def wanted(self) -> bool:
        """Whether a stop signal has come."""
        return self.stops > 0

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stops += 1
