"""Why an agent is not taken or is, what would change it, and how offers ended, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from routing.core.engine import Change
from routing.models import Offer, Strategy
from routing.words.demands import demand_words
from routing.words.waits import seconds_words

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
