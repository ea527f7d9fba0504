"""`manage.py dispatcher [--only ROLE …]`: runs the dispatcher until SIGTERM or Ctrl-C."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from helpdesk.checks import flow_is_whole
from helpdesk.dispatcher import ROLES, serve


class Command(BaseCommand):
    """A shell around helpdesk.dispatcher.serve."""

    requires_system_checks = ()  # of pages and API; what concerns the dispatcher is looked at below
    help = "Sends mail, watches mailboxes and runs the clocks. Several may run; each role is held by one of them."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--only` may be repeated."""
        parser.add_argument("--only", action="append", choices=ROLES, default=[], help="run this role only")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ends with 0 after a graceful stop."""
        problems = flow_is_whole(None)
        if problems:
            raise CommandError("\n".join(str(problem.msg) for problem in problems))
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        serve(options["only"], stop)
