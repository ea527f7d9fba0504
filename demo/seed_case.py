"""A conversation of the demo week on its way to become a ticket: its line of steps, and what its script says of it.

Called by `demo.seed_week`, which lays the steps and walks them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from demo.accounts import ACCOUNTS, TEAMS
from demo.cast import CastMember
from demo.conversation import CUSTOMER
from demo.files import file_of
from demo.letters import Upload
from demo.seed_house import ISSUE_TYPES
from demo.seed_letters import Said
from demo.week import Conversation, Turn
from helpdesk.models import Mailbox, Ticket, Verdict


@dataclass
class Arrival:
    """A mail about to come in, and what the story says of its fate."""

    content: Callable[[], bytes]
    box: Mailbox
    fate: Verdict


@dataclass
class Step:
    """One thing to do at one instant: a mail that comes in, or anything else."""

    at: datetime
    do: Arrival | Callable[[], None]


@dataclass
class Case:
    """A conversation on its way to become a ticket."""

    conversation: Conversation
    person: CastMember
    opened_at: datetime
    steps: list[Step] = field(default_factory=list)
    ticket: Ticket | None = None
    said: Said | None = None
    first_mail: bytes = b""

    def at(self, hours: float) -> datetime:
        """The instant so many hours after the opening."""
        return self.opened_at + timedelta(hours=hours)

    @property
    def known(self) -> Ticket:
        """The ticket it has become."""
        assert self.ticket is not None
        return self.ticket


def said_last(case: Case) -> Said:
    """What we wrote last; AssertionError while nobody has answered."""
    assert case.said is not None, f"nobody has answered {case.conversation.subject!r} yet"
    return case.said


def answered_after(case: Case, which: int) -> float:
    """Hours after the opening of one of our replies."""
    turns = case.conversation.turns
    return [turn.hours for turn in turns if turn.author != CUSTOMER and turn.kind == "public"][which]


def uploads_of(turn: Turn, conversation: Conversation) -> list[Upload]:
    """The files of a turn."""
    return [Upload(name, *file_of(name, conversation.subject)) for name in turn.files]


def issue_of(conversation: Conversation) -> str:
    """The kind of issue that the tags speak for; the first one of the queue where they say nothing."""
    by_tag = {
        "warranty": "Warranty", "how to": "How to use it", "refund": "Refund", "payment failed": "Payment",
        "charged twice": "Payment", "invoice": "Invoice", "damaged": "Wrong or damaged goods",
        "wrong item": "Wrong or damaged goods", "address change": "Change of order", "exchange": "Exchange",
    }  # fmt: skip
    choices = ISSUE_TYPES[conversation.queue]
    return next((by_tag[tag] for tag in conversation.tags if by_tag.get(tag) in choices), choices[0])


def first_of_team(queue: str) -> str:
    """The agent who acts where a conversation has no owner."""
    team = next(team.name for team in TEAMS if queue in team.queues)
    return next(account.first_name for account in ACCOUNTS if team in account.teams and account.role == "agent")
