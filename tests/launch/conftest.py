"""Places for databases of our own, and processes that outlive nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from launch.places import CHECKOUT
from launch.postgres import EmbeddedPostgres


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that any user can pass through, with a space in its name (pytest's own is closed to others)."""
    folder = Path(tempfile.mkdtemp(prefix="help desk "))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Path]:
    """A folder with a made and stopped database `postgres` in it, to be copied: making one takes a second or two."""
    folder = Path(tempfile.mkdtemp(prefix="help desk "))
    folder.chmod(0o711)
    made = EmbeddedPostgres(folder / "postgres", durable=False)
    made.start()
    made.stop()
    yield folder
    shutil.rmtree(folder)


def copy_cluster(cluster: Path, folder: Path) -> None:
    """Puts a copy of the database into `folder`, with its owner and rights."""
    subprocess.run(["cp", "-a", cluster / "postgres", cluster / "postgres.password", folder], check=True)


@pytest.fixture
def server(place: Path, cluster: Path) -> Iterator[EmbeddedPostgres]:
    """A database that was made and not started yet; removed afterwards."""
    copy_cluster(cluster, place)
    embedded = EmbeddedPostgres(place / "postgres", durable=False)
    yield embedded
    embedded.destroy()


@pytest.fixture
def new_server(place: Path) -> Iterator[EmbeddedPostgres]:
    """A database that was never made; removed afterwards, wherever it went."""
    embedded = EmbeddedPostgres(place / "postgres", durable=False)
    yield embedded
    embedded.destroy()


def ask(url: str, sql: str) -> list[tuple[object, ...]]:
    """The rows of one statement, each in its own connection and transaction."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def python(script: str, *arguments: str | Path, **env: str) -> subprocess.Popen[str]:
    """Starts our Python on a script, from the checkout, with pipes to talk through."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def lives(pid: int) -> bool:
    """Whether a process exists and is not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def eventually(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether it becomes true before a generous limit that only a failing test reaches."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
