"""The demo week becomes tickets: every turn goes through the action it would have gone through, at its own hour.

Called by `demo.seed` inside one transaction, so that no dispatcher ever sees an outbox row of the past before it is
noted as sent: nothing of the history leaves the house. Mail comes in by store and pipeline as an import, one parser
child for all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from demo.accounts import ACCOUNTS, HOME_TIME_ZONE, MAILBOXES, TEAMS, account_named
from demo.cast import CAST, CastMember, member
from demo.conversation import CUSTOMER
from demo.files import file_of
from demo.letters import Upload, Writer
from demo.seed_house import BLOCKED_ADDRESS, ISSUE_TYPES
from demo.seed_letters import (
    Said,
    absence_letter,
    first_letter,
    next_letter,
    returned_letter,
    stray_letter,
    unreadable_letter,
)
from demo.week import WEEK, Conversation, Turn
from helpdesk import blobs, events
from helpdesk.actions import lock
from helpdesk.actions.assignment import assign_ticket, move_ticket
from helpdesk.actions.conversation import note, reply
from helpdesk.actions.files import store_upload
from helpdesk.actions.intake import receive_contact
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.triage import classify_ticket
from helpdesk.mail import compose
from helpdesk.mail.store import Fetched, store
from helpdesk.mail.tokens import plus_address
from helpdesk.mail_pipeline import Pipeline
from helpdesk.models import (
    SYSTEM,
    Actor,
    ActorKind,
    Attachment,
    Customer,
    IssueType,
    Kind,
    Mailbox,
    Message,
    OutgoingMail,
    Priority,
    Queue,
    RawMail,
    Status,
    Ticket,
    User,
    Verdict,
)
from helpdesk.now import frozen, now

#: Written into RawMail.source; its presence says that the week is there.
SOURCE = "demo week"
_RULE = Actor(ActorKind.RULE, name="Sort by mailbox and words")
_ORDER = re.compile(r"\b77\d\d-\d{3}\b")
_SERIAL = re.compile(r"\b[A-Z]{2}\d-\d\d-\d{5}\b")
_SENT_AFTER = timedelta(seconds=14)
#: Resolved tickets close by themselves after four days: none of the week is so old that the first minute closes it.
_RESOLVED_AT_MOST = timedelta(hours=80)
#: In copy of the first mail of a conversation: customer and subject -> Cc.
_COPIES = {("jonas", "Zweiter Monitor bleibt am Halo Dock schwarz"): "Petra Lang <petra.lang@becker-planung.example>"}
_TWICE_DELIVERED, _ABSENT, _RETURNED = "hiroshi", "haoran", "khaled"


@dataclass
class _Case:
    """A conversation on its way to become a ticket."""

    conversation: Conversation
    person: CastMember
    opened_at: datetime
    ticket: Ticket | None = None
    said: Said | None = None
    first_mail: bytes = b""

    def at(self, hours: float) -> datetime:
        """The instant so many hours after the opening."""
        return self.opened_at + timedelta(hours=hours)

    @property
    def known(self) -> Ticket:
        assert self.ticket is not None
        return self.ticket


@dataclass(order=True)
class _Step:
    """One thing to do at one instant."""

    at: datetime
    number: int
    do: Callable[[], None] = field(compare=False)


class WeekSeeder:
    """Lays all steps of all conversations on one line of time and walks it. Use once, inside a transaction."""

    def __init__(self) -> None:
        self.end = now()
        self.steps: list[_Step] = []
        self.people = {user.email: Actor.of(user) for user in User.objects.filter(email__in=[a.email for a in ACCOUNTS])}
        self.queues = {queue.name: queue for queue in Queue.objects.select_related("team")}
        self.boxes = {box.address: box for box in Mailbox.objects.select_related("queue__team")}
        self.types = {(t.parent.name, t.name): t for t in IssueType.objects.select_related("parent") if t.parent}
        self.customers = {
            row.addresses.all()[0].value: row
            for row in Customer.objects.filter(addresses__value__in=[m.email for m in CAST])
            .distinct()
            .prefetch_related("addresses")
        }
        self.pipeline = Pipeline()

    def run(self) -> int:
        """Walks the week; returns the number of tickets made."""
        try:
            cases = [
                _Case(c, member(c.customer), self.end - timedelta(hours=c.hours_ago)) for c in WEEK
            ]
            for case in cases:
                self._plan(case)
            self._plan_strays(cases)
            for step in sorted(self.steps):
                with frozen(step.at):
                    step.do()
            self._check(cases)
            return len(cases)
        finally:
            self.pipeline.close()

    # --- laying the steps ---

    def _do(self, at: datetime, what: Callable[[], None]) -> None:
        self.steps.append(_Step(min(at, self.end - timedelta(seconds=1)), len(self.steps), what))

    def _plan(self, case: _Case) -> None:
        conversation = case.conversation
        first, *rest = conversation.turns
        self._do(case.opened_at, lambda: self._open(case, first))
        self._do(case.at(0.001), lambda: self._sort(case))
        last_public = max((t for t in rest if t.kind == "public" and t.author != CUSTOMER), key=lambda t: t.hours, default=None)
        owner_begins = min((t.hours for t in rest if account_is(t.author, conversation.owner)), default=None)
        if conversation.owner:
            begin = (owner_begins if owner_begins is not None else 0.5) - 0.05
            self._do(case.at(max(begin, 0.01)), lambda: self._take(case))
        for turn in rest:
            if turn.author == CUSTOMER:
                self._do(case.at(turn.hours), lambda turn=turn: self._customer_writes(case, turn))  # type: ignore[misc]
            elif turn.kind == "note":
                self._do(case.at(turn.hours), lambda turn=turn: self._note(case, turn))  # type: ignore[misc]
            else:
                ends = turn is last_public and turn is rest[-1] and conversation.status in {"resolved", "closed"}
                self._do(case.at(turn.hours), lambda turn=turn, ends=ends: self._reply(case, turn, ends))  # type: ignore[misc]
                self._do(case.at(turn.hours) + _SENT_AFTER, lambda: self._note_as_sent(case))
        self._plan_end(case)

    def _plan_end(self, case: _Case) -> None:
        status, last = case.conversation.status, case.at(case.conversation.turns[-1].hours)
        if status in {"resolved", "closed"}:
            resolved = max(last + timedelta(minutes=25), self.end - _RESOLVED_AT_MOST) if status == "resolved" else (
                last + timedelta(minutes=25)
            )  # fmt: skip
            self._do(resolved, lambda: self._become(case, Status.RESOLVED))
        if status == "closed":
            self._do(last + (self.end - last) / 2, lambda: self._become(case, Status.CLOSED))
        if status in {"on_hold", "snoozed", "spam"}:
            self._do(last + timedelta(minutes=6), lambda: self._become(case, Status(status)))

    def _plan_strays(self, cases: list[_Case]) -> None:
        """Mail that makes no ticket, so that the record of inbound mail has every fate to show."""
        by_key = {case.person.key: case for case in cases if case.conversation.status in {"new", "pending"}}
        twice, absent, returned = by_key[_TWICE_DELIVERED], by_key[_ABSENT], by_key[_RETURNED]
        support = self.boxes[MAILBOXES[0].address]
        returned = next(c for c in cases if c.person.key == _RETURNED and c.conversation.status == "pending")

        def again() -> None:
            self._arrive(twice.first_mail, support, Verdict.DUPLICATE)

        def away() -> None:
            assert absent.said is not None
            mail = absence_letter(absent.person, absent.said, now())
            self._arrive(mail, self._box(absent.conversation), Verdict.AUTO_REPLY)

        def came_back() -> None:
            assert returned.said is not None
            OutgoingMail.objects.filter(identifier=returned.said.identifier).update(told_at=now())
            mail = returned_letter(returned.person, returned.said, now())
            self._arrive(mail, self._box(returned.conversation), Verdict.BOUNCE)

        def settled() -> None:
            actor = self._actor(returned.conversation.owner)
            words = "Came back with 5.1.1. His provider lost some boxes last night; I sent him the same words by text message."
            note(ticket=returned.known, actor=actor, text=words)
            self._become(returned, Status.PENDING)

        def unwanted() -> None:
            text = "Your shop could be first in every search. Answer YES for a free report."
            letter = stray_letter(
                Writer("Rank Boost", BLOCKED_ADDRESS), to=support.address, subject="You are not on page one", text=text, at=now()
            )
            self._arrive(letter, support, Verdict.IGNORED)

        replied = [turn.hours for turn in absent.conversation.turns if turn.author != CUSTOMER and turn.kind == "public"]
        failed = [turn.hours for turn in returned.conversation.turns if turn.author != CUSTOMER and turn.kind == "public"]
        self._do(twice.at(0.03), again)
        self._do(absent.at(replied[0] + 0.02), away)
        self._do(returned.at(failed[-1] + 0.03), came_back)
        self._do(returned.at(failed[-1] + 0.4), settled)
        self._do(self.end - timedelta(hours=30), unwanted)
        self._do(
            self.end - timedelta(hours=20), lambda: self._arrive(unreadable_letter(), support, Verdict.QUARANTINED) and None
        )

    # --- the steps ---

    def _open(self, case: _Case, turn: Turn) -> None:
        conversation, person = case.conversation, case.person
        if conversation.channel != "mail":
            case.ticket = receive_contact(
                actor=SYSTEM,
                queue=self.queues[conversation.queue],
                customer=self.customers[person.email],
                subject=conversation.subject,
                text=turn.text,
                channel=conversation.channel,
                language=conversation.language,
                attachments=[self._form_file(upload) for upload in _uploads(turn, conversation)],
            )
            return
        box = self._box(conversation)
        case.first_mail = first_letter(
            person,
            to=box.address,
            subject=conversation.subject,
            text=turn.text,
            uploads=_uploads(turn, conversation),
            at=now(),
            cc=_COPIES.get((person.key, conversation.subject), ""),
        )
        case.ticket = self._arrive(case.first_mail, box, Verdict.TICKET).ticket

    def _sort(self, case: _Case) -> None:
        """What a rule makes of the first words: queue, priority, tags, kind of issue, order and serial number."""
        conversation = case.conversation
        case.ticket = move_ticket(ticket=case.known, actor=_RULE, queue=self.queues[conversation.queue])
        words = f"{conversation.subject} {conversation.turns[0].text}"
        found = {"order_number": _ORDER.search(words), "serial_number": _SERIAL.search(words)}
        case.ticket = classify_ticket(
            ticket=case.known,
            actor=_RULE,
            priority=Priority[conversation.priority.upper()],
            add_tags=conversation.tags,
            issue_type=self.types[conversation.queue, _issue(conversation)],
            fields={key: match[0] for key, match in found.items() if match},
        )

    def _take(self, case: _Case) -> None:
        """The owner takes the ticket; work that begins without a reply begins here."""
        actor = self._actor(case.conversation.owner)
        assert actor.user is not None
        case.ticket = assign_ticket(ticket=case.known, actor=actor, owner=actor.user)
        if not any(t.kind == "public" and t.author != CUSTOMER for t in case.conversation.turns):
            self._become(case, Status.OPEN)

    def _customer_writes(self, case: _Case, turn: Turn) -> None:
        assert case.said is not None, f"nobody has answered {case.conversation.subject!r} yet"
        mail = next_letter(
            case.person, case.said, text=turn.text, uploads=_uploads(turn, case.conversation), at=now()
        )
        case.ticket = self._arrive(mail, self._box(case.conversation), Verdict.REPLY).ticket

    def _note(self, case: _Case, turn: Turn) -> None:
        case.ticket = note(ticket=case.known, actor=self._actor(turn.author), text=turn.text).ticket

    def _reply(self, case: _Case, turn: Turn, ends: bool) -> None:
        actor = self._actor(turn.author)
        files = [
            store_upload(
                actor=actor, ticket=case.known, name=upload.name, content_type=upload.content_type, chunks=[upload.content]
            )
            for upload in _uploads(turn, case.conversation)
        ]
        then = Status.RESOLVED if ends else ""
        message = reply(ticket=case.known, actor=actor, text=turn.text, attachments=files, then_status=then)
        case.ticket = message.ticket

    def _note_as_sent(self, case: _Case) -> None:
        """Puts the newest reply's outbox row as the outbox leaves it after a delivery. Nothing is sent."""
        message = Message.objects.filter(ticket=case.known, outgoing__isnull=False).latest("created_at")
        outgoing = OutgoingMail.objects.select_related("mailbox", "ticket__customer", "message__author_user").get(
            message=message
        )
        mime = compose.build(outgoing, now())
        outgoing.mime, outgoing.mime_sha256 = mime, hashlib.sha256(mime).hexdigest()
        outgoing.state, outgoing.sent_at, outgoing.attempts = OutgoingMail.State.SENT, now(), 1
        outgoing.recipients = [{**r, "state": "sent", "answer": "250 2.0.0 Stored"} for r in outgoing.recipients]
        outgoing.save()
        data = {"message": message.pk, "outgoing": outgoing.pk, "recipients": len(outgoing.recipients), "may_be_doubled": False}
        events.record(lock(outgoing.ticket), Kind.DELIVERED, actor=SYSTEM, data=data)
        box = outgoing.mailbox
        case.said = Said(
            sender=f"{message.sender_name} ({box.from_name})",
            answer_to=plus_address(box.address, outgoing.ticket.number),
            mailbox=box.address,
            subject=outgoing.headers["Subject"],
            identifier=outgoing.identifier,
            references=tuple(re.findall(r"<([^>]+)>", outgoing.headers.get("References", ""))),
            text=compose.body_text(outgoing.message, box),
            at=now(),
            mime=mime,
        )

    def _become(self, case: _Case, status: Status) -> None:
        until = self._tomorrow_noon() if status == Status.SNOOZED else None
        owner = case.conversation.owner or _first_of_team(case.conversation.queue)
        case.ticket = set_status(ticket=case.known, actor=self._actor(owner), status=status, snoozed_until=until)

    # --- tools ---

    def _arrive(self, content: bytes, box: Mailbox, fate: Verdict) -> RawMail:
        """A mail comes in. RuntimeError when it meets another fate than the story says."""
        (row,) = store([Fetched(content, server_at=now(), source=SOURCE)], box, is_import=True)
        if row.state == RawMail.State.PENDING:
            self.pipeline.run([row])
        if row.verdict != fate:
            raise RuntimeError(f"The demo mail {row.subject!r} became {row.verdict}, not {fate}: {row.reason}")
        return row

    def _form_file(self, upload: Upload) -> Attachment:
        return Attachment.objects.create(
            name=upload.name,
            content_type=upload.content_type,
            size=len(upload.content),
            sha256=blobs.put(upload.content),
            created_at=now(),
        )

    def _actor(self, name: str) -> Actor:
        return self.people[account_named(name).email]

    def _box(self, conversation: Conversation) -> Mailbox:
        """German goes to hilfe@, money to billing@, the rest to support@."""
        support, billing, german = (self.boxes[box.address] for box in MAILBOXES)
        if conversation.queue == "Billing":
            return billing
        return german if conversation.language == "de" else support

    def _tomorrow_noon(self) -> datetime:
        home = self.end.astimezone(ZoneInfo(HOME_TIME_ZONE)) + timedelta(days=1)
        return home.replace(hour=12, minute=0, second=0, microsecond=0).astimezone(UTC)

    def _check(self, cases: list[_Case]) -> None:
        statuses = dict(Ticket.objects.filter(pk__in=[c.known.pk for c in cases]).values_list("pk", "status"))
        wrong = [c.conversation.subject for c in cases if statuses[c.known.pk] != c.conversation.status]
        if wrong:
            raise RuntimeError(f"The week ended otherwise than told: {wrong}")


def account_is(author: str, owner: str) -> bool:
    """Whether a turn is by the owner of its conversation."""
    return author == owner and bool(owner)


def _uploads(turn: Turn, conversation: Conversation) -> list[Upload]:
    return [Upload(name, *file_of(name, conversation.subject)) for name in turn.files]


def _issue(conversation: Conversation) -> str:
    """The kind of issue that the tags speak for; the first one of the queue where they say nothing."""
    by_tag = {
        "warranty": "Warranty", "how to": "How to use it", "refund": "Refund", "payment failed": "Payment",
        "charged twice": "Payment", "invoice": "Invoice", "damaged": "Wrong or damaged goods",
        "wrong item": "Wrong or damaged goods", "address change": "Change of order", "exchange": "Exchange",
    }  # fmt: skip
    choices = ISSUE_TYPES[conversation.queue]
    return next((by_tag[tag] for tag in conversation.tags if by_tag.get(tag) in choices), choices[0])


def _first_of_team(queue: str) -> str:
    team = next(team.name for team in TEAMS if queue in team.queues)
    return next(account.first_name for account in ACCOUNTS if team in account.teams and account.role == "agent")
