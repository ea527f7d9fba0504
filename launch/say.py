"""What the launcher tells the person at the terminal: sentences, steps with their time, progress over two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

HEARTBEAT_SECONDS = 2.0
LOG_HEARTBEAT_SECONDS = 15.0  # where nobody watches (a log file), seldom is enough


def say(sentence: str = "") -> None:
    """One line for the person, at once; text that this terminal cannot show is shown escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    clear = "\r\033[K" if sys.stdout.isatty() else ""
    sys.stdout.write(clear + sentence.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stdout.flush()


class Progress:
    """A line that shows life while something runs: rewritten in place on a terminal, now and then in a log."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.begun = time.monotonic()
        self._shown = self.begun

    @property
    def seconds(self) -> float:
        """Seconds since the work began."""
        return time.monotonic() - self.begun

    def beat(self, detail: str = "") -> None:
        """Call as often as you like; it prints only when it is time."""
        now = time.monotonic()
        terminal = sys.stdout.isatty()
        if now - self._shown < (HEARTBEAT_SECONDS if terminal else LOG_HEARTBEAT_SECONDS):
            return
        self._shown = now
        line = f"  {self.what}: {detail + ', ' if detail else ''}{self.seconds:.0f} s"
        if terminal:
            sys.stdout.write(f"\r\033[K{line[:110]}")
            sys.stdout.flush()
        else:
            say(line)

    def end(self, detail: str = "") -> None:
        """The last line: what was done and how long it took."""
        say(f"  {self.what}: {detail + ', ' if detail else ''}{self.seconds:.1f} s")


@contextmanager
def step(what: str) -> Iterator[Progress]:
    """Prints the step with its time when it is over."""
    progress = Progress(what)
    yield progress
    progress.end()
