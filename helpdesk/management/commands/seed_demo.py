"""`manage.py seed_demo`: the demo company's staff, customers, mailboxes and week. Changes nothing on a second run."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    """A shell around demo.seed."""

    help = (
        "Fills the database with a demo company: staff, teams, customers, mailboxes and a week of tickets. Sends nothing. "
        "A second run changes nothing but the ports of the demo mail server."
    )

    requires_system_checks: list[str] = []  # the pages are not needed, and reading them takes longer than seeding

    def add_arguments(self, parser: CommandParser) -> None:
        """How to report."""
        parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuses in production: the passwords of the accounts are public."""
        if settings.PRODUCTION:
            raise CommandError(
                "seed_demo makes accounts whose passwords are public and does not run with HELPDESK_ENV=production."
            )
        from demo.seed import accounts_to_print, seed

        done = seed()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(done)))
            return
        if not done.made and not done.tickets and not done.mailboxes_moved:
            self.stdout.write(f"Everything is there already ({done.tickets_in_all} tickets); nothing was changed.")
            return
        self.stdout.write(f"{done.made} rows of the house and {done.tickets} tickets were made.")
        if done.mailboxes_moved:
            self.stdout.write(f"{done.mailboxes_moved} mailboxes now point at the demo mail server's ports.")
        for email, password, role in accounts_to_print():
            self.stdout.write(f"  {email:<32} {password:<14} {role}")
