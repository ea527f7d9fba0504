"""Place, estimated wait and callback in sentences that customers and agents read."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from helpdesk.templatetags.moments import duration, moment
from routing.queries.waits import CLOSED, Wait


def seconds_words(seconds: float) -> str:
    """A length of time as one says it: 40 s, 3 min, 2 h 10 min."""
    whole = max(0, round(seconds))
    return _("%(n)s s") % {"n": whole} if whole < 60 else duration(whole)


def wait_words(wait: Wait, *, place: bool = True) -> str:
    """Place and wait in one or two sentences, for customers and agents alike; "" where nothing can be said."""
    parts = []
    if place and wait.place is not None:
        parts.append(_("You are next.") if wait.place == 1 else _("Place in the queue: %(n)s.") % {"n": wait.place})
    if wait.said is not None:
        parts.append(range_words(wait.said.low, wait.said.high))
    elif wait.hidden == CLOSED:
        parts.append(
            _("We are closed now and open %(time)s.") % {"time": moment(wait.opens_at)}
            if wait.opens_at is not None
            else _("We are closed now.")
        )
    return " ".join(parts)


def range_words(low: int, high: int) -> str:
    """An estimate in whole minutes."""
    if high == 0:
        return _("It is your turn in a moment.")
    if low == high:
        return ngettext("About %(n)s minute of waiting.", "About %(n)s minutes of waiting.", high) % {"n": high}
    return ngettext(
        "Between %(low)s and %(n)s minute of waiting.", "Between %(low)s and %(n)s minutes of waiting.", high
    ) % {"low": low, "n": high}


def hidden_words(code: str) -> str:
    """Why agents are shown no estimate."""
    words = {
        "nobody": lambda: _("no estimate: nobody at work could take it"),
        "no_data": lambda: _("no estimate: no handling times are known yet"),
        "erratic": lambda: _("no estimate: recent ones did not come true"),
        CLOSED: lambda: _("no estimate: the queue is closed"),
    }.get(code)
    return words() if words is not None else ""


def callback_words(state: str) -> str:
    """A callback's state, for the desk."""
    words = {
        "asked": lambda: _("The customer asked to be called and has not confirmed yet."),
        "reserved": lambda: _("The customer keeps the place and is called when it is his turn."),
        "offered": lambda: _("The customer's turn has come: an agent is being asked."),
        "calling": lambda: _("Call the customer now, then say how it went."),
        "retry": lambda: _("Nobody answered; it will be tried again."),
        "done": lambda: _("The customer was reached."),
        "failed": lambda: _("The customer was not reached."),
        "cancelled": lambda: _("The callback was cancelled."),
    }.get(state)
    return words() if words is not None else state
