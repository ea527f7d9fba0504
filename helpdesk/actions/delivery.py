"""The outbox leaves: lease, freeze, hand over, note the outcome. Called by the dispatcher's outbox role.

Each row is leased with a fence that grows: a sender who was stopped for longer than its lease cannot overwrite what another
did meanwhile. Between `data_begun_at` and the noted answer a crash leaves it open whether the mail arrived: it goes again
with the same Message-ID and is marked as perhaps doubled. Nowhere else can a mail be sent twice.
"""

from __future__ import annotations

import hashlib
import logging
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q

from helpdesk import events, faults
from helpdesk.actions import lock
from helpdesk.blobs import BlobMissing
from helpdesk.mail import compose
from helpdesk.mail.smtp import CannotSend, Outcome, Session
from helpdesk.models import SYSTEM, Kind, OutgoingMail
from helpdesk.models.columns import write_columns
from helpdesk.now import now

log = logging.getLogger("helpdesk.outbox")
_BATCH = 20
_ATTEMPTS = 14
_FIRST_WAIT_SECONDS = 30
_LONGEST_WAIT_SECONDS = 4 * 3600
_DUE = ("queued", "deferred", "uncertain", "leased")
States = OutgoingMail.State


def deliver_due() -> int:
    """Leases what is due and sends it, mailbox by mailbox; returns how many rows were leased."""
    leased = lease_due()
    by_mailbox: dict[int, list[OutgoingMail]] = {}
    for outgoing in leased:
        by_mailbox.setdefault(outgoing.mailbox_id, []).append(outgoing)
    for mails in by_mailbox.values():
        _send_all(mails)
    return len(leased)


@transaction.atomic
def lease_due() -> list[OutgoingMail]:
    """Takes due rows for this sender alone. A lease that ran out means its sender died: the row is due again."""
    rows = list(
        OutgoingMail.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(state__in=_DUE, due_at__lte=now())
        .select_related("message__author_user", "message__ticket__customer", "mailbox", "ticket__customer")
        .order_by("due_at", "pk")[:_BATCH]
    )
    held = _over_the_limit(rows)
    ready: list[OutgoingMail] = []
    for row in rows:
        if row.ticket_id in held and row.attempts == 0:
            _hold(row)
            continue
        row.may_be_doubled = row.may_be_doubled or row.data_begun_at is not None
        row.state, row.due_at = States.LEASED, _lease_end()
        row.fence += 1
        row.attempts += 1
        ready.append(row)
    write_columns(ready, ["state", "due_at", "fence", "attempts", "may_be_doubled"])
    return ready


def _lease_end() -> datetime:
    return now() + timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)


def _over_the_limit(rows: Sequence[OutgoingMail]) -> set[int]:
    since = now() - timedelta(hours=1)
    counts = (
        OutgoingMail.objects.filter(ticket__in={r.ticket_id for r in rows}, sent_at__gte=since)
        .values("ticket")
        .annotate(n=Count("pk"))
        .filter(n__gte=settings.OUTGOING_PER_TICKET_HOUR)
    )
    return {row["ticket"] for row in counts}


def _hold(row: OutgoingMail) -> None:
    row.state = States.HELD
    row.last_error = f"Held: more than {settings.OUTGOING_PER_TICKET_HOUR} mails left from this ticket within an hour."
    row.save(update_fields=["state", "last_error"])
    data = {"message": row.message_id, "outgoing": row.pk, "held": True}
    events.record(lock(row.ticket), Kind.DELIVERY_FAILED, actor=SYSTEM, data=data)


def _send_all(mails: Sequence[OutgoingMail]) -> None:
    faults.point("mail_out.leased")
    try:
        with Session(mails[0].mailbox) as session:
            for outgoing in mails:
                _send(outgoing, session)
    except CannotSend as problem:
        for outgoing in mails:
            _put_off(outgoing, problem.answer, permanent=problem.permanent)


def _send(outgoing: OutgoingMail, session: Session) -> None:
    try:
        mime = _frozen(outgoing)
    except (BlobMissing, ValueError) as problem:
        _put_off(outgoing, f"The mail could not be put together: {problem}", permanent=True)
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
    _note(outgoing, outcome)


def _mine(outgoing: OutgoingMail) -> Any:
    return OutgoingMail.objects.filter(pk=outgoing.pk, fence=outgoing.fence, state=States.LEASED)


def _frozen(outgoing: OutgoingMail) -> bytes | None:
    """The MIME text, made once and kept: every further attempt says the same bytes. None when the lease is lost."""
    if outgoing.mime is not None:
        return bytes(outgoing.mime)
    mime = compose.build(outgoing, now())
    kept = _mine(outgoing).update(mime=mime, mime_sha256=hashlib.sha256(mime).hexdigest())
    return mime if kept == 1 else None


def _begin_data(outgoing: OutgoingMail) -> None:
    if _mine(outgoing).update(data_begun_at=now()) != 1:
        raise CannotSend("another sender took this mail over")


@transaction.atomic
def _put_off(outgoing: OutgoingMail, answer: str, *, permanent: bool) -> None:
    """Tries again later, with back-off and jitter; gives up on a permanent refusal or after the last attempt."""
    row = _mine(outgoing).select_for_update().first()
    if row is None or row.data_begun_at is not None:
        return  # the mail may be with the server: the end of the lease decides, never this
    _fail_or_wait(row, answer, permanent=permanent)


def _fail_or_wait(row: OutgoingMail, answer: str, *, permanent: bool) -> None:
    row.last_error = answer[:1000]
    if permanent or row.attempts >= _ATTEMPTS:
        row.state = States.DEAD
        row.recipients = [
            {**r, "state": "failed", "answer": r.get("answer") or answer[:300]}
            if r["state"] in {"waiting", "deferred"}
            else r
            for r in row.recipients
        ]
        row.save(update_fields=["state", "last_error", "recipients"])
        data = {"message": row.message_id, "outgoing": row.pk, "held": False}
        events.record(lock(row.ticket), Kind.DELIVERY_FAILED, actor=SYSTEM, data=data)
        return
    row.state, row.due_at = States.DEFERRED, now() + wait_before(row.attempts + 1)
    row.save(update_fields=["state", "due_at", "last_error", "recipients"])


def wait_before(attempt: int) -> timedelta:
    """How long to wait before the given attempt (2 is the first repetition): doubling from 30 s to 4 h, with 25 % jitter."""
    seconds = min(_FIRST_WAIT_SECONDS * 2 ** (attempt - 2), _LONGEST_WAIT_SECONDS)
    return timedelta(seconds=seconds * random.uniform(0.75, 1.25))  # noqa: S311  # spreads load, guards nothing


@transaction.atomic
def _note(outgoing: OutgoingMail, outcome: Outcome) -> None:
    """Writes what the server said into the row, if the lease is still ours."""
    row = _mine(outgoing).select_for_update(of=("self",)).select_related("ticket").first()
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
    row.recipients = [_after(r, outcome) for r in row.recipients]
    waiting = [r for r in row.recipients if r["state"] in {"waiting", "deferred"}]
    failed = [r for r in row.recipients if r["state"] == "failed"]
    sent = [r for r in row.recipients if r["state"] == "sent"]
    row.save(update_fields=["data_begun_at", "recipients"])
    if waiting:
        answer = outcome.answer or waiting[0]["answer"] or "The server asked to try again later."
        _fail_or_wait(row, answer, permanent=outcome.code >= 500)
        return
    ticket = lock(row.ticket)
    if sent:
        row.state, row.sent_at, row.last_error = States.SENT, now(), ""
        data = {
            "message": row.message_id,
            "outgoing": row.pk,
            "recipients": len(sent),
            "may_be_doubled": row.may_be_doubled,
        }
        events.record(ticket, Kind.DELIVERED, actor=SYSTEM, data=data)
    else:
        row.state, row.last_error = States.DEAD, failed[0]["answer"] if failed else outcome.answer
    row.save(update_fields=["state", "sent_at", "last_error"])
    if failed:
        data = {"message": row.message_id, "outgoing": row.pk, "held": False}
        events.record(ticket, Kind.DELIVERY_FAILED, actor=SYSTEM, data=data)


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
