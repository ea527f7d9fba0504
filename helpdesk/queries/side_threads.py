"""Third parties one has written to before, offered while a recipient is typed. Called by views/side_threads.py."""

from __future__ import annotations

from helpdesk.models import SideThread, Ticket

_THREADS, _OFFERED = 100, 20


def known_third_parties(ticket: Ticket) -> list[str]:
    """Addresses of the newest side threads of tickets in the same queue, the latest first."""
    rows = SideThread.objects.filter(ticket__queue=ticket.queue_id).order_by("-at", "-pk")
    found: dict[str, None] = {}
    for recipients in rows.values_list("recipients", flat=True)[:_THREADS]:
        found.update(dict.fromkeys(str(person.get("email", "")) for person in recipients))
    return [email for email in found if email][:_OFFERED]
