"""A mailbox's cursor and health. The cursor moves in the transaction that stores the mails it passes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext_noop

from helpdesk import events, jobs
from helpdesk.logs import redacted
from helpdesk.mail.reasons import Reason, again, why
from helpdesk.mail.store import Fetched, store
from helpdesk.models import SYSTEM, Actor, Mailbox, RawMail, Verdict
from helpdesk.now import now

_ALERT_AFTER = 3
_LONGEST_WAIT_SECONDS = 900
#: A healthy idle mailbox notes its success this often, so that an empty poll writes nothing.
_NOTE_SUCCESS_EVERY = timedelta(minutes=5)
_LOCK_SPACE = 0x6D61696C  # "mail": the first half of the advisory lock's name, the mailbox's key is the second


@transaction.atomic
def store_batch(mailbox: Mailbox, fetched: Sequence[Fetched], *, uidvalidity: int) -> list[RawMail]:
    """Stores raw mails and moves the cursor behind them, in one commit."""
    rows = store(fetched, mailbox)
    for row, mail in zip(rows, fetched, strict=True):
        if mail.size > len(mail.content) > 0 and row.answered_at is None and row.state == RawMail.State.QUARANTINED:
            jobs.enqueue("helpdesk.tasks.tell_sender_of_oversized_mail", row.pk)
    mailbox.last_uid = max([mailbox.last_uid, *(f.uid for f in fetched if f.uid is not None)])
    mailbox.uidvalidity = uidvalidity
    if mailbox.after_fetch == Mailbox.AfterFetch.LEAVE:
        mailbox.tidied_uid = mailbox.last_uid  # nothing to do there, neither now nor when a manager changes his mind
    Mailbox.objects.filter(pk=mailbox.pk).update(
        last_uid=mailbox.last_uid, uidvalidity=uidvalidity, tidied_uid=mailbox.tidied_uid
    )
    return rows


def begin_numbering(mailbox: Mailbox, uidvalidity: int, *, after_uid: int, since_at: datetime | None) -> None:
    """The folder is looked at for the first time: mail up to `after_uid` is not ours to import, nor any from before `since_at`.

    Rows of another folder, or of an earlier look at this one, lose their numbers: known mail is recognised by its identity.
    """
    bound = RawMail.objects.filter(mailbox=mailbox, uid__isnull=False)
    if bound.exists():
        bound.update(uid=None, uidvalidity=None)
    mailbox.uidvalidity, mailbox.last_uid, mailbox.tidied_uid = uidvalidity, after_uid, after_uid
    mailbox.since_at = since_at
    if mailbox.import_existing == Mailbox.ImportExisting.EVERYTHING and since_at is None:
        return  # the first batch writes the same
    mailbox.save(update_fields=["uidvalidity", "last_uid", "tidied_uid", "since_at"])


def restart_numbering(mailbox: Mailbox, uidvalidity: int) -> None:
    """The server has numbered the folder anew: everything is listed again and known mail recognised by its identity."""
    mailbox.uidvalidity, mailbox.last_uid, mailbox.tidied_uid = uidvalidity, 0, 0
    Mailbox.objects.filter(pk=mailbox.pk).update(uidvalidity=uidvalidity, last_uid=0, tidied_uid=0)


def pass_over(mailbox: Mailbox, uid: int) -> None:
    """What has not been fetched up to `uid` is not ours. Nothing when the folder was changed meanwhile."""
    mailbox.last_uid = max(mailbox.last_uid, uid)
    Mailbox.objects.filter(pk=mailbox.pk, uidvalidity=mailbox.uidvalidity, last_uid__lt=uid).update(last_uid=uid)


def note_tidied(mailbox: Mailbox, uid: int) -> None:
    """Mail up to `uid` is marked or moved on the server. Nothing when the folder was changed meanwhile."""
    mailbox.tidied_uid = uid
    Mailbox.objects.filter(pk=mailbox.pk, uidvalidity=mailbox.uidvalidity, tidied_uid__lt=uid).update(tidied_uid=uid)


def not_tidied(mailbox: Mailbox, at_most: int) -> list[int]:
    """The lowest UIDs of mail that is here and not yet marked or moved on the server."""
    rows = RawMail.objects.filter(mailbox=mailbox, uidvalidity=mailbox.uidvalidity, uid__gt=mailbox.tidied_uid)
    uids = rows.filter(uid__lte=mailbox.last_uid).order_by("uid").values_list("uid", flat=True)[:at_most]
    return [uid for uid in uids if uid is not None]


def note_success(mailbox: Mailbox) -> None:
    """The mailbox answered. Writes only when there is news: after a failure, or every few minutes."""
    mailbox.next_poll_at = now() + timedelta(seconds=mailbox.poll_seconds)
    fresh = mailbox.last_success_at is not None and now() - mailbox.last_success_at < _NOTE_SUCCESS_EVERY
    if fresh and mailbox.failure_count == 0:
        return
    mailbox.last_success_at, mailbox.failure_count, mailbox.last_error, mailbox.alerted_at = now(), 0, "", None
    mailbox.save(update_fields=["last_success_at", "failure_count", "last_error", "alerted_at", "next_poll_at"])


@transaction.atomic
def note_failure(mailbox: Mailbox, problem: str) -> None:
    """The mailbox did not answer: backs off, and after three failures in a row tells the managers, once."""
    mailbox.failure_count += 1
    mailbox.last_error = redacted(problem)[:1000]
    wait = min(mailbox.poll_seconds * 2 ** (mailbox.failure_count - 1), _LONGEST_WAIT_SECONDS)
    mailbox.next_poll_at = now() + timedelta(seconds=wait)
    fields = ["failure_count", "last_error", "next_poll_at"]
    if mailbox.failure_count >= _ALERT_AFTER and mailbox.alerted_at is None:
        mailbox.alerted_at = now()
        fields.append("alerted_at")
        events.audit(SYSTEM, "mailbox.failing", mailbox, {"failures": mailbox.failure_count})
        jobs.enqueue("helpdesk.tasks.tell_managers_of_mailbox", mailbox.name, mailbox.last_error[:300])
    mailbox.save(update_fields=fields)


def try_lock(mailbox: Mailbox) -> bool:
    """Makes this connection the only poller of the mailbox; False when another one is. Ends with the connection at the latest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_SPACE, mailbox.pk])
        return bool(cursor.fetchone()[0])


def unlock(mailbox: Mailbox) -> None:
    """Lets others poll."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, mailbox.pk])


@transaction.atomic
def reprocess(rows: Sequence[RawMail]) -> int:
    """Puts quarantined mails back on their way; returns how many. Mails whose bytes are not here cannot be."""
    count = 0
    for row in rows:
        if row.state == RawMail.State.QUARANTINED and (row.blob or (row.size and len(row.raw or b"") == row.size)):
            row.state, row.verdict, row.attempts, row.next_attempt_at = RawMail.State.PENDING, "", 0, None
            row.save(update_fields=["state", "verdict", "attempts", "next_attempt_at"])
            jobs.enqueue("helpdesk.tasks.reprocess_mail", row.pk)
            count += 1
    return count


@transaction.atomic
def set_aside(rows: Sequence[RawMail], *, actor: Actor) -> int:
    """Takes mails out of quarantine for good: nobody has to look at them again. Their bytes stay. Returns how many."""
    count = 0
    for row in rows:
        was = again(row.reason, row.why)
        reason = Reason(
            gettext_noop("Set aside by %(name)s. It was in quarantine: %(reason)s"), name=actor.name, reason=was
        )
        set_aside = RawMail.objects.filter(pk=row.pk, state=RawMail.State.QUARANTINED).update(
            state=RawMail.State.DONE,
            verdict=Verdict.IGNORED,
            reason=reason[:2000],
            why=why(reason),
        )
        if set_aside:
            events.audit(actor, "rawmail.set_aside", row)
            count += 1
    return count
