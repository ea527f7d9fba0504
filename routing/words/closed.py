"""What a queue that takes nobody does, in the reader's language."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from helpdesk.templatetags.moments import moment


def closed_words(behaviour: str, queue: str) -> str:
    """What happens to a contact on arrival (routing.core.closed)."""
    words = {
        "enter": lambda: _("It waits in %(queue)s and is offered to its agents."),
        "keep": lambda: _("It waits in %(queue)s until somebody is there."),
        "ticket": lambda: _("A message is taken and becomes a ticket of %(queue)s."),
        "callback_next_open": lambda: _("Its place in %(queue)s is kept, and we call when we open."),
        "voicemail": lambda: _("The caller leaves a message for %(queue)s."),
        "play_message": lambda: _("It is told why, and ends; it asked for %(queue)s."),
        "other_queue": lambda: _("It goes to %(queue)s instead."),
    }.get(behaviour)
    return words() % {"queue": queue} if words is not None else behaviour


def state_words(state: str) -> str:
    """Why a queue takes nobody."""
    words = {
        "emergency": lambda: _("closed by hand"),
        "closed": lambda: _("closed"),
        "unstaffed": lambda: _("nobody at work"),
        "full": lambda: _("full"),
    }.get(state)
    return words() if words is not None else ""


def alert_words(alert: str) -> str:
    """What the people of the house should hear of (routing.core.closed)."""
    words = {
        "no_behaviour": lambda: _("Nothing was set for this: it is the default of its channel."),
        "never_opens": lambda: _("The queue never opens: look at its calendar."),
        "nobody_anywhere": lambda: _("No other queue takes it either."),
        "unstaffed": lambda: _("The queue is open, and nobody of it is at work."),
        "too_many_needs": lambda: _("Contacts ask for too many different things: look at the demand rules."),
    }.get(alert)
    return words() if words is not None else ""


def until_words(at: datetime | None) -> str:
    """When a closed queue opens."""
    return _("opens %(time)s") % {"time": moment(at)} if at is not None else _("no opening is known")
