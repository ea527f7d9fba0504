"""`manage.py explain_route TICKET [--json]`: why a ticket went to whom, why it waits, and what would change that."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from helpdesk.models import SYSTEM, Ticket
from helpdesk.now import now
from routing.queries.why import Why, as_data, why_of


class Command(BaseCommand):
    """A shell around routing.queries.why."""

    help = "Explains the routing of a ticket: the decisions so far, and what it waits for at this moment."

    def add_arguments(self, parser: CommandParser) -> None:
        """The number people use, with or without its #."""
        parser.add_argument("ticket", metavar="TICKET", help="the ticket's number")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fails with a sentence where there is no such ticket."""
        number = str(options["ticket"]).lstrip("#")
        found = None
        if number.isdecimal() and len(number) < 19:  # by the system, as whoever has a shell on the server
            found = Ticket.objects.visible_to(SYSTEM).filter(number=int(number)).first()
        if found is None:
            raise CommandError(f"There is no ticket {options['ticket']}.")
        why = why_of(found, now())
        if options["json"]:
            self.stdout.write(json.dumps(as_data(why), cls=DjangoJSONEncoder, ensure_ascii=False))
            return
        self.stdout.write("\n".join(_lines(why)))


def _lines(why: Why) -> list[str]:
    lines = [f"#{why.ticket.number}  {why.queue}".rstrip(), why.said]
    lines += [line for line in (why.step, why.wait_said) if line]
    for title, words in (
        ("Agents of its queues:", [fact.words for fact in why.reasons]),
        ("Missing:", [f"{fact.words} ({fact.count})" for fact in why.missing]),
        ("Next:", [one.words for one in why.next_agents]),
        ("It would go at once if:", [fact.words for fact in why.changes]),
        ("Asked for:", [*why.because, *why.conflicts]),
        ("Left out:", why.unknown),
    ):
        if words:
            lines += [title, *(f"  - {word}" for word in words)]
    for one in why.decisions:
        told = ", ".join(part for part in (one.by_words, one.outcome_words) if part)
        lines.append(f"{one.at:%Y-%m-%d %H:%M:%S} {one.kind}: {one.name} ({told})")
        lines += [f"  {'>' if who.is_chosen else ' '} {who.name}  {who.words}" for who in one.candidates]
        lines += [f"  - {fact.words}" for fact in (*one.reasons, *one.missing)]
    return lines
