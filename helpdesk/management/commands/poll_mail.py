"""`manage.py poll_mail [--mailbox NAME]`: one pass over all mailboxes."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from helpdesk.mail_poll import Poller
from helpdesk.models import Mailbox


class Command(BaseCommand):
    """A shell around helpdesk.mail_poll.Poller."""

    help = "Fetches new mail from every active mailbox once and makes tickets of it."

    def add_arguments(self, parser: CommandParser) -> None:
        """One mailbox by name, or all."""
        parser.add_argument("--mailbox", metavar="NAME", help="only this mailbox")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fails when any mailbox failed; the others are polled all the same."""
        boxes = Mailbox.objects.filter(is_active=True).exclude(imap_host="")
        if options["mailbox"]:
            boxes = boxes.filter(name=options["mailbox"])
            if not boxes:
                raise CommandError(f"There is no active mailbox named {options['mailbox']!r} with an IMAP server.")
        failed = 0
        for box in boxes:
            poller = Poller(box.pk)
            try:
                passage = poller.poll()
            finally:
                poller.close()
            failed += bool(passage.problem)
            if options["json"]:
                self.stdout.write(json.dumps(asdict(passage), ensure_ascii=False))
            else:
                words = passage.problem or (
                    "another poller is at it" if passage.skipped else f"{passage.fetched} fetched"
                )
                self.stdout.write(f"{passage.mailbox}: {words}")
        if failed:
            raise CommandError(f"{failed} of {len(boxes)} mailboxes could not be read.")
