"""The codes of decisions as sentences in the reader's language: why this agent, why it waits, what would change it.

The only place where routing's codes become words. Called by the page, the API and the command that explain a ticket, by the
dry run and by the customers' page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from helpdesk.templatetags.moments import duration, moment
from routing.core.engine import Change
from routing.core.needs import Needs
from routing.core.plan import StepInForce
from routing.models import Offer, Strategy
from routing.queries.waits import CLOSED, Wait

#: Codes with words of their own here; any other is a not-ready reason of the house.
KNOWN_REASONS = frozenset(
    {
        "free",
        "excluded",
        "not_preferred",
        "skills",
        "channel_off",
        "channel_full",
        "no_units",
        "offline",
        "break",
        "rona",
        "disconnected",
        "outside_shift",
        "offered",
        "not_ready",
    }
)


def seconds_words(seconds: float) -> str:
    """A length of time as one says it: 40 s, 3 min, 2 h 10 min."""
    whole = max(0, round(seconds))
    return _("%(n)s s") % {"n": whole} if whole < 60 else duration(whole)


def skill_words(path: str, names: Mapping[str, str] | None = None) -> str:
    """A skill by the name the house gave it, else its path."""
    return (names or {}).get(path, path)


def demand_words(label: str, names: Mapping[str, str] | None = None) -> str:
    """A demand of a histogram (`lang/fr>=3`, `not trainee`) in words."""
    is_lack = label.startswith("not ")
    path, _sep, level = label.removeprefix("not ").partition(">=")
    skill = skill_words(path, names)
    if is_lack:
        return _("without %(skill)s") % {"skill": skill}
    return _("%(skill)s at level %(level)s or better") % {"skill": skill, "level": level} if level else skill


def needs_words(needs: Needs, names: Mapping[str, str] | None = None) -> str:
    """What has to be met, as one sentence part; "" where nothing is asked."""
    ways = []
    for way in needs.words():
        parts = [_part_words(kind, skill_words(path, names), level) for kind, path, level in way]
        if parts:
            ways.append(get_text_list(parts, _("and")))
    return get_text_list(ways, _("or"))


def _part_words(kind: str, skill: str, level: int) -> str:
    values = {"skill": skill, "level": level}
    match kind:
        case "at_least":
            return _("%(skill)s at level %(level)s or better") % values
        case "lacks":
            return _("without %(skill)s") % values
        case "below":
            return _("%(skill)s below level %(level)s") % values
    return skill


def reason_words(code: str, agents: int, reasons: Mapping[str, str] | None = None) -> str:
    """So many agents cannot take it, and why. `reasons` names the house's own not-ready reasons by code."""
    n = {"n": agents}
    match code:
        case "free":
            return ngettext("%(n)s agent is free for it", "%(n)s agents are free for it", agents) % n
        case "excluded":
            return ngettext("%(n)s agent declined or missed it", "%(n)s agents declined or missed it", agents) % n
        case "not_preferred":
            return (
                ngettext(
                    "%(n)s agent is left out while it waits for somebody known",
                    "%(n)s agents are left out while it waits for somebody known",
                    agents,
                )
                % n
            )
        case "skills":
            return ngettext("%(n)s agent lacks a skill", "%(n)s agents lack a skill", agents) % n
        case "channel_off":
            return (
                ngettext("%(n)s agent does not take this channel", "%(n)s agents do not take this channel", agents) % n
            )
        case "channel_full":
            return (
                ngettext(
                    "%(n)s agent has as many of this channel as allowed",
                    "%(n)s agents have as many of this channel as allowed",
                    agents,
                )
                % n
            )
        case "no_units":
            return ngettext("%(n)s agent is busy with contacts", "%(n)s agents are busy with contacts", agents) % n
        case "offline":
            return ngettext("%(n)s agent is offline", "%(n)s agents are offline", agents) % n
        case "break":
            return ngettext("%(n)s agent is on break", "%(n)s agents are on break", agents) % n
        case "rona":
            return ngettext("%(n)s agent missed offers", "%(n)s agents missed offers", agents) % n
        case "disconnected":
            return ngettext("%(n)s agent lost the connection", "%(n)s agents lost the connection", agents) % n
        case "offered":
            return ngettext("%(n)s agent is just being asked", "%(n)s agents are just being asked", agents) % n
        case "outside_shift":
            return (
                ngettext("%(n)s agent is outside of his shift", "%(n)s agents are outside of their shifts", agents) % n
            )
    why = (reasons or {}).get(code)
    if why:
        return ngettext("%(n)s agent is not ready (%(why)s)", "%(n)s agents are not ready (%(why)s)", agents) % {
            **n,
            "why": why,
        }
    return ngettext("%(n)s agent is not ready", "%(n)s agents are not ready", agents) % n


def change_words(
    change: Change, skills: Mapping[str, str] | None = None, reasons: Mapping[str, str] | None = None
) -> str:
    """What would let it go at once."""
    n = {"n": change.agents}
    match change.kind:
        case "frees":
            return ngettext("one agent finishes a contact", "one of %(n)s agents finishes a contact", change.agents) % n
        case "accepts":
            return (
                ngettext("one agent accepts this channel", "one of %(n)s agents accepts this channel", change.agents)
                % n
            )
        case "exclusion_ends":
            return (
                ngettext(
                    "the time of a decline or miss ends for one agent",
                    "the time of a decline or miss ends for one of %(n)s agents",
                    change.agents,
                )
                % n
            )
        case "anyone":
            return (
                ngettext(
                    "the step for known agents ends (one agent could take it)",
                    "the step for known agents ends (%(n)s agents could take it)",
                    change.agents,
                )
                % n
            )
        case "skill":
            return ngettext(
                "“%(skill)s” is given up (one agent could take it)",
                "“%(skill)s” is given up (%(n)s agents could take it)",
                change.agents,
            ) % {**n, "skill": demand_words(change.subject, skills)}
    why = (reasons or {}).get(change.subject) or presence_words(change.subject)
    if why:
        return ngettext(
            "one agent becomes ready (now: %(why)s)", "one of %(n)s agents becomes ready (now: %(why)s)", change.agents
        ) % {**n, "why": why}
    return ngettext("one agent becomes ready", "one of %(n)s agents becomes ready", change.agents) % n


def presence_words(code: str) -> str:
    """A stored state or a reason of the engine in a word or two; "" for one that is none."""
    words = {
        "offline": lambda: _("offline"),
        "break": lambda: _("on break"),
        "rona": lambda: _("missed offers"),
        "disconnected": lambda: _("connection lost"),
        "outside_shift": lambda: _("outside of the shift"),
        "offered": lambda: _("just being asked"),
        "not_ready": lambda: _("not ready"),
    }.get(code)
    return words() if words is not None else ""


def by_words(by: str) -> str:
    """By which rule an agent was chosen."""
    match by:
        case "preferred":
            return _("known to this customer, so asked first")
        case "pull":
            return _("took it himself")
        case "manual":
            return _("a lead gave it")
    return str(Strategy(by).label) if by in Strategy.values else by


def compared_words(by: str, key: Iterable[float], now: float) -> str:
    """What the strategy compared for one agent: the first figure of his key, with its meaning."""
    first = next(iter(key), None)
    if first is None:
        return ""
    match by:
        case "longest_idle":
            return _("idle for %(time)s") % {"time": seconds_words(now - first)}
        case "least_talk":
            return _("handled for %(time)s") % {"time": seconds_words(first)}
        case "fewest":
            return ngettext("%(n)s contact handled", "%(n)s contacts handled", round(first)) % {"n": round(first)}
        case "least_loaded":
            return _("%(n)s %% loaded") % {"n": round(first * 100)}
        case "most_skilled":
            return _("skills at level %(n)s") % {"n": f"{-first:g}"}
        case "round_robin":
            return (
                _("never offered yet") if first < 0 or first == 0 else _("last offer no. %(n)s") % {"n": round(first)}
            )
        case "linear":
            return _("place %(n)s") % {"n": round(first)}
        case "weighted_random":
            return _("penalty %(n)s") % {"n": f"{first:g}"}
    return f"{first:g}"


def offer_words(state: str) -> str:
    """How an offer ended."""
    return str(Offer.State(state).label) if state in Offer.State.values else state


def step_words(step: StepInForce, age: float, steps: int, needs: str) -> str:
    """The step in force, and when it relaxes."""
    if step.is_holding:
        begins = seconds_words((step.until_age or age) - age)
        return _("It is too early for anybody: the first step begins in %(time)s.") % {"time": begins}
    what = _("Step %(n)s of %(all)s") % {"n": min(step.no + 1, steps), "all": steps} if steps > 1 else ""
    if step.is_final:
        what = _("The free-for-all at the end of the plan")
    if step.only_preferred:
        who = _("only agents known to this customer are asked")
    else:
        who = _("needs %(skills)s") % {"skills": needs} if needs else _("any agent of the queue may take it")
    first = f"{what}: {who}." if what else f"{who[:1].upper()}{who[1:]}."
    if step.until_age is None:
        return first
    return f"{first} {_('It relaxes in %(time)s.') % {'time': seconds_words(step.until_age - age)}}"


def source_words(source: str) -> str:
    """Where a demand comes from."""
    words = {
        "prechat": lambda: _("chosen by the customer"),
        "record": lambda: _("from the customer's record"),
        "conversation": lambda: _("from the conversation"),
        "page": lambda: _("from the page"),
        "geo": lambda: _("from geography"),
    }.get(source)
    return words() if words is not None else source


def because_words(
    because: Mapping[str, Any], skills: Mapping[str, str], queues: Mapping[int, str] | None = None
) -> str:
    """One demand with its provenance."""
    value = because["value"]
    match because["kind"]:
        case "skill":
            label = because["name"] if value == 1 else f"{because['name']}>={value:g}"
            what = demand_words(label, skills)
        case "queue":
            what = _("queue %(name)s") % {"name": (queues or {}).get(int(value), f"{value:g}")}
        case "priority":
            what = _("priority %(n)s") % {"n": f"{value:g}"}
        case _:
            what = _("%(time)s ahead in the order") % {"time": seconds_words(value)}
    source = source_words(because["source"])
    evidence = f"{source}: {because['evidence']}" if because["evidence"] else source
    rule = because["rule"]
    if rule:
        return _("%(what)s, by the rule “%(rule)s” (%(evidence)s)") % {"what": what, "rule": rule, "evidence": evidence}
    return _("%(what)s (%(evidence)s)") % {"what": what, "evidence": evidence}


def conflict_words(
    conflict: Mapping[str, Any], skills: Mapping[str, str], queues: Mapping[int, str] | None = None
) -> str:
    """Two demands that contradict each other, the winner first."""
    return _("%(winner)s goes before %(loser)s") % {
        "winner": because_words(conflict["winner"], skills, queues),
        "loser": because_words(conflict["loser"], skills, queues),
    }


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
    }.get(alert)
    return words() if words is not None else ""


def only_preferred_words() -> str:
    """A step for known agents alone."""
    return _("only agents known to the customer")


def preferred_words() -> str:
    """A step that asks known agents first."""
    return _("agents known to the customer first")


def overflow_words(queues: list[str]) -> str:
    """A step that opens the contact to other queues."""
    return _("agents of %(queues)s may take it too") % {"queues": get_text_list(queues, _("and"))}


def boost_words(seconds: float) -> str:
    """A step that moves the contact ahead."""
    return _("%(time)s ahead in the order") % {"time": seconds_words(seconds)}


def until_words(at: datetime | None) -> str:
    """When a closed queue opens."""
    return _("opens %(time)s") % {"time": moment(at)} if at is not None else _("no opening is known")


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
