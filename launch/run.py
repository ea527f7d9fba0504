"""`make run`: the whole house under one parent, from an empty folder to the printed address, and down again in order.

Order: lock, ports, database, migrations and demo data, processes. Down: processes first, the database last. Also
`make manage`, which runs one management command inside the house that runs, or with the same database when none does.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from launch import LaunchError, catalogues, environment, ports, programs
from launch.places import CHECKOUT, VENV_PYTHON, make_var, shown, write_private
from launch.postgres import EmbeddedPostgres
from launch.programs import Addresses
from launch.running import Running, environment_of_the_running
from launch.say import Progress, say
from launch.schema import schema_digest
from launch.signals import Signals
from launch.supervisor import Child, Supervisor

READY_SECONDS = 60.0
READY_LOOK_SECONDS = 0.2
LOOK_SECONDS = 0.5


def run(arguments: list[str]) -> int:
    """Runs the house until a stop signal; 0 after a clean end."""
    begun = time.monotonic()
    with Running() as running, Signals() as signals:
        say("Starting the helpdesk (Ctrl-C stops it) ...")
        addresses = programs.choose_ports()
        catalogues.compile_stale()
        database = None if os.environ.get("DATABASE_URL") else EmbeddedPostgres(make_var() / "postgres")
        try:
            env = programs.house_env(addresses, _start_database(database))
            supervisor = Supervisor(make_var() / "log", signals, say)
            try:
                _House(addresses, env, database, signals, supervisor).serve(arguments, begun, running)
            finally:
                _say_stopping(signals)
                supervisor.stop()
        finally:
            if database is not None:
                database.stop(hurry=signals.stops > 1)
        say("Stopped.")
    return 0


def manage(arguments: list[str]) -> int:
    """Runs `manage.py` with the settings and the database of `make run`; the command's exit code."""
    command = [str(VENV_PYTHON), "manage.py", *arguments]
    house = environment_of_the_running()
    if house is not None or os.environ.get("DATABASE_URL"):
        own = {"HELPDESK_ENV": "demo", "HELPDESK_SECRET_KEY": environment.secret_key(), **os.environ}
        return subprocess.run(
            command, cwd=CHECKOUT, env=environment.for_children(**(house or own)), check=False
        ).returncode
    with EmbeddedPostgres(make_var() / "postgres") as url:
        wanted = Addresses(*(int(os.environ.get(name) or port) for name, (_, port) in programs.WANTED_PORTS.items()))
        env = environment.for_children(**programs.house_env(wanted, url))
        return subprocess.run(command, cwd=CHECKOUT, env=env, check=False).returncode


@dataclass(frozen=True)
class _House:
    """The house while it runs: its addresses, the variables of its processes, and what keeps them alive."""

    addresses: Addresses
    env: dict[str, str]
    database: EmbeddedPostgres | None
    signals: Signals
    supervisor: Supervisor

    def serve(self, arguments: list[str], begun: float, running: Running) -> None:
        """Everything from the migrations to the stop signal.

        Web loads beside the migrations and answers "not ready" until they are done. The rest follows when it answers and
        the demo's week is written, so that nothing delays the first page.
        """
        if self.signals.wanted():
            return
        env = environment.for_children(**self.env)
        web, *rest = programs.house(env, self.addresses)
        self.supervisor.add(web)
        preparation = self._begin_preparation(arguments, env)
        self._wait_for("web", lambda: _desk_is_ready(self.addresses.desk), preparation)
        self._finish_preparation(preparation)
        if self.signals.wanted():
            return
        running.publish(self.env)
        for program in (programs.mail_server(env), *rest):
            self.supervisor.add(program)
        self._wait_for("demo-mail", lambda: ports.answers(self.addresses.page))
        if self.signals.wanted():
            return
        _print_addresses(self.addresses, time.monotonic() - begun, self.database)
        while not self.signals.wanted():
            self.signals.wait(LOOK_SECONDS)
            self.supervisor.tend()
            self._tend_database()

    def _begin_preparation(self, arguments: list[str], env: dict[str, str]) -> Child | None:
        """Migrates and seeds, unless the embedded database is known to be as this code wants it: then None."""
        wanted = self._wanted_stamp()
        known = {} if self.database is not None and self.database.fresh else _read(_stamp())
        if known == wanted and self.database is not None:
            return None
        moved = known.get("database") == wanted["database"] and known.get("mail") != wanted["mail"]
        options = [*arguments, "--refresh-demo"] if moved else arguments
        write_private(_stamp(), json.dumps({"database": wanted["database"], "unfinished": True}))
        return self.supervisor.begin(programs.prepare(env, options))

    def _finish_preparation(self, preparation: Child | None) -> None:
        if preparation is None:
            return
        progress = Progress("demo data")
        code, tail = self.supervisor.finish(preparation, progress.beat)
        if self.signals.wanted():
            return
        if code != 0:
            raise LaunchError(
                f"The database could not be prepared (exit {code}). The end of var/log/prepare.log:\n{tail}"
            )
        write_private(_stamp(), json.dumps(self._wanted_stamp()))
        progress.end("written")

    def _wanted_stamp(self) -> dict[str, object]:
        return {
            "schema": schema_digest(),
            "database": hashlib.sha256(self.env["DATABASE_URL"].encode()).hexdigest(),
            "mail": [self.addresses.imap, self.addresses.smtp],
        }

    def _wait_for(self, name: str, ready: Callable[[], bool], preparation: Child | None = None) -> None:
        """Until the program is ready; says so and goes on when it was left off, takes too long, or cannot become ready.

        While the preparation runs, its last line is shown; its failure is told by _finish_preparation.
        """
        progress = Progress(name)
        child = next(child for child in self.supervisor.children if child.program.name == name)
        end = time.monotonic() + READY_SECONDS
        while not self.signals.wanted() and not child.given_up and time.monotonic() < end:
            if ready():
                progress.end("ready" if preparation is None else f"ready at {self.addresses.desk_url}/")
                return
            if preparation is not None and preparation.process is not None:
                code = preparation.process.poll()
                if code is not None and code != 0:
                    return
                if code is None:
                    end = time.monotonic() + READY_SECONDS
            progress.beat((preparation.last_line() if preparation is not None else "") or "starting")
            self.supervisor.tend()
            self.signals.wait(READY_LOOK_SECONDS)
        if not self.signals.wanted():
            say(f"  {name} is not ready yet; see {shown(child.log)}. Everything else goes on.")

    def _tend_database(self) -> None:
        if self.database is not None and self.database.pid is None and not self.signals.wanted():
            say("The embedded database ended; it starts again.")
            self.database.start()
            say("The embedded database is back.")


def _start_database(database: EmbeddedPostgres | None) -> str:
    if database is None:
        return os.environ["DATABASE_URL"]
    progress = Progress("database")
    url = database.start()
    assert database.cluster is not None
    made = "made and started" if database.fresh else "started"
    progress.end(f"PostgreSQL {database.cluster.binaries.major} {made}")
    if database.set_aside is not None:
        say(f"  An older database was found and moved to {database.set_aside}.")
    if database.cluster.home is not None:
        say(f"  It lies in {database.cluster.data_dir} (see {shown(database.cluster.note)}).")
    return url


def _stamp() -> Path:
    """The file that says which schema, demo data and mail ports the database was last prepared for."""
    return make_var() / "prepared.json"


def _read(stamp: Path) -> dict[str, object]:
    try:
        return dict(json.loads(stamp.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return {}


def _desk_is_ready(port: int) -> bool:
    if not ports.answers(port):
        return False
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status != 503
    except OSError:
        return False
    finally:
        connection.close()


def _print_addresses(addresses: Addresses, seconds: float, database: EmbeddedPostgres | None) -> None:
    log = shown(make_var() / "log")
    where = "DATABASE_URL" if database is None or database.cluster is None else shown(database.cluster.data_dir)
    say(f"\nThe helpdesk is ready after {seconds:.1f} s.\n")
    say(f"  The desk            {addresses.desk_url}/")
    say(f"  Be a customer       {addresses.page_url}/   write to the company here and read its answers")
    say(f"  Customers' pages    {addresses.desk_url}/portal/   a customer's own tickets, after a code sent by mail")
    say(f"  Demo mail server    IMAP 127.0.0.1:{addresses.imap}, SMTP 127.0.0.1:{addresses.smtp}")
    say(f"  Logs                {log}/*.log          Database  {where}")
    accounts = _accounts()
    if accounts:
        say("\n  Sign in as")
        width = max(len(email) for email, _, _ in accounts)
        for email, password, role in accounts:
            say(f"    {email:<{width}}  {password}  ({role})")
    say("\nCtrl-C stops everything; the data stays.")


def _accounts() -> list[tuple[str, str, str]]:
    try:
        from demo.accounts import ACCOUNTS
    except ImportError:
        return []
    return [(account.email, account.password, account.role.replace("_", " ")) for account in ACCOUNTS]


def _say_stopping(signals: Signals) -> None:
    if signals.wanted():
        sys.stdout.write("\r\033[K" if sys.stdout.isatty() else "")  # the terminal's own ^C
        say("Stopping ... (Ctrl-C again hurries)")
