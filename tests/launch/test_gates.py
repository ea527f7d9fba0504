"""`make check` and `make bench` over stand-ins, the virtual environment, and the sentence for an old Python."""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg
import pytest

from launch import LaunchError, benches, binaries, check, install, suite
from launch.check import Gate
from launch.postgres import EmbeddedPostgres
from tests.launch.conftest import ask, python


def gate(name: str, script: str) -> Gate:
    """A check that is our Python on a script."""
    return Gate(name, (sys.executable, "-c", script))


def test_check_is_good_when_every_gate_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(check, "gates", lambda: [gate("lint", "print('noise')"), gate("types", "")])
    assert check.check([]) == 0
    said = capsys.readouterr().out
    assert "all 2 good" in said
    assert "noise" not in said


def test_check_shows_the_output_of_those_that_failed_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gates = [gate("lint", "print('noise')"), gate("types", "print('line 3 is wrong'); raise SystemExit(2)")]
    monkeypatch.setattr(check, "gates", lambda: gates)
    assert check.check([]) == 1
    said = capsys.readouterr().out
    assert "1 of 2 failed (types)" in said
    assert "line 3 is wrong" in said
    assert "noise" not in said


def test_check_runs_only_the_named_and_refuses_unknown_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "gates", lambda: [gate("lint", ""), gate("types", "raise SystemExit(1)")])
    assert check.check(["lint"]) == 0
    assert check.check(["lnit"]) == 2
    assert "No such check: lnit. There are: lint, types." in capsys.readouterr().out


def test_real_gates_cover_what_the_house_promises() -> None:
    assert {one.name for one in check.gates()} == {
        "ruff",
        "format",
        "mypy",
        "layers",
        "migrations",
        "deploy",
        "pure-tests",
    }


def test_bench_runs_each_script_short_and_tells_which_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "bench"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "_report.py").write_text("raise SystemExit('not a bench')")
    (folder / "fast.py").write_text("import sys; print('fast', sys.argv[1:])")
    (folder / "broken.py").write_text("raise SystemExit(1)")
    monkeypatch.setattr(benches, "CHECKOUT", tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere/none")
    assert benches.scripts() == ["broken", "fast"]
    assert benches.bench([], short=True) == 1
    said = capfd.readouterr().out
    assert "fast ['--short']" in said
    assert "1 of 2 ended well; failed: broken" in said
    assert benches.bench(["fast"], short=False) == 0
    assert "fast []" in capfd.readouterr().out
    with pytest.raises(LaunchError, match="No such bench: slow"):
        benches.bench(["slow"], short=True)


@pytest.mark.parametrize(("cores", "processes"), [(1, 2), (2, 3), (4, 5), (64, 5)])
def test_the_suite_has_a_process_more_than_cores_and_five_at_most(cores: int, processes: int) -> None:
    assert suite.workers(cores) == processes


def test_required_tools_that_are_absent_end_the_suite_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELPDESK_TEST_REQUIRE_ALL", "1")
    monkeypatch.setattr(suite, "TOOLS", {"no-such-program": "no-such-package"})
    with pytest.raises(LaunchError, match=r"no-such-program.*no-such-package"):
        suite.test([])


def test_kept_test_databases_go_when_the_schema_changed_and_nothing_else_does(server: EmbeddedPostgres) -> None:
    url = server.start()
    with psycopg.connect(url, autocommit=True) as connection:
        for name in ("test_helpdesk", "test_helpdesk_gw0", "testament"):
            connection.execute(f"CREATE DATABASE {name}")
    suite.drop_test_databases(url)
    left = {name for (name,) in ask(url, "SELECT datname FROM pg_database WHERE NOT datistemplate")}
    assert left == {"helpdesk", "postgres", "testament"}


def test_virtual_environment_is_made_once_and_renewed_when_the_locks_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "CHECKOUT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(install, "VENV_PYTHON", tmp_path / ".venv" / "bin" / "python")
    lock = tmp_path / "requirements.txt"
    (tmp_path / "requirements-dev.txt").touch()
    lock.write_text("# nothing is needed\n")
    install.ensure("run")
    assert "packages: 0 installed" in capsys.readouterr().out
    install.ensure("run")
    assert capsys.readouterr().out == ""
    lock.write_text("there-is-no-hash==1.0\n")
    with pytest.raises(LaunchError, match=r"could not be installed.*(?s:.)*hash"):
        install.ensure("run")
    lock.write_text("# nothing is needed any more\n")
    install.ensure("run")
    assert "packages: 0 installed" in capsys.readouterr().out


def test_old_python_is_told_what_is_needed() -> None:
    script = "import runpy, sys; sys.version_info = (3, 9, 2); runpy.run_module('launch', run_name='__main__')"
    process = python(f"import sys; sys.stderr = sys.stdout; {script}")
    said, _ = process.communicate()
    assert process.returncode == 1
    assert said.startswith("The helpdesk needs Python 3.11 or newer; this is Python 3.9")


def test_folder_that_holds_no_postgres_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELPDESK_PG_BINARIES", str(tmp_path))
    with pytest.raises(LaunchError, match="neither `system`, `wheel` nor a folder with initdb and postgres"):
        binaries.choose(None)
