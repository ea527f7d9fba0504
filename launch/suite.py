"""`make test`: the whole suite over an embedded database that is kept warm between runs. Arguments go on to pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launch import LaunchError, environment
from launch.catalogues import compile_stale
from launch.places import CHECKOUT, VENV_PYTHON, make_var
from launch.postgres import DatabaseInUse, EmbeddedPostgres
from launch.say import Progress, say
from launch.schema import schema_digest

TOOLS = {"dovecot": "dovecot-imapd", "redis-server": "redis-server", "chromium": "chromium", "msgfmt": "gettext"}
"""Program -> the Debian package that brings it. Tests that need an absent one are skipped and say so."""
ADMIN_PATHS = ":/usr/sbin:/usr/local/sbin:/sbin"


def test(arguments: list[str]) -> int:
    """Runs pytest with our environment; returns its exit code."""
    absent = missing_tools()
    if absent and os.environ.get("HELPDESK_TEST_REQUIRE_ALL", "0") not in {"", "0"}:
        raise LaunchError(f"HELPDESK_TEST_REQUIRE_ALL is set, and these are not installed: {_with_packages(absent)}.")
    if os.environ.get("DATABASE_URL"):
        return _pytest(arguments, environment.for_tests(), absent)
    with warm_database("test-postgres") as (url, stamp):
        digest = schema_digest()
        known = stamp.read_text(encoding="ascii") if stamp.exists() else ""
        stamp.unlink(missing_ok=True)  # a run that is killed leaves rows behind: the next one begins anew
        if known != digest:
            drop_test_databases(url)
        code = _pytest(["--reuse-db", *arguments], environment.for_tests(url), absent)
        if code in {0, 1}:
            stamp.write_text(digest, encoding="ascii")
        return code


def workers(cores: int) -> int:
    """How many processes share the tests: one more than cores, for browsers and servers are often waited for; at most 5."""
    return min(5, cores + 1)


def missing_tools() -> list[str]:
    """The programs of TOOLS that this machine lacks."""
    return [name for name in TOOLS if shutil.which(name, path=os.environ.get("PATH", os.defpath) + ADMIN_PATHS) is None]


@contextmanager
def warm_database(name: str, *, durable: bool = False) -> Iterator[tuple[str, Path]]:
    """The URL of an embedded database under `var/` that outlives the run, and a file beside it for a note about its
    content.

    Two runs at once get two clusters: the second finds the first in use and takes the next number.
    """
    for number in range(1, 20):
        data_dir = make_var() / (name if number == 1 else f"{name}-{number}")
        server = EmbeddedPostgres(
            data_dir, durable=durable, max_connections=300
        )  # a hundred agents answer at once in a test
        try:
            url = server.start()
        except DatabaseInUse:
            continue
        stamp = data_dir.with_name(f"{data_dir.name}.content")
        if server.fresh:
            stamp.unlink(missing_ok=True)
        try:
            yield url, stamp
        finally:
            server.stop()
        return
    raise DatabaseInUse(f"All databases {name} in var/ are in use: are twenty runs going on?")


def _pytest(arguments: list[str], env: dict[str, str], absent: list[str]) -> int:
    compile_stale()  # once, before several processes read them
    progress = Progress("tests")
    count = str(workers(os.cpu_count() or 2))
    # A group (mark `xdist_group`) has a long set-up: it goes first and to one process. Other tests go to whoever is free.
    alone = any(argument in {"-n", "-n0", "--pdb"} for argument in arguments)
    spread = [] if alone else ["-n", count, "--dist", "loadgroup"]
    command = [str(VENV_PYTHON), "-m", "pytest", *spread, *arguments]
    env["PATH"] += ADMIN_PATHS
    code = subprocess.run(command, cwd=CHECKOUT, env=env, check=False).returncode
    progress.end()
    if absent:
        say(f"  Not installed here, so the tests that need them were skipped: {_with_packages(absent)}.")
    return code


def drop_test_databases(url: str) -> None:
    """Removes what pytest-django and its parallel workers made, so that they make it anew."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(url, autocommit=True) as connection:
        for (name,) in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'").fetchall():
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _with_packages(absent: list[str]) -> str:
    return f"{', '.join(absent)} (Debian packages: {' '.join(TOOLS[name] for name in absent)})"
