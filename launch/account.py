"""The user that PostgreSQL runs as: ourselves, or, when we are root (which PostgreSQL refuses), an existing
unprivileged one.

No user is created and no folder is opened up: where the unprivileged user cannot reach a folder, launch.postgres goes
elsewhere.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launch import LaunchError

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A user of this machine that child processes can be started as."""

    name: str
    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        """Whether nothing has to be dropped to become this user."""
        return self.uid == os.geteuid()

    def popen_options(self) -> dict[str, Any]:
        """Arguments of subprocess.Popen that start the child as this user, without our groups."""
        return {} if self.is_us else {"user": self.uid, "group": self.gid, "extra_groups": [], "umask": 0o077}

    def own(self, path: Path) -> None:
        """Gives the file or folder to this user."""
        if not self.is_us:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        """Whether this user can reach files in `folder` (asked of the system itself, so ACLs and mounts count)."""
        if self.is_us:
            return os.access(folder, os.X_OK)
        asked = subprocess.run(
            ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            check=False,
            **self.popen_options(),
        )
        return asked.returncode == 0


def database_account(data_dir: Path) -> Account:
    """The user the server must run as: the owner of an existing data directory, else ourselves, else an unprivileged
    one.

    Raises LaunchError when the data directory belongs to somebody we cannot become.
    """
    us = os.geteuid()
    if data_dir.is_dir():
        owner = data_dir.stat()
        if owner.st_uid not in {us, 0}:
            if us != 0:
                raise LaunchError(
                    f"{data_dir} belongs to user {_name(owner.st_uid)} (it was first started as root): start as root "
                    f"again, or move that folder away to begin with an empty database."
                )
            return Account(_name(owner.st_uid), owner.st_uid, owner.st_gid)
    if us != 0:
        return Account(_name(us), us, os.getegid())
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise LaunchError(
        "PostgreSQL refuses to run as root and this machine has neither a user `postgres` nor `nobody`: "
        "run as an ordinary user, or set DATABASE_URL to a PostgreSQL server of your own."
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
