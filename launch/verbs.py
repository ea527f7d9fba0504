"""The verbs of the Makefile, each some lines: make sure of the virtual environment, go on inside it, do the thing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from launch import LaunchError, environment, install
from launch.places import CHECKOUT, VENV, VENV_PYTHON
from launch.say import say

HELP = """\
make run              start everything and open the desk (Ctrl-C stops it)
make test             the whole test suite        make test ARGS="tests/pure -k mail"
make check            the quick gate: lint, types, layers, migrations, deploy checks, pure tests
make bench            every figure of the README in its short form     make bench NAME=mail_in
make bench-full       the figures at the stated sizes
make lock             renew the hash-locked requirements               make lock UPGRADE=1
make screenshots      renew the pictures of the README
make manage ARGS="…"  manage.py with the settings and the database of make run
"""


def main(arguments: list[str]) -> int:
    """Runs one verb; the exit code."""
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if verb in {"help", "--help", "-h"}:
        say(HELP.rstrip())
        return 0
    if verb not in VERBS:
        say(f"Unknown verb {verb!r}.\n\n{HELP.rstrip()}")
        return 2
    os.chdir(CHECKOUT)
    kind, action = VERBS[verb]
    install.ensure(kind)
    if os.path.realpath(sys.prefix) != os.path.realpath(VENV):
        os.execv(VENV_PYTHON, [str(VENV_PYTHON), "-m", "launch", *arguments])  # noqa: S606
    return action(rest)


def _run(arguments: list[str]) -> int:
    from launch.run import run

    return run(arguments)


def _manage(arguments: list[str]) -> int:
    from launch.run import manage

    return manage(arguments)


def _check(arguments: list[str]) -> int:
    from launch.check import check

    return check(arguments)


def _test(arguments: list[str]) -> int:
    from launch.suite import test

    return test(arguments)


def _bench(arguments: list[str]) -> int:
    from launch.benches import bench

    return bench(arguments, short=True)


def _bench_full(arguments: list[str]) -> int:
    from launch.benches import bench

    return bench(arguments, short=False)


def _lock(arguments: list[str]) -> int:
    """Resolves the *.in files anew into locks with hashes and without any address of an index."""
    for name in ("requirements", "requirements-dev"):
        command = [
            str(VENV / "bin" / "uv"),
            "pip",
            "compile",
            f"{name}.in",
            "-o",
            f"{name}.txt",
            "--python-version",
            "3.11",
        ]
        command += [
            "--generate-hashes",
            "--no-emit-index-url",
            "--no-emit-find-links",
            "--no-config",
            "--quiet",
            *arguments,
        ]
        say(f"Locking {name}.in ...")
        done = subprocess.run(command, env=environment.for_children(UV_CUSTOM_COMPILE_COMMAND="make lock"), check=False)
        if done.returncode != 0:
            raise LaunchError(f"{name}.in could not be locked; see above.")
    return 0


def _screenshots(arguments: list[str]) -> int:
    if not (CHECKOUT / "demo" / "screenshots.py").exists():
        raise LaunchError("There are no screenshots to make yet (demo/screenshots.py is absent).")
    from launch.suite import warm_database

    with warm_database("screenshots-postgres") as (url, _):
        env = environment.for_children(
            HELPDESK_ENV="demo", HELPDESK_SECRET_KEY=environment.secret_key(), DATABASE_URL=url
        )
        command = [str(VENV_PYTHON), "-m", "demo.screenshots", *arguments]
        return subprocess.run(command, env=env, check=False).returncode


VERBS: dict[str, tuple[str, Callable[[list[str]], int]]] = {
    "run": ("run", _run),
    "manage": ("run", _manage),
    "check": ("dev", _check),
    "test": ("dev", _test),
    "bench": ("dev", _bench),
    "bench-full": ("dev", _bench_full),
    "lock": ("dev", _lock),
    "screenshots": ("dev", _screenshots),
}
