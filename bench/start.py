"""`make run`: seconds until the first page, on an empty `var/` and on the second start; seconds until everything stopped.

Each start is a launcher of its own over a data folder of its own with the embedded database, on other ports than the
usual. The first page is the sign-in page, whole, with status 200. Without --short the first install of the runtime
packages into a new virtual environment is timed too, which depends on the network.

Run: python -m bench.start [--short] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from bench._report import machine, table, verdict
from launch import environment, ports

CHECKOUT = Path(__file__).resolve().parents[1]
FIRST_PAGE_SECONDS = 15.0
SECOND_PAGE_SECONDS = 5.0
PATIENCE_SECONDS = 180.0


class Launch:
    """One `make run`, timed."""

    def __init__(self, var: Path) -> None:
        self._port = ports.choose(18000)
        env = environment.for_children(
            HELPDESK_DATA_DIR=str(var),
            HELPDESK_PORT=str(self._port),
            HELPDESK_DEMO_PAGE_PORT=str(self._port + 100),
            HELPDESK_DEMO_IMAP_PORT=str(self._port + 200),
            HELPDESK_DEMO_SMTP_PORT=str(self._port + 300),
        )
        for name in ("DATABASE_URL", "HELPDESK_ENV"):
            env.pop(name, None)
        self._begun = time.monotonic()
        self._log = (var.parent / "launch.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "launch", "run"], cwd=CHECKOUT, env=env, stdout=self._log, stderr=self._log
        )

    def first_page(self) -> float:
        """Seconds from the start until the sign-in page came. Raises SystemExit with the launcher's words otherwise."""
        while time.monotonic() - self._begun < PATIENCE_SECONDS and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://localhost:{self._port}/", timeout=30) as page:
                    if page.status == 200 and b"<form" in page.read():
                        return time.monotonic() - self._begun
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.2)
        self.stop()
        raise SystemExit(f"The desk never answered:\n{Path(self._log.name).read_text()}")

    def all_ready(self) -> float:
        """Seconds from the start until the launcher said that everything runs."""
        while b"is ready after" not in Path(self._log.name).read_bytes():
            if time.monotonic() - self._begun > PATIENCE_SECONDS or self._process.poll() is not None:
                raise SystemExit(f"The house never became ready:\n{Path(self._log.name).read_text()}")
            time.sleep(0.05)
        return time.monotonic() - self._begun

    def stop(self) -> float:
        """Seconds from Ctrl-C until the launcher ended."""
        begun = time.monotonic()
        self._process.send_signal(signal.SIGINT)
        self._process.wait(60)
        self._log.close()
        return time.monotonic() - begun


def starts(short: bool) -> list[list[object]]:
    """One row a start: what, first page, everything ready, stopped; all in seconds."""
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory(prefix="helpdesk start ") as folder:
        Path(folder).chmod(0o711)
        for number in range(2 if short else 4):
            launch = Launch(Path(folder) / "var")
            what = "empty var/" if number == 0 else f"start {number + 1}"
            rows.append([what, launch.first_page(), launch.all_ready(), launch.stop()])
    return rows


def first_install() -> float:
    """Seconds for a new virtual environment with the locked runtime packages."""
    with tempfile.TemporaryDirectory(prefix="helpdesk install ") as folder:
        copy = Path(folder) / "checkout"
        copy.mkdir()
        shutil.copytree(CHECKOUT / "launch", copy / "launch")
        for lock in CHECKOUT.glob("requirements*.txt"):
            shutil.copy(lock, copy)
        begun = time.monotonic()
        command = [os.path.realpath(sys.executable), "-c", "from launch import install; install.ensure('run')"]
        subprocess.run(command, cwd=copy, check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - begun


def main() -> int:
    """Measures and prints; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--short", action="store_true", help="two starts and no install")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    options = parser.parse_args()
    rows = starts(options.short)
    install = None if options.short else first_install()
    second = [float(str(row[1])) for row in rows[1:]]
    if options.json:
        print(json.dumps({"starts": rows, "first_install_seconds": install, "machine": machine()}))
        return 0
    print(machine())
    print(table(["seconds until", "first page", "all ready", "stopped after Ctrl-C"], rows))
    if install is not None:
        print(f"first install of the packages: {install:.0f} s (network and disk; not part of the bar)")
    good = verdict("first page on an empty var/, s", float(str(rows[0][1])), FIRST_PAGE_SECONDS, at_least=False)
    good &= verdict("first page on a later start, s", max(second), SECOND_PAGE_SECONDS, at_least=False)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
