"""`manage.py seed_volume --tickets N`: many tickets by COPY, for benchmarks. Sends nothing."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

_TELL_EVERY_SECONDS = 2.0


class Command(BaseCommand):
    """A shell around helpdesk.management.volume."""

    help = "Adds made-up tickets with messages, events and customers by COPY, for benchmarks."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """How many, and how to report."""
        parser.add_argument("--tickets", type=int, required=True, metavar="N", help="how many tickets to add")
        parser.add_argument(
            "--messages-per-ticket", type=int, default=4, metavar="M", help="on average; 4 if not given"
        )
        parser.add_argument("--yes", action="store_true", help="in a production database, too")
        parser.add_argument("--json", action="store_true", help="one JSON object when done")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuses a production database unless told otherwise: what is added looks like real tickets and is not removed."""
        if settings.PRODUCTION and not options["yes"]:
            raise CommandError(
                "This is a production database, and made-up tickets cannot be told from real ones afterwards. "
                "Say --yes if you mean it."
            )
        if options["tickets"] < 1 or options["messages_per_ticket"] < 1:
            raise CommandError("--tickets and --messages-per-ticket take numbers from 1.")
        from helpdesk.management.volume import grow

        told = time.monotonic()

        def tell(done: int, every: int) -> None:
            nonlocal told
            if time.monotonic() - told >= _TELL_EVERY_SECONDS and not options["json"]:
                told = time.monotonic()
                self.stdout.write(f"  {done:,} of {every:,} tickets")
                self.stdout.flush()

        grown = grow(options["tickets"], options["messages_per_ticket"], tell)
        if options["json"]:
            self.stdout.write(json.dumps(asdict(grown)))
        else:
            self.stdout.write(
                f"{grown.tickets:,} tickets, {grown.messages:,} messages and {grown.events:,} events in {grown.seconds:.0f} s."
            )
