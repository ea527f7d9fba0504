"""`make check`: the quick gate before each commit. Independent tools side by side, output only of those that fail."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field

from launch import environment
from launch.places import CHECKOUT, VENV, VENV_PYTHON, make_var, shown
from launch.say import Progress, say

PACKAGES = ("helpdesk", "routing", "chat", "surveys", "escalation", "launch", "demo", "tests", "bench")
SHOWN_LINES = 60


@dataclass(frozen=True)
class Gate:
    """One tool of the gate: its name for people, its command and environment."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """How a gate ended: exit code (0 is good), what it wrote, seconds taken."""

    code: int
    output: str
    seconds: float


def check(only: list[str]) -> int:
    """Runs all gates, or those named. Returns 0 when every one is good, 1 otherwise."""
    chosen = [gate for gate in gates() if not only or gate.name in only]
    if unknown := set(only) - {gate.name for gate in chosen}:
        say(f"No such check: {', '.join(sorted(unknown))}. There are: {', '.join(gate.name for gate in gates())}.")
        return 2
    progress = Progress("check")
    failed: list[tuple[Gate, Verdict]] = []
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        running: dict[Future[Verdict], Gate] = {pool.submit(_run, gate): gate for gate in chosen}
        while running:
            done, _ = wait_for(running, timeout=0.5, return_when="FIRST_COMPLETED")
            for future in done:
                gate, verdict = running.pop(future), future.result()
                say(f"  {'ok  ' if verdict.code == 0 else 'FAIL'} {gate.name:<13} {verdict.seconds:5.1f} s")
                if verdict.code != 0:
                    failed.append((gate, verdict))
            progress.beat(", ".join(gate.name for future, gate in running.items() if future.running()))
    for gate, verdict in failed:
        say(f"\n--- {gate.name} (exit {verdict.code}): {' '.join(gate.command)}\n{_end_of(gate, verdict.output)}")
    say(
        f"\ncheck: {len(failed)} of {len(chosen)} failed ({', '.join(gate.name for gate, _ in failed)}), "
        f"{progress.seconds:.0f} s"
        if failed
        else f"check: all {len(chosen)} good, {progress.seconds:.0f} s"
    )
    return 1 if failed else 0


def gates() -> list[Gate]:
    """Every check, the longest first so that it does not end the run alone."""
    python, tools = str(VENV_PYTHON), VENV / "bin"
    present = [
        name for name in PACKAGES if (CHECKOUT / name / "__init__.py").exists() or any((CHECKOUT / name).glob("*.py"))
    ]
    test, production = environment.for_tests(), environment.production_like()
    manage = (python, "-W", "ignore:Got an error checking a consistent migration history", "manage.py")
    return [
        Gate("mypy", (str(tools / "mypy"), "--strict", *present), test),
        Gate("pure-tests", (python, "-m", "pytest", "-q", "--no-header", "tests/pure"), test),
        Gate("layers", (str(tools / "lint-imports"), "--no-cache"), test),
        Gate("migrations", (*manage, "makemigrations", "--check", "--dry-run"), test),
        Gate("deploy", (*manage, "check", "--deploy", "--fail-level", "WARNING"), production),
        Gate("ruff", (str(tools / "ruff"), "check", "--output-format=concise", "."), test),
        Gate("format", (str(tools / "ruff"), "format", "--check", "."), test),
    ]


def _end_of(gate: Gate, output: str) -> str:
    """What a failed tool wrote; of a flood the last lines, and where all of it lies."""
    lines = output.strip().splitlines()
    if len(lines) <= SHOWN_LINES:
        return "\n".join(lines)
    log = make_var() / "log" / f"check-{gate.name}.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text(output, encoding="utf-8")
    return "\n".join([f"({len(lines)} lines, all in {shown(log)})", "...", *lines[-SHOWN_LINES:]])


def _run(gate: Gate) -> Verdict:
    begun = time.monotonic()
    with tempfile.TemporaryFile() as output:
        code = subprocess.run(
            gate.command,
            cwd=CHECKOUT,
            env=dict(gate.env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        ).returncode
        output.seek(0)
        return Verdict(code, output.read().decode("utf-8", "replace"), time.monotonic() - begun)
