"""Children under one parent: restarted, given up, stopped to the last grandchild; small fake commands stand in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from launch import supervisor as supervisor_module
from launch.signals import Signals
from launch.supervisor import Program, Supervisor
from tests.launch.conftest import eventually, lives, python

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
WITH_GRANDCHILD = f"""
import pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}])
pathlib.Path(sys.argv[1]).write_text(str(grandchild.pid))
time.sleep(600)
"""
SUPERVISE = """
import sys
from pathlib import Path
from launch import supervisor
from launch.signals import Signals
supervisor.ORPHAN_SECONDS = 0.5
with Signals() as signals:
    parent = supervisor.Supervisor(Path(sys.argv[1]), signals, print)
    child = parent.add(supervisor.Program("stubborn", [sys.executable, "-c", sys.argv[3], sys.argv[2]], {}))
    print(child.process.pid, flush=True)
    while True:
        signals.wait(1)
"""


class House:
    """A supervisor with what it said, for the tests below."""

    def __init__(self, folder: Path, signals: Signals) -> None:
        self.said: list[str] = []
        self.folder = folder
        self.parent = Supervisor(folder / "log", signals, self.said.append)

    def add(self, name: str, script: str, *arguments: str | Path) -> supervisor_module.Child:
        """Starts our Python on a script."""
        return self.parent.add(Program(name, [sys.executable, "-c", script, *map(str, arguments)], {}))

    def tend(self) -> None:
        """One look."""
        self.parent.tend()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(supervisor_module, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(supervisor_module, "STOP_SECONDS", 0.5)
    with Signals() as signals:
        made = House(tmp_path, signals)
        yield made
        made.parent.stop()


def test_child_that_died_is_started_again_and_its_last_words_are_shown(house: House) -> None:
    starts = house.folder / "starts"
    child = house.add(
        "web",
        "import pathlib, sys, time\n"
        "starts = pathlib.Path(sys.argv[1]); seen = starts.exists(); starts.open('a').write('x')\n"
        "if seen: time.sleep(600)\n"
        "sys.exit('the port is gone')",
        starts,
    )

    def restarted() -> bool:
        house.tend()
        return starts.exists() and starts.read_text() == "xx"

    assert eventually(restarted)
    assert child.process is not None
    assert child.process.poll() is None
    assert len(house.said) == 1
    assert house.said[0].startswith("web ended (exit 1) after 0 s; it starts again in 0.01 s.")
    assert "the port is gone" in house.said[0]


def test_child_that_keeps_dying_is_left_off_and_the_others_go_on(house: House) -> None:
    healthy = house.add("worker", "import time; time.sleep(600)")
    broken = house.add("web", "raise SystemExit('no such setting')")

    def given_up() -> bool:
        house.tend()
        return broken.given_up

    assert eventually(given_up)
    for _ in range(3):
        house.tend()
    assert broken.process is None
    assert house.said[-1].startswith("web ended (exit 1) after 0 s, 5 times in a row: it is left off")
    assert "no such setting" in house.said[-1]
    assert len(house.said) == 5
    assert healthy.process is not None
    assert healthy.process.poll() is None


def test_long_life_clears_the_count_of_quick_deaths(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "QUICK_SECONDS", 0.0)
    child = house.add("web", "raise SystemExit(3)")

    def died_often() -> bool:
        house.tend()
        return len(house.said) > supervisor_module.QUICK_DEATHS + 1

    assert eventually(died_often)
    assert not child.given_up


def test_program_that_does_not_exist_is_told_like_a_death(house: House) -> None:
    house.parent.add(Program("web", ["/nonexistent/daphne"], {}))
    assert "web cannot be started (No such file or directory)" in house.said[0]


def test_stop_ends_even_what_ignores_it_with_its_own_children(house: House) -> None:
    note = house.folder / "grandchild"
    stubborn = house.add("stubborn", WITH_GRANDCHILD, note)
    assert stubborn.process is not None
    pid = stubborn.process.pid
    assert eventually(lambda: note.exists() and note.read_text() != "")
    house.parent.stop()
    assert not lives(pid)
    assert eventually(lambda: not lives(int(note.read_text())))


def test_child_that_ends_on_request_is_not_killed(house: House) -> None:
    note = house.folder / "note"
    house.add(
        "polite",
        "import pathlib, signal, sys, time\n"
        "note = pathlib.Path(sys.argv[1])\n"
        "signal.signal(signal.SIGTERM, lambda *_: (note.write_text('said good-bye'), sys.exit(0)))\n"
        "note.write_text('ready')\n"
        "time.sleep(600)",
        note,
    )
    assert eventually(lambda: note.exists() and note.read_text() == "ready")
    house.parent.stop()
    assert note.read_text() == "said good-bye"


def test_killed_launcher_leaves_no_process_behind(tmp_path: Path) -> None:
    note = tmp_path / "grandchild"
    launcher = python(SUPERVISE, tmp_path / "log", note, WITH_GRANDCHILD)
    assert launcher.stdout is not None
    child = int(launcher.stdout.readline())
    assert eventually(lambda: note.exists() and note.read_text() != "")
    grandchild = int(note.read_text())
    assert lives(child)
    assert lives(grandchild)
    launcher.kill()
    launcher.communicate()
    assert eventually(lambda: not lives(child) and not lives(grandchild))


def test_stop_ends_a_program_that_was_only_begun(house: House) -> None:
    child = house.parent.begin(Program("prepare", [sys.executable, "-c", "import time; time.sleep(600)"], {}))
    assert child.process is not None
    pid = child.process.pid
    house.parent.stop()
    assert not lives(pid)


def test_one_off_program_returns_its_code_and_last_words(house: House) -> None:
    program = Program("prepare", [sys.executable, "-c", "print('half way'); raise SystemExit(4)"], {})
    code, tail = house.parent.finish(house.parent.begin(program), lambda line: None)
    assert (code, tail.strip()) == (4, "half way")
