"""Mail arrives: each parsed mail gets its fate, and the batch is written in one transaction.

Called by helpdesk.mail_pipeline (polling, reprocessing) and the import command. Decisions are those of mail/threading.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_noop

from helpdesk import blobs
from helpdesk.actions.bounces import take_bounce
from helpdesk.actions.ledger import Ledger, PendingEvent
from helpdesk.actions.mail_known import Known, sender_of
from helpdesk.actions.mail_sides import take_side_answer
from helpdesk.actions.recipients import our_addresses
from helpdesk.mail.authentication import Verdict as SenderCheck
from helpdesk.mail.authentication import evaluate
from helpdesk.mail.message import Address, MachineKind, ParsedMail
from helpdesk.mail.portal_links import without_tokens
from helpdesk.mail.reasons import Reason, why
from helpdesk.mail.threading import Placement, Pointer, Rule, mentioned_identifiers, place
from helpdesk.models import (
    SYSTEM,
    Actor,
    Attachment,
    Audience,
    Channel,
    Customer,
    Kind,
    LinkKind,
    Message,
    Participant,
    Queue,
    RawMail,
    Status,
    Ticket,
    Verdict,
    Verification,
)
from helpdesk.models.columns import write_columns
from helpdesk.now import now

_COPIES_AT_MOST = 20


@dataclass(frozen=True)
class Fate:
    """What became of a mail, and why in one English sentence, mostly a Reason, which pages translate."""

    verdict: Verdict
    reason: str
    ticket: Ticket | None = None
    rule: str = ""


@dataclass(frozen=True)
class _Arrival:
    """One mail with what was found out about its sender."""

    raw: RawMail
    mail: ParsedMail
    author: Address | None
    email: str
    check: SenderCheck
    keep_files: bool


@transaction.atomic
def receive_mails(*, mails: Sequence[tuple[RawMail, ParsedMail]], keep_files: bool = True) -> list[Fate]:
    """Gives each mail its fate, in order, and writes tickets, messages and events. `keep_files=False` for a dry run.

    Raises what the database raises; the caller then tries the mails one by one, so that one cannot hold up the others.
    """
    ours = our_addresses()
    known = Known.of([mail for _raw, mail in mails], ours)
    ledger = Ledger(now())
    fates = [_receive(_arrival(raw, mail, ours, keep_files), known, ledger) for raw, mail in mails]
    ledger.write()
    for (raw, mail), fate in zip(mails, fates, strict=True):
        raw.state = RawMail.State.QUARANTINED if fate.verdict == Verdict.QUARANTINED else RawMail.State.DONE
        raw.verdict, raw.reason, raw.ticket = fate.verdict, fate.reason, fate.ticket
        raw.why = why(fate.reason)
        raw.subject, raw.sender = mail.subject[:500], (mail.sender.email if mail.sender else "")[:320]
    write_columns([raw for raw, _mail in mails], ["state", "verdict", "reason", "why", "ticket", "subject", "sender"])
    return fates


def _arrival(raw: RawMail, mail: ParsedMail, ours: frozenset[str], keep_files: bool) -> _Arrival:
    author = sender_of(mail, ours)
    email = author.email.lower() if author else ""
    check = evaluate(
        mail.authentication_results,
        trusted_ids=settings.MAIL_TRUSTED_AUTHSERV_IDS,
        sender_domain=email.rpartition("@")[2],
    )
    return _Arrival(raw, mail, author, email, check.verdict, keep_files)


def _receive(arrival: _Arrival, known: Known, ledger: Ledger) -> Fate:
    raw, mail = arrival.raw, arrival.mail
    if mail.message_id in known.outgoing:
        return Fate(
            Verdict.IGNORED, Reason(gettext_noop("This is a mail of ours that came back to one of our own mailboxes."))
        )
    customer = known.customers.get(arrival.email)
    if customer is not None and customer.is_blocked:
        return Fate(Verdict.IGNORED, Reason(gettext_noop("The sender %(email)s is blocked."), email=arrival.email))
    if mail.bounce is not None:
        message = _message(arrival, None, ledger.at)
        joined = take_bounce(mail.bounce, message, known, ledger)
        if joined is None:
            return Fate(
                Verdict.BOUNCE,
                Reason(gettext_noop("A delivery report about a mail that is not known here; kept, nobody to tell.")),
            )
        _keep_files(arrival, message, ledger)
        return Fate(
            Verdict.BOUNCE, Reason(gettext_noop("A delivery report about a mail of this ticket.")), joined, "bounce"
        )
    thread = known.side_thread_at(mail, arrival.email) if arrival.check != SenderCheck.FAIL else None
    if thread is not None:
        message = _message(arrival, None, ledger.at)
        joined = take_side_answer(mail, thread, message, known, ledger)
        known.learn(joined, mail, set(), thread)
        ledger.refer(joined, [mail.message_id], message)
        _keep_files(arrival, message, ledger)
        reason = Reason(gettext_noop("It answers an exchange with a third party, and its sender belongs to that."))
        return Fate(Verdict.REPLY, reason, joined, str(message.origin["rule"]))
    placement = _place(arrival, known)
    if mail.machine in {MachineKind.AUTO_REPLY, MachineKind.RECEIPT} and placement.ticket is None:
        return Fate(
            Verdict.AUTO_REPLY,
            Reason(
                gettext_noop("An automatic reply (%(sign)s) that belongs to no ticket; kept here."),
                sign=mail.machine_reason,
            ),
        )
    if placement.ticket is not None:
        return _join(arrival, placement.ticket, placement, known, ledger)
    mailbox = raw.mailbox
    if mailbox is not None and mailbox.new_tickets_require_verified_sender and arrival.check == SenderCheck.FAIL:
        return Fate(
            Verdict.QUARANTINED,
            Reason(
                gettext_noop("The sender check of %(email)s failed, and this mailbox holds such mail."),
                email=arrival.email,
            ),
        )
    return _open(arrival, placement, known, ledger)


def _place(arrival: _Arrival, known: Known) -> Placement[Ticket]:
    mail = arrival.mail
    proven = arrival.check == SenderCheck.PASS
    found = list(known.pointers[id(mail)])
    if mail.message_id in known.by_identifier and mail.message_id not in known.seen_identifiers:
        # others mentioned this mail before it arrived: it belongs where they are
        found.append(Pointer(Rule.KNOWN_ID, identifier=mail.message_id))
    return place(
        mail,
        found,
        ticket_at=known.ticket_at,
        belongs=lambda ticket: known.belongs(ticket, arrival.email, proven=proven),
        is_closed=lambda ticket: ticket.status == Status.CLOSED,
        authentication_failed=arrival.check == SenderCheck.FAIL,
        is_staff=proven and arrival.email in known.staff,
    )


def _join(arrival: _Arrival, ticket: Ticket, placement: Placement[Ticket], known: Known, ledger: Ledger) -> Fate:
    mail = arrival.mail
    rule = str(placement.rule)
    origin = {"rule": rule, "identifier": placement.identifier}
    is_machine = mail.machine not in {MachineKind.HUMAN, MachineKind.LIST}
    if not is_machine and arrival.email not in known.belonging[id(ticket)] and arrival.email in known.staff:
        user, _teams = known.staff[arrival.email]
        message = _message(arrival, None, ledger.at, origin, audience=Audience.INTERNAL)
        message.author_user = user
        ledger.say(ticket, message)
        ledger.events.append(PendingEvent(ticket, Kind.NOTED, Actor.of(user), {}, message))
        _remember(arrival, ticket, message, known, ledger)
        because = Reason(gettext_noop("A colleague answered by mail; it is kept as an internal note."))
        return Fate(Verdict.REPLY, because, ticket, rule)
    customer = _customer(arrival, known, ledger)
    if is_machine:
        message = _message(arrival, customer, ledger.at, origin, audience=Audience.INTERNAL)
        ledger.say(ticket, message)
        data = {"machine": str(mail.machine), "rule": rule}
        ledger.events.append(PendingEvent(ticket, Kind.MACHINE_MAIL, SYSTEM, data, message))
        _remember(arrival, ticket, message, known, ledger)
        because = Reason(gettext_noop("Automatic mail (%(sign)s); it changes nothing."), sign=mail.machine_reason)
        return Fate(Verdict.AUTO_REPLY, because, ticket, rule)
    message = _message(arrival, customer, ledger.at, origin)
    ledger.customer_wrote(ticket, message, Actor.of_customer(customer), rule)
    _remember(arrival, ticket, message, known, ledger)
    if arrival.check == SenderCheck.PASS:
        _add_copies(arrival, ticket, customer, known, ledger, message.created_at)
    return Fate(Verdict.REPLY, Reason(_REASONS[placement.rule]), ticket, rule)


def _open(arrival: _Arrival, placement: Placement[Ticket], known: Known, ledger: Ledger) -> Fate:
    mail, mailbox = arrival.mail, arrival.raw.mailbox
    rule = placement.rule
    customer = None
    if arrival.check == SenderCheck.PASS and arrival.email in known.staff and mail.forwarded and mail.forwarded.sender:
        customer = _person(mail.forwarded.sender, known, ledger, mail.language_hint)
        rule = Rule.FORWARDED
    customer = customer or _customer(arrival, known, ledger)
    twin = known.seen_identifiers.get(mail.message_id) if mail.message_id else None
    origin = {"rule": str(rule), "identifier": placement.identifier}
    if twin is not None:
        origin["same_id"] = "1"
    if mail.return_path == "":
        origin["null_path"] = "1"  # no bounce by itself, but nothing that may be answered by a machine (RFC 3834 2)
    if rule == Rule.FORWARDED and arrival.author is not None:
        origin["forwarded_by"] = arrival.email
    message = _message(arrival, customer, ledger.at, origin)
    ticket = ledger.open_ticket(
        customer=customer,
        message=message,
        queue=mailbox.queue if mailbox else _default_queue(),
        mailbox=mailbox,
        channel=Channel.MAIL,
        subject=mail.subject[:500],
        language=(customer.language or mail.language_hint or (mailbox.language if mailbox else ""))[:10],
    )
    data = {"channel": str(Channel.MAIL), "rule": str(rule), "queue": ticket.queue_id}
    ledger.events.append(PendingEvent(ticket, Kind.OPENED, Actor.of_customer(customer), data, message))
    _remember(arrival, ticket, message, known, ledger)
    if arrival.check != SenderCheck.FAIL:
        _add_copies(arrival, ticket, customer, known, ledger, message.created_at)
    if placement.related is not None:
        kind = LinkKind.FOLLOW_UP if placement.rule == Rule.TICKET_CLOSED else LinkKind.POSSIBLE_FOLLOW_UP
        ledger.link(ticket, placement.related, kind, SYSTEM)
    if twin is not None and twin is not ticket:
        ledger.link(ticket, twin, LinkKind.TWIN, SYSTEM)
    return Fate(Verdict.TICKET, Reason(_REASONS[rule]), ticket, str(rule))


_REASONS: dict[Rule, str] = {
    Rule.PLUS_ADDRESS: gettext_noop("The signed reply address names this ticket, and the sender belongs to it."),
    Rule.SIGNED_ID: gettext_noop("It answers a mail we sent from this ticket, and the sender belongs to it."),
    Rule.KNOWN_ID: gettext_noop("It refers to a mail of this ticket, and the sender belongs to it."),
    Rule.SUBJECT_TAG: gettext_noop("The subject names this ticket, and the sender belongs to it."),
    Rule.NEW: gettext_noop("It refers to nothing known: a new ticket."),
    Rule.FORWARDED: gettext_noop("A forwarded mail opens a ticket of its own."),
    Rule.STRANGER: gettext_noop("It points at a ticket its sender does not belong to: a ticket of its own, linked."),
    Rule.FAILED_SENDER: gettext_noop(
        "It points at a ticket, but the sender check failed: a ticket of its own, linked."
    ),
    Rule.TICKET_CLOSED: gettext_noop("Its ticket is closed: a linked follow-up."),
}


def _customer(arrival: _Arrival, known: Known, ledger: Ledger) -> Customer:
    if arrival.author is None:
        return ledger.new_customer(email="", name="?", organisation=None, language=arrival.mail.language_hint)
    return _person(arrival.author, known, ledger, arrival.mail.language_hint)


def _person(author: Address, known: Known, ledger: Ledger, language: str = "") -> Customer:
    email = author.email.lower()[:320]
    customer = known.customers.get(email)
    if customer is None:
        organisation = known.organisations.get(email.rpartition("@")[2])
        customer = ledger.new_customer(email=email, name=author.name, organisation=organisation, language=language)
        if email:
            known.customers[email] = customer
    return customer


def _add_copies(
    arrival: _Arrival, ticket: Ticket, customer: Customer, known: Known, ledger: Ledger, since: datetime
) -> None:
    """People in To and Cc may answer from now on. They may read what is said from `since` on, the mail that named them."""
    belonging = known.belonging[id(ticket)]
    for person in [*arrival.mail.to, *arrival.mail.cc][:_COPIES_AT_MOST]:
        email = person.email.lower()
        if "@" not in email or email in belonging or email in known.staff or _is_ours(email, known.ours):
            continue
        joined = _person(person, known, ledger)
        belonging.add(email)
        if joined is not customer:
            ledger.participants.append(Participant(ticket=ticket, customer=joined, added_at=since))


def _is_ours(email: str, ours: frozenset[str]) -> bool:
    local, _at, domain = email.partition("@")
    return email in ours or f"{local.partition('+')[0]}@{domain}" in ours


def _message(
    arrival: _Arrival,
    customer: Customer | None,
    at: datetime,
    origin: dict[str, str] | None = None,
    audience: str = Audience.PUBLIC,
) -> Message:
    mail, raw = arrival.mail, arrival.raw
    received = min(raw.server_at or at, at)
    if raw.is_import and raw.server_at is None and mail.date is not None:
        received = min(max(mail.date, datetime(1990, 1, 1, tzinfo=UTC)), at)
    recipients = [
        {"kind": kind, "email": a.email[:320], "name": a.name[:200]}
        for kind, people in (("to", mail.to), ("cc", mail.cc), ("reply_to", mail.reply_to))
        for a in people[:100]
    ]
    return Message(
        audience=audience,
        channel=Channel.MAIL,
        author_customer=customer,
        sender_name=(arrival.author.name if arrival.author else "")[:200],
        sender_email=arrival.email[:320],
        recipients=recipients,
        subject=mail.subject[:500],
        text=without_tokens(mail.text),
        reply_text=without_tokens(mail.reply_text),
        signature=mail.signature,
        html=without_tokens(mail.html),
        reply_html=without_tokens(mail.reply_html),
        has_remote_content=mail.has_remote_content,
        message_id=mail.message_id[:998],
        machine=str(mail.machine),
        verification=_VERIFICATION[arrival.check],
        origin=origin or {},
        raw_mail=raw,
        sent_at=mail.date,
        created_at=received,
    )


_VERIFICATION = {
    SenderCheck.PASS: Verification.PASS,
    SenderCheck.FAIL: Verification.FAIL,
    SenderCheck.NONE: Verification.NONE,
}


def _remember(arrival: _Arrival, ticket: Ticket, message: Message, known: Known, ledger: Ledger) -> None:
    mail = arrival.mail
    ledger.refer(ticket, [mail.message_id], message)
    ledger.refer(ticket, [i for i in mentioned_identifiers(mail) if i not in known.by_identifier], None)
    known.learn(ticket, mail, {arrival.email} - {""})
    _keep_files(arrival, message, ledger)


def _keep_files(arrival: _Arrival, message: Message, ledger: Ledger) -> None:
    for part in arrival.mail.attachments:
        ledger.attachments.append(
            Attachment(
                message=message,
                name=part.name[:255],
                content_type=part.content_type[:150],
                size=part.size,
                sha256=blobs.put(part.content) if arrival.keep_files else "0" * 64,
                content_id=part.content_id[:998],
                is_inline=part.inline,
                created_at=ledger.at,
            )
        )


def _default_queue() -> Queue:
    queue = Queue.objects.filter(is_active=True).first()
    if queue is None:
        raise Queue.DoesNotExist("Make a queue first: imported mail without a mailbox needs one to stand in.")
    return queue
