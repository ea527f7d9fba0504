"""`manage.py poll_mail [--mailbox NAME]`: one pass over all mailboxes."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from helpdesk.mail_poll import Passage, Poller
from helpdesk.models import Mailbox

log = logging.getLogger("helpdesk.mail")
_AT_ONCE = 8


class Command(BaseCommand):
    """A shell around helpdesk.mail_poll.Poller."""

    requires_system_checks = ()  # those of pages and API say nothing about mail and take longer than a pass
    help = "Fetches new mail from every active mailbox once and makes tickets of it."

    def add_arguments(self, parser: CommandParser) -> None:
        """One mailbox by name, or all."""
        parser.add_argument("--mailbox", metavar="NAME", help="only this mailbox")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fails when any mailbox failed; the others are polled all the same, each by a thread of its own."""
        boxes = Mailbox.objects.filter(is_active=True).exclude(imap_host="")
        if options["mailbox"]:
            boxes = boxes.filter(name=options["mailbox"])
            if not boxes:
                raise CommandError(f"There is no active mailbox named {options['mailbox']!r} with an IMAP server.")
        keys = [box.pk for box in boxes]
        failed = 0
        if len(keys) == 1:
            failed += self._tell(_pass(keys[0]), as_json=options["json"])
        elif keys:
            with ThreadPoolExecutor(min(_AT_ONCE, len(keys)), thread_name_prefix="mailbox") as pool:
                for done in as_completed([pool.submit(_pass_of_a_thread, key) for key in keys]):
                    failed += self._tell(done.result(), as_json=options["json"])
        if failed:
            raise CommandError(f"{failed} of {len(keys)} mailboxes could not be read.")

    def _tell(self, passage: Passage, *, as_json: bool) -> bool:
        """Prints a line; True when the mailbox failed."""
        words = passage.problem or ("another poller is at it" if passage.skipped else f"{passage.fetched} fetched")
        line = json.dumps(asdict(passage), ensure_ascii=False) if as_json else f"{passage.mailbox}: {words}"
        self.stdout.write(line)
        return bool(passage.problem)


def _pass(mailbox_id: int) -> Passage:
    poller = Poller(mailbox_id)
    try:
        return poller.poll()
    except Mailbox.DoesNotExist:
        return Passage(f"mailbox {mailbox_id}", skipped=True)  # deleted meanwhile
    finally:
        poller.close()


def _pass_of_a_thread(mailbox_id: int) -> Passage:
    try:
        return _pass(mailbox_id)
    except Exception as problem:
        log.exception("a pass failed", extra={"mailbox": mailbox_id})
        return Passage(f"mailbox {mailbox_id}", problem=f"{type(problem).__name__}: {problem}")
    finally:
        connection.close()
