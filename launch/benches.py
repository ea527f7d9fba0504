"""`make bench`: runs the scripts of bench/ one after another, each printing its own figures. Names may be given."""

from __future__ import annotations

import os
import subprocess

from launch import LaunchError, environment
from launch.places import CHECKOUT, VENV_PYTHON
from launch.say import Progress, say
from launch.suite import ADMIN_PATHS, warm_database


def bench(names: list[str], *, short: bool) -> int:
    """Runs all benches, or those named, `--short` or at the stated sizes. Returns 0 when each ended well."""
    known = scripts()
    if unknown := [name for name in names if name not in known]:
        raise LaunchError(f"No such bench: {', '.join(unknown)}. There are: {', '.join(known) or 'none yet'}.")
    if os.environ.get("DATABASE_URL"):
        return _run_all(names or known, short, os.environ["DATABASE_URL"])
    with warm_database("bench-postgres", durable=True) as (url, _):
        return _run_all(names or known, short, url)


def scripts() -> list[str]:
    """The benches there are: each script of bench/ whose name does not begin with an underscore."""
    return sorted(file.stem for file in (CHECKOUT / "bench").glob("*.py") if not file.name.startswith("_"))


def _run_all(names: list[str], short: bool, url: str) -> int:
    env = environment.for_tests(url)
    env["PATH"] += ADMIN_PATHS
    failed = []
    for name in names:
        say(f"\n=== {name}{' (short)' if short else ''}")
        progress = Progress(name)
        command = [str(VENV_PYTHON), "-m", f"bench.{name}", *(["--short"] if short else [])]
        if subprocess.run(command, cwd=CHECKOUT, env=env, check=False).returncode != 0:
            failed.append(name)
        progress.end()
    say(
        f"\nbench: {len(names) - len(failed)} of {len(names)} ended well"
        + (f"; failed: {', '.join(failed)}" if failed else "")
    )
    return 1 if failed else 0
