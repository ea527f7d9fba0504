"""The processes of the house with their commands and environment, as `make run` starts them (docs/operations.md: as
you may).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from launch import LaunchError, environment, ports
from launch.places import VENV_PYTHON, var
from launch.say import say
from launch.supervisor import Program

WANTED_PORTS = {
    "HELPDESK_PORT": ("the desk", 8000),
    "HELPDESK_DEMO_PAGE_PORT": ("the customer's page", 8026),
    "HELPDESK_DEMO_IMAP_PORT": ("demo mail, IMAP", 8143),
    "HELPDESK_DEMO_SMTP_PORT": ("demo mail, SMTP", 8025),
}


@dataclass(frozen=True)
class Addresses:
    """The ports that everything listens on, all on loopback."""

    desk: int
    page: int
    imap: int
    smtp: int

    @property
    def desk_url(self) -> str:
        """Where the desk is reached; 127.0.0.1 serves it too, as another origin."""
        return f"http://localhost:{self.desk}"

    @property
    def page_url(self) -> str:
        """Where one plays the customer."""
        return f"http://localhost:{self.page}"


def choose_ports() -> Addresses:
    """The wanted ports, or the next free ones, saying so. The variables of WANTED_PORTS name others."""
    chosen: list[int] = []
    for variable, (what, default) in WANTED_PORTS.items():
        given = os.environ.get(variable) or str(default)
        if not given.isdigit() or not 0 < int(given) < 65536:
            raise LaunchError(f"{variable}={given!r} is not a port: set it to a number from 1 to 65535.")
        port = ports.choose(int(given), chosen)
        if port != int(given):
            say(f"  Port {given} ({what}) is taken: using {port}.")
        chosen.append(port)
    return Addresses(*chosen)


def house_env(addresses: Addresses, database_url: str) -> dict[str, str]:
    """The variables that every process of the demo house gets besides our own environment."""
    return {
        "HELPDESK_ENV": "demo",
        "HELPDESK_DATA_DIR": str(var()),
        "HELPDESK_SECRET_KEY": environment.secret_key(),
        "HELPDESK_BASE_URL": addresses.desk_url,
        "HELPDESK_DEMO_DESK_URL": addresses.desk_url,
        "HELPDESK_DEMO_IMAP_PORT": str(addresses.imap),
        "HELPDESK_DEMO_SMTP_PORT": str(addresses.smtp),
        "HELPDESK_DEMO_PAGE_PORT": str(addresses.page),
        "DATABASE_URL": database_url,
    }


def prepare(env: Mapping[str, str], arguments: list[str]) -> Program:
    """Migrations and demo data, in one process that ends."""
    return Program("prepare", [str(VENV_PYTHON), "-m", "launch.prepare", *arguments], env)


def mail_server(env: Mapping[str, str]) -> Program:
    """The demo's IMAP and SMTP server and the customer's page."""
    return Program("demo-mail", [str(VENV_PYTHON), "-m", "demo.mailserver"], env)


def house(env: Mapping[str, str], addresses: Addresses) -> list[Program]:
    """Web, worker and dispatcher. Connections are pooled in web only: a pool does not survive q2's forks."""
    python = str(VENV_PYTHON)
    # without daphne's own access log: it writes whole addresses, the keys of links among them; ours has the paths
    server = [python, "-m", "daphne", "--access-log", "/dev/null", "-b", "127.0.0.1"]
    web = [*server, "-p", str(addresses.desk), "helpdesk.asgi:application"]
    return [
        Program("web", web, {"HELPDESK_DATABASE_POOL": "1", **env}),
        Program("worker", [python, "manage.py", "qcluster"], env),
        Program("dispatcher", [python, "manage.py", "dispatcher"], env),
    ]
