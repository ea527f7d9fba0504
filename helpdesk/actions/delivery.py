"""The outbox leaves: lease, freeze, hand over, note the outcome. Called by the dispatcher's outbox role.

Each row is leased with a fence that grows: a sender who was stopped for longer than its lease cannot overwrite what another
did meanwhile. Between `data_begun_at` and the noted answer a crash leaves it open whether the mail arrived: it goes again
with the same Message-ID and is marked as perhaps doubled. Nowhere else can a mail be sent twice.

Locks: the ticket before the outbox row, as everywhere. Leasing locks rows only.
"""

from __future__ import annotations

import hashlib
import logging
import random
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Count, Q

from helpdesk import events, faults
from helpdesk.actions import lock_ticket_of
from helpdesk.logs import correlated
from helpdesk.mail import compose
from helpdesk.mail.smtp import CannotSend, Outcome, Session
from helpdesk.models import SYSTEM, Kind, OutgoingMail, Ticket
from helpdesk.models.columns import write_columns
from helpdesk.now import now

log = logging.getLogger("helpdesk.outbox")
_BATCH = 20
_ATTEMPTS = 14
_FIRST_WAIT_SECONDS = 30
_LONGEST_WAIT_SECONDS = 4 * 3600
_NOTE_TRIES = 8
_DUE = ("queued", "deferred", "uncertain", "leased")
States = OutgoingMail.State


def deliver_due() -> int:
    """Leases what is due and sends it, mailbox by mailbox; returns how many rows were leased."""
    leased = lease_due()
    for mails in by_mailbox(leased).values():
        send_all(mails)
    return len(leased)


def by_mailbox(mails: Sequence[OutgoingMail]) -> dict[int, list[OutgoingMail]]:
    """The same rows, those of one mailbox together, since they share a connection."""
    grouped: dict[int, list[OutgoingMail]] = {}
    for outgoing in mails:
        grouped.setdefault(outgoing.mailbox_id, []).append(outgoing)
    return grouped


def lease_due(*, besides: Collection[int] = ()) -> list[OutgoingMail]:
    """Takes due rows for this sender alone, but none of the mailboxes `besides`.

    A lease that ran out means its sender died: the row is due again. One whose senders died each time is given up.
    """
    with transaction.atomic():
        rows = list(
            OutgoingMail.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(state__in=_DUE, due_at__lte=now())
            .exclude(mailbox__in=besides)
            .select_related("message__author_user", "message__ticket__customer", "mailbox", "ticket__customer")
            .order_by("due_at", "pk")[:_BATCH]
        )
        held = _over_the_limit(rows)
        to_hold = [row for row in rows if row.ticket_id in held and row.attempts == 0]
        to_end = [row for row in rows if row.attempts >= _ATTEMPTS]
        ready = [row for row in rows if row not in to_hold and row not in to_end]
        for row in ready:
            row.may_be_doubled = row.may_be_doubled or row.data_begun_at is not None
            row.state, row.due_at = States.LEASED, _lease_end()
            row.fence += 1
            row.attempts += 1
        write_columns(ready, ["state", "due_at", "fence", "attempts", "may_be_doubled"])
    for row in to_hold:
        _hold(row)
    for row in to_end:
        _give_up(row)
    return ready


def _lease_end() -> datetime:
    return now() + timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)


def _over_the_limit(rows: Sequence[OutgoingMail]) -> set[int]:
    """Tickets from which too many mails left within the hour, counting those now leaving."""
    since = now() - timedelta(hours=1)
    counts = (
        OutgoingMail.objects.filter(ticket__in={r.ticket_id for r in rows}, sent_at__gte=since)
        .values("ticket")
        .annotate(n=Count("pk"))
        .filter(n__gte=settings.OUTGOING_PER_TICKET_HOUR)
    )
    return {row["ticket"] for row in counts}


@transaction.atomic
def _hold(row: OutgoingMail) -> None:
    ticket = lock_ticket_of(row)
    reason = f"Held: more than {settings.OUTGOING_PER_TICKET_HOUR} mails left from this ticket within an hour."
    if _as_seen(row).update(state=States.HELD, last_error=reason) == 1:
        _failed(ticket, row, held=True)


@transaction.atomic
def _give_up(row: OutgoingMail) -> None:
    ticket = lock_ticket_of(row)
    reason = f"Given up after {row.attempts} attempts, the last of which ended its sender."
    if _as_seen(row).update(state=States.DEAD, last_error=row.last_error or reason) == 1:
        _failed(ticket, row)


def _as_seen(row: OutgoingMail) -> Any:
    return OutgoingMail.objects.filter(pk=row.pk, fence=row.fence, state=row.state)


def _failed(ticket: Ticket, row: OutgoingMail, *, held: bool = False) -> None:
    data = {"message": row.message_id, "outgoing": row.pk, "held": held}
    events.record(ticket, Kind.DELIVERY_FAILED, actor=SYSTEM, data=data)


def send_all(mails: Sequence[OutgoingMail], stopping: Callable[[], bool] = lambda: False) -> None:
    """Sends leased rows of one mailbox over one connection. What `stopping` leaves unsent is handed back at once."""
    faults.point("mail_out.leased")
    left = list(mails)
    try:
        with Session(mails[0].mailbox) as session:
            while left and not stopping():
                with correlated(left[0].correlation_id):
                    _send(left[0], session)
                left.pop(0)
    except CannotSend as problem:
        while left:
            _put_off(left.pop(0), problem.answer, permanent=problem.permanent)
    finally:
        if left:
            _hand_back(left)


def _hand_back(mails: Sequence[OutgoingMail]) -> None:
    """Rows nothing was said about are due again now, not when their lease ends."""
    try:
        for outgoing in mails:
            _mine(outgoing).filter(data_begun_at__isnull=True).update(state=States.QUEUED, due_at=now())
    except (DatabaseError, InterfaceError):
        connection.close()  # then the end of the lease brings them back


def _send(outgoing: OutgoingMail, session: Session) -> None:
    try:
        mime = _frozen(outgoing)
    except (DatabaseError, InterfaceError):
        raise
    except Exception as problem:
        log.exception("a mail could not be put together", extra={"outgoing": outgoing.pk})
        _put_off(outgoing, f"The mail could not be put together: {problem or type(problem).__name__}", permanent=True)
        return
    if mime is None:
        return
    faults.point("mail_out.frozen")
    try:
        outcome = session.send(
            outgoing.mailbox.address, list(compose.envelope(outgoing)), mime, lambda: _begin_data(outgoing)
        )
    except CannotSend as problem:
        _put_off(outgoing, problem.answer, permanent=problem.permanent)
        return
    faults.point("mail_out.accepted")
    _note_surely(outgoing, outcome)
    answer = {"identifier": outgoing.identifier, "accepted": outcome.accepted, "code": outcome.code}
    log.info("mail handed over", extra=answer)


def _mine(outgoing: OutgoingMail) -> Any:
    return OutgoingMail.objects.filter(pk=outgoing.pk, fence=outgoing.fence, state=States.LEASED)


def _frozen(outgoing: OutgoingMail) -> bytes | None:
    """The MIME text, made once and kept: every further attempt says the same bytes. None when the lease is lost."""
    if outgoing.mime is not None:
        return bytes(outgoing.mime) if _mine(outgoing).exists() else None
    mime = compose.build(outgoing, now())
    kept = _mine(outgoing).update(mime=mime, mime_sha256=hashlib.sha256(mime).hexdigest())
    return mime if kept == 1 else None


def _begin_data(outgoing: OutgoingMail) -> None:
    """From here on the mail may arrive. The lease begins anew, so that nobody else sends it while the server thinks."""
    if _mine(outgoing).update(data_begun_at=now(), due_at=_lease_end()) != 1:
        raise CannotSend("another sender took this mail over")


def _locked(outgoing: OutgoingMail) -> tuple[Ticket, OutgoingMail | None]:
    """The ticket, locked, and the row if the lease is still ours."""
    ticket = lock_ticket_of(outgoing)
    return ticket, _mine(outgoing).select_for_update(of=("self",)).first()


@transaction.atomic
def _put_off(outgoing: OutgoingMail, answer: str, *, permanent: bool) -> None:
    """The mail has certainly not arrived this time: tries again later, or gives up on a permanent refusal."""
    ticket, row = _locked(outgoing)
    if row is not None:
        row.data_begun_at = None  # an earlier doubt stands in may_be_doubled
        _fail_or_wait(ticket, row, answer, permanent=permanent)


def _fail_or_wait(ticket: Ticket, row: OutgoingMail, answer: str, *, permanent: bool) -> None:
    row.last_error = answer[:1000]
    if permanent or row.attempts >= _ATTEMPTS:
        row.state = States.DEAD
        row.recipients = [
            {**r, "state": "failed", "answer": r.get("answer") or answer[:300]}
            if r["state"] in {"waiting", "deferred"}
            else r
            for r in row.recipients
        ]
        row.save(update_fields=["state", "last_error", "recipients", "data_begun_at"])
        _failed(ticket, row)
        return
    row.state, row.due_at = States.DEFERRED, now() + wait_before(row.attempts + 1)
    row.save(update_fields=["state", "due_at", "last_error", "recipients", "data_begun_at"])


def wait_before(attempt: int) -> timedelta:
    """How long to wait before the given attempt (2 is the first repetition): doubling from 30 s to 4 h, with 25 % jitter."""
    seconds = min(_FIRST_WAIT_SECONDS * 2 ** (attempt - 2), _LONGEST_WAIT_SECONDS)
    return timedelta(seconds=seconds * random.uniform(0.75, 1.25))  # noqa: S311  # spreads load, guards nothing


def _note_surely(outgoing: OutgoingMail, outcome: Outcome) -> None:
    """An answer that is not written down makes the mail go twice: a database that restarts is waited for."""
    for n in range(_NOTE_TRIES):
        try:
            _note(outgoing, outcome)
        except (DatabaseError, InterfaceError):
            if n == _NOTE_TRIES - 1 or connection.in_atomic_block:
                raise
            log.warning("the outcome could not be noted yet", extra={"outgoing": outgoing.pk})
            connection.close()
            time.sleep(0.2 * 2**n)
        else:
            return


@transaction.atomic
def _note(outgoing: OutgoingMail, outcome: Outcome) -> None:
    """Writes what the server said into the row, if the lease is still ours."""
    ticket, row = _locked(outgoing)
    if row is None:
        if outcome.accepted:
            log.error("a stale sender delivered a mail", extra={"outgoing": outgoing.pk})
            OutgoingMail.objects.filter(pk=outgoing.pk).update(may_be_doubled=True)
        return
    if outcome.uncertain:
        row.state, row.due_at, row.last_error = States.UNCERTAIN, now() + wait_before(row.attempts + 1), outcome.answer
        row.save(update_fields=["state", "due_at", "last_error"])
        return
    row.data_begun_at = None
    known = {r["email"] for r in row.recipients if r["state"] == "failed"}
    row.recipients = [_after(r, outcome) for r in row.recipients]
    waiting = [r for r in row.recipients if r["state"] in {"waiting", "deferred"}]
    failed = [r for r in row.recipients if r["state"] == "failed"]
    sent = [r for r in row.recipients if r["state"] == "sent"]
    if waiting:
        answer = outcome.answer or waiting[0]["answer"] or "The server asked to try again later."
        _fail_or_wait(ticket, row, answer, permanent=outcome.code >= 500)
        if row.state == States.DEAD:
            return
    elif sent:
        row.state, row.sent_at = States.SENT, now()
        row.last_error = failed[0]["answer"] if failed else ""
        row.save(update_fields=["state", "sent_at", "last_error", "recipients", "data_begun_at"])
        data = {
            "message": row.message_id,
            "outgoing": row.pk,
            "recipients": len(sent),
            "may_be_doubled": row.may_be_doubled,
        }
        events.record(ticket, Kind.DELIVERED, actor=SYSTEM, data=data)
    else:
        row.state, row.last_error = States.DEAD, failed[0]["answer"] if failed else outcome.answer
        row.save(update_fields=["state", "last_error", "recipients", "data_begun_at"])
    if {r["email"] for r in failed} - known:
        _failed(ticket, row)  # at once, even while others are still waited for


def _after(recipient: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    """A recipient's state after the server's answer to his RCPT and to DATA."""
    if recipient["email"] not in outcome.recipients or recipient["state"] == "sent":
        return recipient
    code, text = outcome.recipients[recipient["email"]]
    if code >= 500:
        return {**recipient, "state": "failed", "answer": f"{code} {text}"[:300]}
    if code >= 400:
        return {**recipient, "state": "deferred", "answer": f"{code} {text}"[:300]}
    if outcome.accepted:
        return {**recipient, "state": "sent", "answer": outcome.answer[:300]}
    return {**recipient, "state": "deferred", "answer": f"{outcome.code} {outcome.answer}"[:300]}


def overdue() -> int:
    """How many rows wait longer than ten minutes past their time (health)."""
    return OutgoingMail.objects.filter(Q(state__in=_DUE), due_at__lt=now() - timedelta(minutes=10)).count()
