"""Child processes under one parent: each in a session of its own with a log file, started again with back-off when it
dies, stopped together. Called by launch.run; knows nothing of what the children do.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from launch import guardian
from launch.places import CHECKOUT, shown
from launch.postgres import die_with
from launch.signals import Signals

QUICK_SECONDS = 10.0  # a life shorter than this counts as a quick death
QUICK_DEATHS = 5
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STOP_SECONDS = 20.0
ORPHAN_SECONDS = 10.0  # for children whose launcher was killed
TAIL_LINES = 12
_SILENCE = "(it wrote nothing)"
LOG_MAX_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class Program:
    """What to run: a name for people and for the log file, the command, its environment."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]


class Child:
    """One program and its process: how often it died quickly, when it may start again, whether it is given up."""

    def __init__(self, program: Program, log: Path) -> None:
        self.program = program
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.quick_deaths = 0
        self.started_at = 0.0
        self.log_begins = 0
        self.next_start_at = 0.0
        self.given_up = False

    def tail(self) -> str:
        """The last lines that its latest process wrote, indented."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(self.log_begins, file.seek(0, os.SEEK_END) - 8192))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except FileNotFoundError:
            lines = []
        return "\n".join(f"    {line}" for line in lines[-TAIL_LINES:]) or f"    {_SILENCE}"

    def last_line(self) -> str:
        """The last line it wrote, cut to fit beside others."""
        last = self.tail().rpartition("\n")[2].strip()
        return "" if last == _SILENCE else last[:60]


class Supervisor:
    """Starts programs, keeps them alive while tend() is called, stops them all. All methods from one thread."""

    def __init__(self, log_dir: Path, signals: Signals, say: Callable[[str], None]) -> None:
        self._log_dir = log_dir
        self._signals = signals
        self._say = say
        self.children: list[Child] = []
        self._passing: list[Child] = []
        log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._guardian = subprocess.Popen(
            [sys.executable, "-I", str(Path(guardian.__file__).resolve()), str(ORPHAN_SECONDS)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            cwd="/",
        )

    def add(self, program: Program) -> Child:
        """Starts a program and keeps it from now on."""
        child = Child(program, self._log_dir / f"{program.name}.log")
        self.children.append(child)
        self._start(child)
        return child

    def begin(self, program: Program) -> Child:
        """Starts a program that is to end by itself; finish() waits for it."""
        child = Child(program, self._log_dir / f"{program.name}.log")
        self._passing.append(child)
        self._start(child)
        return child

    def finish(self, child: Child, beat: Callable[[str], None]) -> tuple[int, str]:
        """Waits for a begun program: (exit code, the end of its log), calling `beat` with its last line meanwhile.

        A stop signal ends it early, with a code that is not 0.
        """
        process = child.process
        if process is None:
            return 127, child.tail()
        try:
            while process.poll() is None and not self._signals.wanted():
                self._signals.wait(0.2)
                beat(child.last_line())
        finally:
            self._end([child])
            self._passing.remove(child)
        return process.returncode, child.tail()

    def tend(self) -> None:
        """One look at every child: notices deaths, tells, starts again what is due."""
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                self._died(child, child.process, now)
            elif child.process is None and not child.given_up and now >= child.next_start_at:
                self._start(child)

    def stop(self) -> None:
        """Asks all to end, waits, then kills what is left; another stop signal shortens the wait.

        SIGTERM goes to the programs alone, since q2 hangs when its own children are told too; SIGKILL to whole groups.
        """
        self._end([*self.children, *self._passing])
        assert self._guardian.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._guardian.stdin.close()
        self._guardian.wait()

    def _start(self, child: Child) -> None:
        program = child.program
        _rotate(child.log)
        child.started_at = time.monotonic()
        with child.log.open("ab") as log:
            child.log_begins = log.tell()
            try:
                child.process = subprocess.Popen(
                    list(program.command),
                    cwd=CHECKOUT,
                    env=dict(program.env),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    umask=0o077,
                    preexec_fn=die_with(os.getpid(), signal.SIGTERM),
                )
            except OSError as problem:
                log.write(f"{program.command[0]}: {problem.strerror}\n".encode())
                log.flush()
                child.process = None
                self._count_death(child, f"cannot be started ({problem.strerror})", time.monotonic())
                return
        self._tell_guardian(f"+{child.process.pid}")

    def _died(self, child: Child, process: subprocess.Popen[bytes], now: float) -> None:
        _kill_group(process.pid, signal.SIGKILL)  # what it had started itself
        self._tell_guardian(f"-{process.pid}")
        child.process = None
        lived = now - child.started_at
        if lived >= QUICK_SECONDS:
            child.quick_deaths = 0
        self._count_death(child, f"ended ({_how(process.returncode)}) after {lived:.0f} s", now)

    def _count_death(self, child: Child, what: str, now: float) -> None:
        name = child.program.name
        child.quick_deaths += 1
        tail = child.tail()
        where = f"Last lines of {shown(child.log)}:\n{tail}"
        if child.quick_deaths >= QUICK_DEATHS:
            child.given_up = True
            self._say(f"{name} {what}, {QUICK_DEATHS} times in a row: it is left off, the others go on. {where}")
            return
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (child.quick_deaths - 1))
        child.next_start_at = now + pause
        if child.quick_deaths > 1:
            where = tail.rpartition("\n")[2].strip()
        self._say(f"{name} {what}; it starts again in {pause:g} s. {where}")

    def _end(self, children: list[Child]) -> None:
        living = [child.process for child in children if child.process is not None]
        for process in living:
            process.terminate()
        stops = self._signals.stops
        self._signals.wait_until(lambda: all(p.poll() is not None for p in living), STOP_SECONDS, stops=stops)
        for process in living:
            _kill_group(process.pid, signal.SIGKILL)
            process.wait()
            self._tell_guardian(f"-{process.pid}")
        for child in children:
            child.process = None

    def _tell_guardian(self, line: str) -> None:
        assert self._guardian.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._guardian.stdin.write(f"{line}\n".encode())
            self._guardian.stdin.flush()


def _kill_group(group: int, how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, how)


def _how(code: int) -> str:
    return f"exit {code}" if code >= 0 else signal.Signals(-code).name


def _rotate(log: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_MAX_BYTES:
            log.replace(log.with_suffix(".log.1"))
