"""`manage.py audit_verify`: proves that the audit book was not altered."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from helpdesk.actions.feed import broken_link
from helpdesk.models import AuditEntry


class Command(BaseCommand):
    """A shell around helpdesk.actions.feed.broken_link."""

    help = "Checks the hash chain of the audit book from its first entry to its head and prints the head."

    def add_arguments(self, parser: CommandParser) -> None:
        """The head can be kept elsewhere and compared, which also shows a cut-off tail."""
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fails at the first entry that does not follow."""
        broken = broken_link()
        head = AuditEntry.objects.filter(position__isnull=False).order_by("-position").first()
        answer = {
            "entries": head.position if head else 0,
            "head": head.digest if head else "",
            "broken_at": broken.position if broken else None,
        }
        self.stdout.write(
            json.dumps(answer) if options["json"] else f"{answer['entries']} entries, head {answer['head']}"
        )
        if broken is not None:
            raise CommandError(f"Entry {broken.position} does not follow from the one before it: the book was altered.")
