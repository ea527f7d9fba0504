"""The embedded PostgreSQL: a server of our own as a foreground child, listening on a unix socket only.

    with EmbeddedPostgres(var / "postgres") as url:
        ...

Used by `make run`, `make test`, `make bench` and tests that stop and kill a database. Standard library only. The
server is our child and is reaped by us; when we are killed, the kernel sends it the signal for a clean shutdown
(Linux). Start it from a thread that lives as long as the server should: the kernel's death signal is tied to the
starting thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import quote

from launch import LaunchError, cluster
from launch.cluster import DATABASE, ROLE, Cluster

SOCKET_PATH_LIMIT = 107  # sun_path of Linux is 108 bytes with its final zero; macOS has 103
SOCKET_NAME = ".s.PGSQL.5432"
START_SECONDS = 60.0  # recovery after a crash under load may take a while; nothing else does
RETRY_SECONDS = 10.0
STOP_SECONDS = 30.0
RETRIABLE = (
    "pre-existing shared memory block",  # orphaned backends of a killed server still run
    'lock file "postmaster.pid" already exists',
    '.lock" already exists',
    "Is another postmaster already running",
)
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class EmbeddedPostgres:
    """One server over one data directory; a context manager that gives the database's URL.

    `durable=False` turns off flushes to disk, for throw-away databases: they survive a killed server, not a power
    cut. `fresh` says after start() whether the cluster was made by this start, `set_aside` where an abandoned older
    one was moved to. Where root may not keep the data in `data_dir`, it lies under /var/lib and a note says so.
    """

    def __init__(
        self, data_dir: Path, *, durable: bool = True, log: Path | None = None, max_connections: int = 100
    ) -> None:
        self.asked = data_dir.absolute()
        self.durable = durable
        self.max_connections = max_connections
        self.log = log or self.asked.parent / "log" / f"{self.asked.name}.log"
        self.fresh = False
        self.set_aside: Path | None = None
        self.cluster: Cluster | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._socket_dir: Path | None = None
        self._url = ""

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """postgresql:// URL of the database, valid from the first start() on and the same after a restart."""
        if not self._url:
            raise LaunchError("The embedded database has not been started.")
        return self._url

    @property
    def pid(self) -> int | None:
        """Process id of the running server, None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> str:
        """Starts the server, making its data directory first where needed, and returns the URL once it takes
        connections.

        Cleans up after a predecessor that was killed, trying for about ten seconds. Raises LaunchError with a
        sentence and the log's end when it cannot.
        """
        if self.pid is not None:
            return self._url
        try:
            self._take_lock()
            self.cluster = cluster.locate(self.asked)
            self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._end_orphan()
            self.set_aside = cluster.set_aside_if_forgotten(self.cluster)
            self.fresh = not cluster.exists(self.cluster)
            if self.fresh:
                self.cluster = cluster.locate(self.asked)
                cluster.create(self.cluster, durable=self.durable)
            socket_dir = self._open_socket_dir()
            password = cluster.password(self.cluster)
            self._url = (
                f"postgresql://{ROLE}:{quote(password, safe='')}@{quote(str(socket_dir), safe='')}:5432/{DATABASE}"
            )
            self._start_with_retries(socket_dir)
        except PermissionError as problem:
            self._release()
            raise LaunchError(
                f"The embedded database cannot use {problem.filename or self.asked}: {problem.strerror}. Was it made "
                f"by another user?"
            ) from None
        except BaseException:
            self._release()
            raise
        return self._url

    def stop(self, *, hurry: bool = False) -> None:
        """Stops the server: open transactions are rolled back, data is written. With `hurry` it is left to recovery."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGQUIT if hurry else signal.SIGINT)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait(STOP_SECONDS)
        self._process = None
        self._release()

    def kill(self) -> None:
        """Kills the server like a crash would (SIGKILL to the postmaster) and reaps it; start() recovers."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> str:
        """Stops and starts the server on the same URL."""
        self.stop()
        return self.start()

    def destroy(self) -> None:
        """Stops the server and removes its data, wherever it lies; also that of a launcher that has ended."""
        self.stop()
        self._take_lock()
        found = self.cluster or cluster.locate(self.asked)
        for path in (found.data_dir, found.home):
            if path is not None:
                shutil.rmtree(path, ignore_errors=True)
        for file in (found.note, found.password_file, self._lock_path):
            file.unlink(missing_ok=True)
        self._release()

    @property
    def _lock_path(self) -> Path:
        return self.asked.with_name(f"{self.asked.name}.lock")

    def _take_lock(self) -> None:
        """One launcher a data directory; the kernel frees the lock when we die in any way."""
        if self._lock is not None:
            return
        self._lock_path.parent.mkdir(parents=True, exist_ok=True)
        file = self._lock_path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise DatabaseInUse(f"The database in {self.asked} is in use by process {holder}.") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._lock = file

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        if self._socket_dir is not None:
            for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
                with contextlib.suppress(OSError):
                    (self._socket_dir / name).unlink()
            with contextlib.suppress(OSError):
                self._socket_dir.rmdir()

    def _open_socket_dir(self) -> Path:
        """A folder for the socket: the data directory, or where its path is too long for a socket a private one in
        /tmp.
        """
        assert self.cluster is not None
        data_dir, account = self.cluster.data_dir, self.cluster.account
        if len(os.fsencode(data_dir / f"{SOCKET_NAME}.lock")) <= SOCKET_PATH_LIMIT - 5:
            return data_dir
        folder = Path("/tmp") / f"helpdesk-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]}"  # noqa: S108
        try:
            folder.mkdir(mode=0o700)
            account.own(folder)
        except FileExistsError:
            there = folder.lstat()
            if folder.is_symlink() or there.st_uid != account.uid or there.st_mode & 0o077:
                folder = Path(tempfile.mkdtemp(prefix="helpdesk-", dir="/tmp"))
                account.own(folder)
        self._socket_dir = folder
        return folder

    def _end_orphan(self) -> None:
        """A server of a launcher that was killed: stop it. A pid file that names somebody else's process: remove it.

        We hold the lock, so no living launcher owns what runs on this data directory.
        """
        assert self.cluster is not None
        pid_file = self.cluster.data_dir / "postmaster.pid"
        try:
            pid = int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        if not _runs_over(pid, self.cluster.data_dir):
            pid_file.unlink(missing_ok=True)
            return
        for how in (signal.SIGINT, signal.SIGQUIT):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
            if _until(lambda: not _runs_over(pid, self.cluster.data_dir), RETRY_SECONDS):  # type: ignore[union-attr]
                return
        raise LaunchError(
            f"An older PostgreSQL (process {pid}) still uses {self.cluster.data_dir} and does not stop: end it first."
        )

    def _start_with_retries(self, socket_dir: Path) -> None:
        give_up = time.monotonic() + RETRY_SECONDS
        while True:
            said = self._start_once(socket_dir)
            if said is None:
                return
            if not any(text in said for text in RETRIABLE) or time.monotonic() > give_up:
                tail = "\n".join(said.strip().splitlines()[-12:])
                raise LaunchError(f"The embedded PostgreSQL did not start ({self.log}):\n{tail}")
            time.sleep(0.3)

    def _start_once(self, socket_dir: Path) -> str | None:
        """None once the server takes connections; what it wrote when it ended instead."""
        assert self.cluster is not None
        binaries, data_dir = cluster.reachable_binaries(self.cluster), self.cluster.data_dir
        command = [binaries.program("postgres"), "-D", str(data_dir)]
        for name, value in self._settings(socket_dir).items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            begin = log.tell()
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,
                preexec_fn=die_with(os.getpid(), signal.SIGINT),
                **self.cluster.account.popen_options(),
            )
        process = self._process

        def ready() -> bool:
            return process.poll() is not None or _pid_file_says_ready(data_dir, process.pid)

        if not _until(ready, START_SECONDS):
            self.stop(hurry=True)
            raise LaunchError(
                f"The embedded PostgreSQL took longer than {START_SECONDS:.0f} s to start; see {self.log}."
            )
        if process.poll() is None:
            return None
        return self.log.read_bytes()[begin:].decode("utf-8", "replace")

    def _settings(self, socket_dir: Path) -> dict[str, str]:
        quoted = str(socket_dir).replace('"', '""')
        settings = {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": f'"{quoted}"',
            "unix_socket_permissions": "0700",
            "max_connections": str(self.max_connections),
            "max_locks_per_transaction": "256",
            "shared_buffers": "128MB",
            "work_mem": "8MB",
            "maintenance_work_mem": "64MB",
            "max_wal_size": "1GB",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] ",
            "fsync": "on",
        }
        if not self.durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        return settings


class DatabaseInUse(LaunchError):
    """Another launcher holds this data directory."""


def _pid_file_says_ready(data_dir: Path, pid: int) -> bool:
    """PostgreSQL writes its state into line 8 of postmaster.pid: ready once it listens."""
    try:
        lines = (data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _runs_over(pid: int, data_dir: Path) -> bool:
    """Whether `pid` is a living PostgreSQL over this data directory, and not a stranger who got the number later."""
    with contextlib.suppress(ChildProcessError, PermissionError):
        os.waitpid(pid, os.WNOHANG)  # ours by adoption, where we are process 1 of a container
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        if Path("/proc/self").exists():
            return False
        shown = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, check=False)  # noqa: S607
        command = shown.stdout
    return os.fsencode(data_dir) in command and b"postgres" in command


def _until(true: Callable[[], bool], seconds: float) -> bool:
    """Asks every 20 ms until it is true or the time is over; whether it became true."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def die_with(parent: int, how: signal.Signals) -> Callable[[], None] | None:
    """For preexec_fn: the child gets signal `how` when the thread that started it ends. Linux only, None elsewhere.

    The kernel forgets it when the user changes, so it is asked for after that: subprocess calls preexec_fn last.
    """
    libc = _LIBC
    if libc is None:
        return None

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(how), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask
