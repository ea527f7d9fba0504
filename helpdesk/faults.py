"""Fault points: named places where a test may kill, break or stall a process to prove that nothing is lost.

`HELPDESK_FAULT=mail_in.stored:kill` makes the first passage through that point end the process as kill -9 would; `:raise`
raises `InjectedFault`, `:sleep` stalls for a minute. Without the setting a point costs one comparison. Every declared
point is listed in POINTS, and a test proves that each is reached.
"""

from __future__ import annotations

import os
import signal
import time

from django.conf import settings

POINTS: dict[str, str] = {
    "mail_in.fetched": "the mails of a batch are in memory, nothing is written",
    "mail_in.stored": "raw mail and cursor are committed, nothing is parsed",
    "mail_in.parsed": "the batch is parsed, no ticket is written",
    "mail_in.written": "tickets and messages are written, the transaction is still open",
    "mail_in.done": "the batch is committed, marks on the server are still missing",
    "mail_out.leased": "the outbox row is leased, no connection yet",
    "mail_out.frozen": "the MIME text is frozen, nothing has been said to the server",
    "mail_out.recipients": "the server took the recipients, DATA has not begun",
    "mail_out.data": "the text is handed over, the server's answer is not yet known",
    "mail_out.accepted": "the server accepted, the row does not say so yet",
    "route.offered": "offers are written, the transaction is still open",
    "route.accepted": "an offer is accepted, the ticket has no owner yet and the transaction is still open",
    "route.expired": "missed offers are ended, the transaction is still open",
    "feed.numbered": "events have their positions, the transaction is still open",
}


class InjectedFault(RuntimeError):
    """Raised by a fault point set to `raise`."""


def point(name: str) -> None:
    """Marks the place `name`; does nothing unless HELPDESK_FAULT names it."""
    if not settings.FAULT:
        return
    wanted, _, what = settings.FAULT.partition(":")
    if wanted != name:
        return
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "sleep":
        time.sleep(60)
        return
    raise InjectedFault(f"fault injected at {name}")
