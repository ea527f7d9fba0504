"""What colleagues of Halden do beside the conversations: checklists, a private exchange with a supplier, links, and what
they have read of all that. Called by `demo.seed_week` when the week is walked. Nothing is sent.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F

from demo.accounts import account_named
from demo.seed_history import note_as_sent
from helpdesk.actions.checklist import add_item, tick_item
from helpdesk.actions.linking import link_tickets
from helpdesk.actions.side_threads import forward
from helpdesk.models import Actor, Audience, LinkKind, Mention, Notification, Ticket, User
from helpdesk.now import frozen

_DOCK, _SCREEN = "Dock stopped charging after firmware 2.1", "Zweiter Monitor bleibt am Halo Dock schwarz"
_SUPPLIER = {"kind": "to", "email": "firmware@halo-labs.example", "name": "Halo Labs"}
_QUESTION = (
    "Good morning,\n\none more 2.1 that no longer charges, with the log. Will 2.1.1 keep the screen settings?\n\n"
    "Sara Lindqvist"
)
#: Subject of the ticket, who wrote the list, what stands on it and whether it is done.
_CHECKLISTS: tuple[tuple[str, str, tuple[tuple[str, bool], ...]], ...] = (
    (
        _DOCK,
        "Sara",
        (("Read the log", True), ("Ask Halo Labs about the settings", True), ("Call her when 2.1.1 is out", False)),
    ),
    ("نور صفحهٔ تبلت زیاد نمی‌شود", "Shirin", (("تأیید تعویض", True), ("ارسال دستگاه امانی پیش از شنبه", False))),
)
_NEWS_FOR = timedelta(hours=14)
_SENT_AFTER = timedelta(seconds=14)


def work_together(end: datetime) -> None:
    """Adds all of it as of the last hour before `end`, the end of the week."""
    at = end - timedelta(minutes=50)
    with frozen(at):
        dock, sara = Ticket.objects.get(subject=_DOCK), _actor("Sara")
        asked = dock.messages.filter(audience=Audience.PUBLIC, author_user=None).order_by("pk")[1]
        sent = forward(
            ticket=dock,
            actor=sara,
            recipients=[_SUPPLIER],
            text=_QUESTION,
            quotes=asked,
            files=list(asked.attachments.filter(name__endswith=".log")),
        )
        with frozen(at + _SENT_AFTER):
            note_as_sent(sent)
    with frozen(at + timedelta(minutes=2)):
        for subject, writer, lines in _CHECKLISTS:
            for text, done in lines:
                item = add_item(ticket=Ticket.objects.get(subject=subject), actor=_actor(writer), text=text)
                if done:
                    tick_item(ticket=item.ticket, actor=_actor(writer), item=item.pk, done=True)
        link_tickets(
            ticket=Ticket.objects.get(subject=_DOCK),
            other=Ticket.objects.get(subject=_SCREEN),
            kind=LinkKind.RELATED,
            actor=sara,
        )
    _read_old_news(end)


def _read_old_news(end: datetime) -> None:
    """What was told long ago was read an hour later; mentions stay where they are."""
    old = Notification.objects.filter(at__lt=end - _NEWS_FOR).exclude(
        ticket__in=Mention.objects.filter(at__gte=end - 2 * _NEWS_FOR).values("ticket")
    )
    old.update(read_at=F("at") + timedelta(hours=1))


def _actor(name: str) -> Actor:
    return Actor.of(User.objects.get(email=account_named(name).email))
