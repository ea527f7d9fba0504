"""`make run` from the outside, over a real embedded database, with small stand-ins for the house's own processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from launch import programs
from tests.launch.conftest import ask, copy_cluster, eventually, lives, python

STARTED: list[subprocess.Popen[str]] = []
FAKE_HOUSE = """
import os, sys
from launch import programs
from launch.supervisor import Program
folder = sys.argv[1]
def fake(name, env, body="time.sleep(600)"):
    script = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); " + body
    return Program(name, [sys.executable, "-c", script, f"{folder}/{name}.pid"], env)
web = ("import http.server as h; Q = type('Q', (h.SimpleHTTPRequestHandler,), {'do_GET': lambda s: s.send_error(404)});"
       "h.HTTPServer(('127.0.0.1', int(os.environ['WEB_PORT'])), Q).serve_forever()")
programs.mail_server = lambda env: fake("demo-mail", {**env, "WEB_PORT": env["HELPDESK_DEMO_PAGE_PORT"]}, web)
programs.prepare = lambda env, arguments: fake("prepare", env, "sys.exit(int(os.environ.get('FAIL', '0')))")
programs.house = lambda env, at: [fake("web", {**env, "WEB_PORT": str(at.desk)}, web), fake("worker", env)]
from launch import LaunchError, run
try:
    sys.exit(run.run([]))
except LaunchError as problem:
    print("PROBLEM", problem, flush=True)
    sys.exit(1)
"""


@pytest.fixture
def folder(place: Path, cluster: Path) -> Iterator[Path]:
    """The data folder of a house of fakes; also ends a database that a failing test left."""
    var = place / "var"
    var.mkdir()
    var.chmod(0o711)
    copy_cluster(cluster, var)
    yield var
    for process in STARTED:
        process.terminate()
        process.communicate()
    STARTED.clear()
    shutil.rmtree(var)


def start(folder: Path, **env: str) -> subprocess.Popen[str]:
    """`make run` over the fakes, on ports that no test beside us begins with."""
    base = 20000 + zlib.crc32(bytes(folder)) % 35000
    ports = {name: str(base + 60 * place) for place, name in enumerate(programs.WANTED_PORTS)}
    os.environ.pop("DATABASE_URL", None)
    process = python(FAKE_HOUSE, folder, HELPDESK_DATA_DIR=str(folder), **ports, **env)
    STARTED.append(process)
    return process


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """What it says up to the line with `text`; fails with all of it when it ends before."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(f"{text!r} was never said:\n{said}")


def pids(folder: Path) -> dict[str, int]:
    """The processes of the fake house and its database."""
    assert eventually(lambda: (folder / "worker.pid").exists() and (folder / "worker.pid").read_text() != "")
    found = {file.stem: int(file.read_text()) for file in folder.glob("*.pid")}
    found.pop("prepare")
    return found | {"postgres": int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupt_stops_everything_and_leaves_no_process(folder: Path, how: signal.Signals) -> None:
    process = start(folder)
    read_until(process, "Ctrl-C stops everything")
    running = pids(folder)
    assert {name for name, pid in running.items() if lives(pid)} == {"demo-mail", "web", "worker", "postgres"}
    process.send_signal(how)
    assert "Stopped." in read_until(process, "Stopped.")
    assert process.wait() == 0
    assert {name for name, pid in running.items() if lives(pid)} == set()
    assert not (folder / "run.json").exists()


def test_second_start_keeps_the_data_and_prepares_nothing(folder: Path) -> None:
    process = start(folder)
    read_until(process, "Ctrl-C stops everything")
    url = json.loads((folder / "run.json").read_text())["DATABASE_URL"]
    ask(url, "CREATE TABLE kept AS SELECT 1 AS one")
    process.terminate()
    process.communicate()
    (folder / "prepare.pid").unlink()
    process = start(folder)
    read_until(process, "Ctrl-C stops everything")
    assert ask(url, "SELECT one FROM kept") == [(1,)]
    assert not (folder / "prepare.pid").exists()
    process.terminate()
    process.communicate()


def test_killed_launcher_leaves_nothing_and_the_next_start_works(folder: Path) -> None:
    process = start(folder)
    read_until(process, "Ctrl-C stops everything")
    running = pids(folder)
    process.kill()
    process.communicate()
    process = start(folder)
    read_until(process, "Ctrl-C stops everything")
    assert eventually(lambda: not any(lives(pid) for pid in running.values()))
    process.terminate()
    process.communicate()
    assert process.returncode == 0


def test_second_launcher_says_where_the_first_one_runs(folder: Path) -> None:
    process = start(folder)
    said = read_until(process, "Ctrl-C stops everything")
    second = start(folder)
    refused, _ = second.communicate()
    assert second.returncode == 1
    assert "already runs at http://localhost:" in refused
    assert f"(process {process.pid})" in refused
    assert "http://localhost:" in said
    assert process.poll() is None
    process.terminate()
    process.communicate()


def test_database_killed_under_the_house_comes_back(folder: Path) -> None:
    process = start(folder)
    read_until(process, "Ctrl-C stops everything")
    url = json.loads((folder / "run.json").read_text())["DATABASE_URL"]
    os.kill(pids(folder)["postgres"], signal.SIGKILL)
    read_until(process, "The embedded database is back.")
    assert ask(url, "SELECT 1") == [(1,)]
    process.terminate()
    process.communicate()


def test_failed_preparation_is_told_and_stops_the_rest(folder: Path) -> None:
    process = start(folder, FAIL="9")
    said, _ = process.communicate()
    assert process.returncode == 1
    assert "could not be prepared (exit 9)" in said
    assert not any(lives(int(file.read_text())) for file in folder.glob("*.pid"))
    assert not (folder / "postgres" / "postmaster.pid").exists()


def test_secrets_and_what_processes_write_are_for_the_owner_only(folder: Path) -> None:
    process = start(folder)
    read_until(process, "Ctrl-C stops everything")
    modes = {name: (folder / name).stat().st_mode & 0o777 for name in ("secret-key", "run.json", "postgres.password")}
    assert modes == {"secret-key": 0o600, "run.json": 0o600, "postgres.password": 0o600}
    assert (folder / "web.pid").stat().st_mode & 0o777 == 0o600
    assert (folder / "log").stat().st_mode & 0o777 == 0o700
    process.terminate()
    process.communicate()
