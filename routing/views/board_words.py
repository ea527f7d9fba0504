"""The board in words: what state a queue is in, what will go wrong and what to do, why a contact waits, what an agent has.

Called by routing.views.board.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from helpdesk.models import User
from helpdesk.templatetags.moments import clock_time, moment
from routing.models import AgentState, BreakRequest, ContactChannel, Handing, WorkItem
from routing.queries.board import AgentNow, Board, QueueNow, WaitingNow, effect_on
from routing.templatetags.board import percent

#: A level within so much of its target is close.
CLOSE = 0.03
#: Moves named with an alert.
_MOVES = 3


@dataclass(frozen=True, slots=True)
class State:
    """How a queue stands: `kind` is ok, risk, miss or none; with its word."""

    kind: str
    word: str


def state_of(here: QueueNow) -> State:
    """By today's level, and by the coming hour where that is worse."""
    level, ahead = here.today.level, here.outlook.level
    if level is None:
        return State("none", _("not measured") if here.pulled else _("no contacts yet"))
    if level < here.target:
        return State("miss", _("below target"))
    if ahead is not None and ahead < here.target:
        return State("risk", _("will miss"))
    return State("risk", _("close")) if level < here.target + CLOSE else State("ok", _("on target"))


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue with its words."""

    here: QueueNow
    state: State

    @property
    def oldest(self) -> datetime | None:
        """Since when the one who has waited longest waits, of those held to the target first."""
        return self.here.oldest or self.here.oldest_pulled

    @property
    def within(self) -> int:
        """The seconds against which that wait is measured; 0: none."""
        here = self.here
        return here.rules.target_seconds if here.oldest is not None or here.judges_pulled else 0

    @property
    def counted(self) -> str:
        """What today's level is a share of."""
        n = self.here.today.counted
        return ngettext("%(n)s contact", "%(n)s contacts", n) % {"n": n}

    @property
    def lately(self) -> str:
        """The level of the last half hour."""
        tally = self.here.now
        if tally.level is None:
            return _("nobody in the last 30 min")
        return _("%(level)s of %(n)s in the last 30 min") % {"level": percent(tally.level), "n": tally.counted}

    @property
    def ahead(self) -> str:
        """The coming hour, with what it is told from; or why nothing is told."""
        here = self.here
        if not here.hands_out:
            return _("taken by agents themselves")
        if here.expected is None:
            return _("no data yet")
        if here.outlook.level is None and here.expected.contacts:
            return _("about %(n)s contacts; no handling time known yet") % {"n": round(here.expected.contacts)}
        if here.outlook.level is None:
            return _("nobody expected")
        n = round(here.expected.contacts)
        return _("%(level)s of about %(n)s") % {"level": percent(here.outlook.level), "n": n}

    @property
    def basis(self) -> str:
        """Where the forecast comes from."""
        if self.here.expected is None:
            return ""
        weeks = self.here.expected.weeks
        if not weeks:
            return _("Told from the last hour: there are no past weeks to compare with.")
        return ngettext(
            "Told from the same hour last week.", "Told from the same hour of the last %(n)s weeks.", weeks
        ) % {"n": weeks}

    @property
    def level_words(self) -> str:
        """For those who do not see the bar."""
        here = self.here
        return _("%(queue)s: %(level)s, target %(target)s") % {
            "queue": here.queue,
            "level": percent(here.today.level),
            "target": percent(here.target),
        }

    @property
    def spark_words(self) -> str:
        """For those who do not see the line."""
        return _("%(queue)s: level of the last hours; next hour %(ahead)s") % {
            "queue": self.here.queue,
            "ahead": self.ahead,
        }

    @property
    def working(self) -> int:
        """Agents of the team to whom contacts are handed."""
        return self.here.ready + self.here.busy

    @property
    def is_short(self) -> bool:
        """Whether more agents are needed than are at work."""
        needed = self.here.outlook.needed
        return needed is not None and self.working < needed


@dataclass(slots=True)
class Move:
    """Something a lead can do about an alert, with what it gains."""

    words: str
    gain: str
    agent: User


@dataclass(slots=True)
class Alert:
    """What will go wrong, or has, and what to do."""

    kind: str  # breach or act
    title: str
    words: str
    moves: list[Move] = field(default_factory=list)


def alerts_of(board: Board) -> list[Alert]:
    """Unstaffed teams first, then queues that will miss their target, then closed ones in which somebody waits."""
    by_team: dict[int, list[QueueNow]] = defaultdict(list)
    for here in board.queues:
        by_team[here.queue.team_id].append(here)
    found: list[Alert] = []
    for team, own in by_team.items():
        opened = [here for here in own if here.is_open]
        if opened and not opened[0].ready + opened[0].busy:
            found.append(_unstaffed(board, team, opened))
        else:
            found += [_will_miss(board, here) for here in opened if _misses(here)]
    found += [_closed(here) for here in board.queues if not here.is_open and here.waiting]
    return sorted(found, key=lambda alert: alert.kind != "breach")


def _misses(here: QueueNow) -> bool:
    return here.outlook.level is not None and here.outlook.level < here.target


def _unstaffed(board: Board, team: int, opened: list[QueueNow]) -> Alert:
    waiting = sum(here.waiting for here in opened)
    names = ", ".join(str(here.queue) for here in opened)
    said = ngettext("%(n)s contact waits.", "%(n)s contacts wait.", waiting) % {"n": waiting} if waiting else ""
    at_desk = opened[0].at_desk
    if at_desk:
        todo = _("Ask one of those at the desk to become ready, or give the contacts to another queue.")
        title = _("Nobody takes contacts of %(team)s, though it is open: %(queues)s.")
    else:
        todo = _(
            "Call somebody of the team to the desk, give the contacts to another queue, or let the queue overflow."
        )
        title = _("Nobody of %(team)s is at work, though it is open: %(queues)s.")
    return Alert(
        "breach" if waiting else "act",
        title % {"team": opened[0].queue.team, "queues": names},
        f"{said} {todo}".strip(),
        _moves(board, team, opened),
    )


def _will_miss(board: Board, here: QueueNow) -> Alert:
    level, needed = here.outlook.level, here.outlook.needed
    contacts = round(here.expected.contacts) if here.expected is not None else 0
    words = ngettext(
        "About %(n)s contact is expected. Agents at work: %(working)s, needed: %(needed)s.",
        "About %(n)s contacts are expected. Agents at work: %(working)s, needed: %(needed)s.",
        contacts,
    ) % {"n": contacts, "working": here.ready + here.busy, "needed": needed if needed is not None else "–"}
    title = _("%(queue)s will miss its target in the next hour: %(level)s of %(target)s.")
    names = {"queue": here.queue, "level": percent(level), "target": percent(here.target)}
    return Alert("act", title % names, words, _moves(board, here.queue.team_id, [here]))


def _moves(board: Board, team: int, queues: list[QueueNow]) -> list[Move]:
    """Those of the team who are at the desk and take nothing now, with the points they would bring to the worst queue."""
    idle = [a for a in board.agents if team in a.teams and a.group in {"not-ready", "missed", "break"}]
    moves = []
    for agent in idle:
        effects = [e for e in (effect_on(board, agent, here, leaves=False) for here in queues) if e is not None]
        gain = max((e.with_agent - e.without for e in effects), default=None)
        words = _("Ask %(name)s to become ready") % {"name": agent.user}
        points = _("+%(n)s points") % {"n": round(gain * 100)} if gain is not None else _doing(agent)
        moves.append((-(gain or 0.0), Move(words, points, agent.user)))
    return [move for _gain, move in sorted(moves, key=lambda one: one[0])[:_MOVES]]


def _closed(here: QueueNow) -> Alert:
    n = here.waiting
    title = ngettext(
        "%(queue)s is closed, and %(n)s contact waits in it.", "%(queue)s is closed, and %(n)s contacts wait in it.", n
    ) % {"queue": here.queue, "n": n}
    if here.opens_at is None:
        return Alert("breach", title, _("Its hours never open: give it hours, or give the contacts to another queue."))
    words = _("It opens %(when)s. They keep their places until then; what is urgent, give to an open queue.")
    return Alert("act", title, words % {"when": moment(here.opens_at)})


#: Groups of agents in the order in which the board shows them.
GROUPS = ("ready", "busy", "wrapup", "break", "not-ready", "missed", "lost")


#: States of agents in the order in which one would ask them.
GROUPS_OF_STATES = (
    AgentState.READY,
    AgentState.RONA,
    AgentState.NOT_READY,
    AgentState.BREAK,
    AgentState.DISCONNECTED,
    AgentState.OFFLINE,
)


def group_word(group: str) -> str:
    """The heading of a group of agents."""
    return {
        "ready": _("Ready"),
        "busy": _("On contacts"),
        "wrapup": _("Wrapping up"),
        "break": _("On break"),
        "not-ready": _("Not ready"),
        "missed": _("Missed offers"),
        "lost": _("Connection lost"),
        "offline": _("Offline"),
    }[group]


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent with his words."""

    now: AgentNow
    sub: str
    warns: bool
    has_load: bool  # whether his capacity says anything


def agent_row(agent: AgentNow, at: datetime) -> AgentRow:
    """What stands under his name, and whether somebody should look."""
    overstays = (
        agent.group == "break"
        and agent.break_asked is not None
        and agent.break_asked.ends_at is not None
        and agent.break_asked.ends_at < at
    )
    words = [_doing(agent)]
    if agent.begun_today:
        words.append(ngettext("%(n)s today", "%(n)s today", agent.begun_today) % {"n": agent.begun_today})
    if agent.missed_today:
        words.append(ngettext("%(n)s missed", "%(n)s missed", agent.missed_today) % {"n": agent.missed_today})
    return AgentRow(
        agent,
        " · ".join(word for word in words if word),
        warns=overstays or agent.group in {"missed", "lost"},
        has_load=agent.is_working or bool(agent.units_used),
    )


def _doing(agent: AgentNow) -> str:
    presence, asked = agent.presence, agent.break_asked
    words: list[str] = []
    if presence is not None and presence.state == AgentState.NOT_READY and presence.reason is not None:
        words.append(_(str(presence.reason)))
    elif agent.group == "break" and asked is not None and asked.ends_at is not None:
        words.append(
            _("%(reason)s until %(time)s") % {"reason": _(str(asked.reason)), "time": clock_time(asked.ends_at)}
        )
    elif agent.group == "missed" and presence is not None:
        words.append(ngettext("%(n)s in a row", "%(n)s in a row", presence.missed) % {"n": presence.missed})
    if agent.channels:
        words += [_count_words(channel, n) for channel, n in sorted(agent.channels.items())]
    elif agent.group == "ready":
        words.append(_("free"))
    if asked is not None and asked.state == BreakRequest.State.APPROVED:
        words.append(_("break next"))
    return ", ".join(words)


def _count_words(channel: str, n: int) -> str:
    if channel == ContactChannel.CHAT:
        words = ngettext("%(n)s chat", "%(n)s chats", n)
    elif channel == ContactChannel.CALLBACK:
        words = ngettext("%(n)s callback", "%(n)s callbacks", n)
    else:
        words = ngettext("%(n)s mail", "%(n)s mails", n)
    return words % {"n": n}


def within(waiting: WaitingNow, here: QueueNow) -> int:
    """The seconds in which this contact should be answered; 0: it is not held to the queue's target."""
    is_judged = waiting.item.handing != Handing.PULL or here.judges_pulled
    return here.rules.target_seconds if is_judged else 0


def why_waiting(waiting: WaitingNow) -> str:
    """In a few words; the ticket has all of them."""
    item = waiting.item
    if waiting.offered_to is not None:
        return _("being offered to %(name)s") % {"name": waiting.offered_to}
    if item.state == WorkItem.State.RESERVED:
        return _("place kept for a callback")
    if item.handing == Handing.PULL:
        return _("taken by agents themselves")
    record: Mapping[str, Any] = waiting.record or {}
    if not record:
        return ""
    if not record.get("agents"):
        return _("nobody is in the team")
    counts: dict[str, int] = defaultdict(int)
    for code, n in record.get("reasons", {}).items():
        counts[_KINDS.get(code, "away")] += n
    ordered = sorted(counts.items(), key=lambda one: -one[1])[:2]
    return ", ".join(_reason_words(kind, n) for kind, n in ordered)


_KINDS = {
    "free": "free",
    "excluded": "excluded",
    "not_preferred": "not_preferred",
    "skills": "skills",
    "channel_off": "channel_off",
    "channel_full": "full",
    "no_units": "full",
    "offline": "offline",
    "disconnected": "offline",
    "offered": "asked",
}


def _reason_words(kind: str, n: int) -> str:
    words = {
        "free": pgettext("agents", "%(n)s free"),
        "excluded": pgettext("agents", "%(n)s declined or missed it"),
        "not_preferred": _("waits for its known agent"),
        "skills": pgettext("agents", "%(n)s without the skill"),
        "channel_off": pgettext("agents", "%(n)s not taking this channel"),
        "full": pgettext("agents", "%(n)s fully busy"),
        "asked": pgettext("agents", "%(n)s just being asked"),
        "offline": pgettext("agents", "%(n)s offline"),
        "away": pgettext("agents", "%(n)s not ready"),
    }[kind]
    return words % {"n": n}
