"""The demo week becomes tickets: every turn goes through the action it would have gone through, at its own hour.

Called by `demo.seed` inside one transaction, so that no dispatcher ever sees an outbox row of the past before it is
noted as sent: nothing of the history leaves the house. Mail comes in by store and pipeline as imported mail does, one
parser child for all.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from demo.accounts import ACCOUNTS, HOME_TIME_ZONE, MAILBOXES, account_named
from demo.cast import CAST, member
from demo.conversation import CUSTOMER
from demo.letters import Upload, Writer
from demo.seed_case import Arrival, Case, Step, answered_after, first_of_team, issue_of, said_last, uploads_of
from demo.seed_history import note_as_sent, set_hours
from demo.seed_house import BLOCKED_ADDRESS
from demo.seed_letters import (
    absence_letter,
    first_letter,
    next_letter,
    returned_letter,
    stray_letter,
    unreadable_letter,
)
from demo.seed_together import work_together
from demo.week import WEEK, Conversation, Turn
from helpdesk import blobs
from helpdesk.actions.assignment import assign_ticket, move_ticket
from helpdesk.actions.conversation import note, reply
from helpdesk.actions.files import store_upload
from helpdesk.actions.intake import receive_contact
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.triage import classify_ticket
from helpdesk.mail.store import Fetched, store
from helpdesk.mail_pipeline import Pipeline
from helpdesk.models import (
    SYSTEM,
    Actor,
    ActorKind,
    Attachment,
    CustomerAddress,
    IssueType,
    Mailbox,
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
#: Whose mail is delivered twice, who is away, whose server returns our reply: customer and status of the conversation.
_TWICE, _ABSENT, _RETURNED = ("hiroshi", "new"), ("haoran", "pending"), ("khaled", "pending")


class WeekSeeder:
    """Lays the steps of each conversation on its line of time and walks all lines. Use once, inside a transaction.

    Mail comes in by batches, one of each conversation at a time, because a batch costs little more than one mail: the
    clock then stands at the end of the week, and the hours of what the batch wrote are set after it.
    """

    def __init__(self) -> None:
        self.end = now()
        self.people = {
            user.email: Actor.of(user) for user in User.objects.filter(email__in=[a.email for a in ACCOUNTS])
        }
        self.queues = {queue.name: queue for queue in Queue.objects.select_related("team")}
        self.boxes = {box.address: box for box in Mailbox.objects.select_related("queue__team")}
        self.types = {(t.parent.name, t.name): t for t in IssueType.objects.select_related("parent") if t.parent}
        addresses = CustomerAddress.objects.filter(value__in=[m.email for m in CAST]).select_related("customer")
        self.customers = {address.value: address.customer for address in addresses}
        self.cases = [Case(c, member(c.customer), self.end - timedelta(hours=c.hours_ago)) for c in WEEK]
        self.pipeline = Pipeline()

    def run(self) -> int:
        """Walks the week; returns the number of tickets made."""
        try:
            for case in self.cases:
                self._plan(case)
            self._plan_strays()
            for case in self.cases:
                case.steps.sort(key=lambda step: step.at)
            while any(case.steps for case in self.cases):
                self._walk_to_the_next_mails()
            work_together(self.end)
            self._check()
            return len(self.cases)
        finally:
            self.pipeline.close()

    def _walk_to_the_next_mails(self) -> None:
        mails: list[tuple[Case, Step, Arrival]] = []
        for case in self.cases:
            while case.steps and not isinstance(case.steps[0].do, Arrival):
                step = case.steps.pop(0)
                assert not isinstance(step.do, Arrival)
                with frozen(step.at):
                    step.do()
            if case.steps:
                step = case.steps.pop(0)
                assert isinstance(step.do, Arrival)
                mails.append((case, step, step.do))
        if mails:
            self._arrive(mails)

    # --- laying the steps ---

    def _do(self, case: Case, at: datetime, what: Arrival | Callable[[], None]) -> None:
        case.steps.append(Step(min(at, self.end - timedelta(seconds=1)), what))

    def _plan(self, case: Case) -> None:
        conversation = case.conversation
        first, *rest = conversation.turns
        opening = Arrival(lambda: self._first_mail(case, first), self._box(conversation), Verdict.TICKET)
        is_mail = conversation.channel == "mail"
        self._do(case, case.opened_at, opening if is_mail else lambda: self._fill_in_form(case, first))
        self._do(case, case.at(0.001), lambda: self._sort(case))
        begins = next((place for place, turn in enumerate(rest) if turn.author == conversation.owner), 0)
        for place, turn in enumerate(rest):
            if conversation.owner and place == begins:
                earlier = case.at(conversation.turns[place].hours) + timedelta(seconds=30)
                self._do(case, max(case.at(turn.hours - 0.05), earlier), lambda: self._take(case))
            self._plan_turn(case, turn, is_last=turn is rest[-1])
        self._plan_end(case)

    def _plan_turn(self, case: Case, turn: Turn, *, is_last: bool) -> None:
        at, conversation = case.at(turn.hours), case.conversation
        if turn.author == CUSTOMER:
            self._do(case, at, Arrival(lambda: self._next_mail(case, turn, at), self._box(conversation), Verdict.REPLY))
        elif turn.kind == "note":
            self._do(case, at, lambda: self._note(case, turn))
        else:
            ends = is_last and conversation.status in {"resolved", "closed"}
            self._do(case, at, lambda: self._reply(case, turn, ends))

    def _plan_end(self, case: Case) -> None:
        status, last = case.conversation.status, case.at(case.conversation.turns[-1].hours)
        if status == "resolved":
            at = max(last + timedelta(minutes=25), self.end - _RESOLVED_AT_MOST)
            self._do(case, at, lambda: self._become(case, Status.RESOLVED))
        if status == "closed":
            self._do(case, last + timedelta(minutes=25), lambda: self._become(case, Status.RESOLVED))
            self._do(case, last + (self.end - last) / 2, lambda: self._become(case, Status.CLOSED))
        if status in {"on_hold", "snoozed", "spam"}:
            self._do(case, last + timedelta(minutes=6), lambda: self._become(case, Status(status)))

    def _plan_strays(self) -> None:
        """Mail that makes no ticket, so that the record of inbound mail has every fate to show."""
        twice, absent, returned = (self._case(key, status) for key, status in (_TWICE, _ABSENT, _RETURNED))
        self._do(
            twice, twice.at(0.03), Arrival(lambda: twice.first_mail, self._box(twice.conversation), Verdict.DUPLICATE)
        )

        away = absent.at(answered_after(absent, 0) + 0.02)
        self._do(absent, away, Arrival(
            lambda: absence_letter(absent.person, said_last(absent), away), self._box(absent.conversation), Verdict.AUTO_REPLY
        ))  # fmt: skip

        back = returned.at(answered_after(returned, -1) + 0.03)
        self._do(returned, back, Arrival(
            lambda: self._come_back(returned, back), self._box(returned.conversation), Verdict.BOUNCE
        ))  # fmt: skip
        self._do(returned, returned.at(answered_after(returned, -1) + 0.4), lambda: self._settle(returned))

        support, unwanted = self.boxes[MAILBOXES[0].address], self.end - timedelta(hours=30)
        letter = stray_letter(
            Writer("Rank Boost", BLOCKED_ADDRESS),
            to=support.address,
            subject="You are not on page one",
            text="Your shop could be first in every search. Answer YES for a free report.",
            at=unwanted,
        )
        # They belong to no conversation and wait on the line of one that has not begun by then.
        self._do(twice, unwanted, Arrival(lambda: letter, support, Verdict.IGNORED))
        self._do(twice, self.end - timedelta(hours=20), Arrival(unreadable_letter, support, Verdict.QUARANTINED))

    def _case(self, key: str, status: str) -> Case:
        return next(c for c in self.cases if (c.person.key, c.conversation.status) == (key, status))

    # --- the steps ---

    def _fill_in_form(self, case: Case, turn: Turn) -> None:
        conversation = case.conversation
        case.ticket = receive_contact(
            actor=SYSTEM,
            queue=self.queues[conversation.queue],
            customer=self.customers[case.person.email],
            subject=conversation.subject,
            text=turn.text,
            channel=conversation.channel,
            language=conversation.language,
            attachments=[self._form_file(upload) for upload in uploads_of(turn, conversation)],
        )

    def _first_mail(self, case: Case, turn: Turn) -> bytes:
        conversation, person = case.conversation, case.person
        case.first_mail = first_letter(
            person,
            to=self._box(conversation).address,
            subject=conversation.subject,
            text=turn.text,
            uploads=uploads_of(turn, conversation),
            at=case.opened_at,
            cc=_COPIES.get((person.key, conversation.subject), ""),
        )
        return case.first_mail

    def _next_mail(self, case: Case, turn: Turn, at: datetime) -> bytes:
        return next_letter(
            case.person, said_last(case), text=turn.text, uploads=uploads_of(turn, case.conversation), at=at
        )

    def _come_back(self, case: Case, at: datetime) -> bytes:
        """Its owner is not told by mail of a failure of the past: the row says he was."""
        OutgoingMail.objects.filter(identifier=said_last(case).identifier).update(told_at=at)
        return returned_letter(case.person, said_last(case), at)

    def _settle(self, case: Case) -> None:
        words = (
            "Came back with 5.1.1. His provider lost some boxes last night; I sent him the same words by text message."
        )
        note(ticket=case.known, actor=self._actor(case.conversation.owner), text=words)
        self._become(case, Status.PENDING)

    def _sort(self, case: Case) -> None:
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
            issue_type=self.types[conversation.queue, issue_of(conversation)],
            fields={key: match[0] for key, match in found.items() if match},
        )

    def _take(self, case: Case) -> None:
        """The owner takes the ticket; work that begins without a reply begins here."""
        actor = self._actor(case.conversation.owner)
        assert actor.user is not None
        case.ticket = assign_ticket(ticket=case.known, actor=actor, owner=actor.user)
        if not any(t.kind == "public" and t.author != CUSTOMER for t in case.conversation.turns):
            self._become(case, Status.OPEN)

    def _note(self, case: Case, turn: Turn) -> None:
        case.ticket = note(ticket=case.known, actor=self._actor(turn.author), text=turn.text).ticket

    def _reply(self, case: Case, turn: Turn, ends: bool) -> None:
        actor = self._actor(turn.author)
        files = [
            store_upload(
                actor=actor,
                ticket=case.known,
                name=upload.name,
                content_type=upload.content_type,
                chunks=[upload.content],
            )
            for upload in uploads_of(turn, case.conversation)
        ]
        then = Status.RESOLVED if ends else ""
        message = reply(ticket=case.known, actor=actor, text=turn.text, attachments=files, then_status=then)
        case.ticket = message.ticket
        with frozen(now() + _SENT_AFTER):
            case.said = note_as_sent(message)

    def _become(self, case: Case, status: Status) -> None:
        until = self._tomorrow_noon() if status == Status.SNOOZED else None
        owner = case.conversation.owner or first_of_team(case.conversation.queue)
        case.ticket = set_status(ticket=case.known, actor=self._actor(owner), status=status, snoozed_until=until)

    # --- tools ---

    def _arrive(self, mails: Sequence[tuple[Case, Step, Arrival]]) -> None:
        """Mails come in. RuntimeError when one meets another fate than the story says."""
        by_box: dict[int, list[tuple[Case, Step, Arrival]]] = defaultdict(list)
        for mail in mails:
            by_box[mail[2].box.pk].append(mail)
        with frozen(self.end):
            told: list[tuple[Case, Step, Arrival, RawMail]] = []
            for several in by_box.values():
                fetched = [Fetched(what.content(), server_at=step.at, source=SOURCE) for _case, step, what in several]
                rows = store(fetched, several[0][2].box, is_import=True)
                told += [(*mail, row) for mail, row in zip(several, rows, strict=True)]
            self.pipeline.run([row for *_rest, row in told if row.state == RawMail.State.PENDING])
        for case, _step, what, row in told:
            if row.verdict != what.fate:
                raise RuntimeError(f"The demo mail {row.subject!r} became {row.verdict}, not {what.fate}: {row.reason}")
            if what.fate == Verdict.TICKET:
                case.ticket = row.ticket
        set_hours({row.pk: step.at for _case, step, _what, row in told}, self.end)

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

    def _check(self) -> None:
        cases = self.cases
        statuses = dict(Ticket.objects.filter(pk__in=[c.known.pk for c in cases]).values_list("pk", "status"))
        wrong = [c.conversation.subject for c in cases if statuses[c.known.pk] != c.conversation.status]
        if wrong:
            raise RuntimeError(f"The week ended otherwise than told: {wrong}")
