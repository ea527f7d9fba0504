"""The live board of those who lead: queues, agents, waiting contacts and asked breaks of their teams.

A constant number of queries, whatever the number of rows. Called by routing.views.board.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Min, OuterRef, Q, Subquery, Sum

from helpdesk.hours import is_open, next_closing, next_opening
from helpdesk.models import Actor, Queue, Role, Team, TeamMembership, Ticket, User
from helpdesk.now import now
from routing.core.outlook import Line, Outlook, Stream, Tally, level_with, line_of, outlook
from routing.models import (
    AgentPresence,
    AgentState,
    Assignment,
    BreakRequest,
    ContactChannel,
    Decision,
    Handing,
    Offer,
    QueueRouting,
    WorkItem,
)
from routing.queries.board_traffic import (
    NOW_SLOTS,
    SLOT_SECONDS,
    Callbacks,
    Expected,
    callbacks,
    expected,
    handling,
    patiences,
    tallies,
    within,
)
from routing.queries.settings import COST, rules_of

#: Waiting contacts shown; the rest is a number.
WAITING_SHOWN = 50
#: Hours drawn as a line.
LINE_HOURS = 6
_PER_HOUR = 3600 // SLOT_SECONDS
Items, States = WorkItem.State, AgentState
#: Agents in these states are at the desk: they may be asked to help.
AT_DESK = (States.READY, States.NOT_READY, States.BREAK, States.RONA)


def teams_of(actor: Actor) -> list[Team]:
    """The teams whose board the actor sees: those he leads; managers all that have a queue. One query."""
    rows = Team.objects.filter(queues__is_active=True).distinct().order_by("name")
    return list(rows if actor.sees_everything else rows.filter(pk__in=actor.led_team_ids()))


@dataclass(slots=True)
class AgentNow:
    """An agent as the board shows him. `group` is what he is doing, from state and contacts."""

    user: User
    teams: list[int]
    presence: AgentPresence | None
    group: str = "offline"
    since: datetime | None = None
    units_used: int = 0
    units_offered: int = 0
    channels: Counter[str] = field(default_factory=Counter)
    begun_today: int = 0
    missed_today: int = 0
    break_asked: BreakRequest | None = None

    @property
    def units(self) -> int:
        """His whole capacity."""
        return self.presence.units if self.presence is not None else 100

    @property
    def is_working(self) -> bool:
        """Whether contacts are handed to him: ready, on contacts or wrapping up."""
        return self.presence is not None and self.presence.state == States.READY

    def places(self, channel: str) -> float:
        """How many contacts of a channel he may have at once."""
        most = self.units // COST[ContactChannel(channel)]
        cap = self.presence.caps.get(channel) if self.presence is not None else None
        return float(max(1, most if cap is None else min(most, int(cap))))


@dataclass(slots=True)
class QueueNow:
    """A queue as the board shows it."""

    queue: Queue
    rules: QueueRouting
    is_open: bool
    opens_at: datetime | None
    changes_at: datetime | None = None  # when it closes, or opens
    waiting: int = 0
    oldest: datetime | None = None
    oldest_pulled: datetime | None = None  # of those that agents take themselves
    pulled: int = 0
    today: Tally = field(default_factory=Tally)
    now: Tally = field(default_factory=Tally)
    hours: list[float | None] = field(default_factory=list)  # levels, oldest hour first
    expected: Expected | None = None
    outlook: Outlook = field(default_factory=Outlook)
    callbacks: Callbacks = field(default_factory=Callbacks)
    ready: int = 0
    busy: int = 0
    at_desk: int = 0

    @property
    def target(self) -> float:
        """The share to be answered in time."""
        return self.rules.target_share / 100

    @property
    def judges_pulled(self) -> bool:
        """Whether contacts that agents take themselves are held to the target: where somebody set one for them alone."""
        return self.rules.pk is not None and self.oldest is None and self.rules.mail_handing == Handing.PULL

    @property
    def hands_out(self) -> bool:
        """Whether it offers or assigns anything, so that staff can be reckoned for it."""
        return any(self.rules.handing(channel) != Handing.PULL for channel in ContactChannel.values)


@dataclass(slots=True)
class WaitingNow:
    """A contact that waits: who is being asked, or the last written reasons."""

    item: WorkItem
    offered_to: User | None
    record: Mapping[str, object] | None


@dataclass(slots=True)
class Effect:
    """What a break does to the queue it hurts most: its level of the coming hour with and without the agent."""

    queue: Queue
    target: float
    with_agent: float
    without: float


@dataclass(slots=True)
class BreakAsked:
    """A request at the break desk. `effect` None: no forecast; `counts`: the agent is at work now."""

    request: BreakRequest
    effect: Effect | None
    counts: bool


@dataclass(slots=True)
class Board:
    """All of it, at one moment."""

    at: datetime
    queues: list[QueueNow]
    agents: list[AgentNow]
    waiting: list[WaitingNow]
    waiting_count: int
    breaks: list[BreakAsked]
    lines: dict[int, Line] = field(default_factory=dict)  # traffic by team
    working: dict[int, float] = field(default_factory=dict)  # agents at work by team, by share of their work
    streams: dict[int, Stream] = field(default_factory=dict)  # by queue


def read_board(actor: Actor, teams: Sequence[Team]) -> Board:
    """The board of these teams, which must come from `teams_of`. A constant number of queries."""
    at = now()
    first = WorkItem.objects.filter(queue=OuterRef("pk")).order_by("entered_at").values("entered_at")[:1]
    rows = list(
        Queue.objects.filter(is_active=True, team__in=teams)
        .select_related("team", "calendar")
        .annotate(first_at=Subquery(first))
    )
    rules = rules_of(queue.pk for queue in rows)
    queues = {queue.pk: _queue_now(queue, rules[queue.pk], at) for queue in rows}
    _count_open(queues)
    _measure(queues, rows, rules, at)
    agents = _agents(teams, at)
    board = Board(at, list(queues.values()), agents, [], 0, [])
    _look_ahead(board, rows, at)
    board.waiting, board.waiting_count = _waiting(actor, queues)
    board.breaks = [_effect_of(board, agent) for agent in agents if _asks(agent)]
    board.breaks.sort(key=lambda one: one.request.asked_at)
    return board


def _queue_now(queue: Queue, rules: QueueRouting, at: datetime) -> QueueNow:
    if queue.calendar is None:
        return QueueNow(queue, rules, True, at)
    hours = queue.calendar.as_calendar()
    opened = is_open(at, hours)
    opens_at = at if opened else next_opening(at, hours)
    return QueueNow(queue, rules, opened, opens_at, next_closing(at, hours) if opened else opens_at)


def _count_open(queues: dict[int, QueueNow]) -> None:
    waiting = WorkItem.objects.filter(queue__in=queues, state__in=[Items.WAITING, Items.OFFERED])
    for row in waiting.order_by().values("queue_id", "handing").annotate(n=Count("pk"), oldest=Min("entered_at")):
        here = queues[row["queue_id"]]
        here.waiting += row["n"]
        if row["handing"] == Handing.PULL:
            here.pulled, here.oldest_pulled = row["n"], row["oldest"]
        else:
            here.oldest = min(row["oldest"], here.oldest) if here.oldest else row["oldest"]


def _measure(
    queues: dict[int, QueueNow], rows: Sequence[Queue], rules: Mapping[int, QueueRouting], at: datetime
) -> None:
    called = callbacks(rows, at)
    for key, slots in tallies(rows, rules, at).items():
        here = queues[key]
        here.today = within(slots, 0, 200)
        here.now = within(slots, 0, NOW_SLOTS)
        here.hours = [
            within(slots, hour * _PER_HOUR, (hour + 1) * _PER_HOUR).level for hour in reversed(range(LINE_HOURS))
        ]
        here.callbacks = called.get(key, Callbacks())


def _agents(teams: Sequence[Team], at: datetime) -> list[AgentNow]:
    """Everybody of the teams who may be given contacts. Six queries."""
    by_user: dict[int, AgentNow] = {}
    members = TeamMembership.objects.filter(team__in=teams, user__is_active=True).exclude(user__role=Role.LIGHT)
    for membership in members.select_related("user").order_by("user__name", "user_id", "team_id"):
        agent = by_user.setdefault(membership.user_id, AgentNow(membership.user, [], None))
        agent.teams.append(membership.team_id)
    for presence in AgentPresence.objects.filter(user__in=by_user).select_related("reason"):
        by_user[presence.user_id].presence = presence
    live: Counter[int] = Counter()
    wrapping: dict[int, datetime] = {}
    begun: dict[int, datetime] = {}
    for row in Assignment.objects.filter(agent__in=by_user, done_at__isnull=True).select_related("item"):
        agent = by_user[row.agent_id]
        agent.units_used += row.units
        agent.channels[row.channel] += 1
        if row.ended_at is not None:
            wrapping[row.agent_id] = min(row.ended_at, wrapping.get(row.agent_id, row.ended_at))
        elif row.item.handing != Handing.PULL or row.channel != ContactChannel.MAIL:
            live[row.agent_id] += 1
            begun[row.agent_id] = min(row.begun_at, begun.get(row.agent_id, row.begun_at))
    day = at - timedelta(hours=12)
    offers = Offer.objects.filter(
        agent__in=by_user, made_at__gte=day, state__in=[Offer.State.PENDING, Offer.State.TIMEOUT]
    )
    for made in offers.order_by().values("agent_id", "state").annotate(n=Count("pk"), held=Sum("units")):
        agent = by_user[made["agent_id"]]
        if made["state"] == Offer.State.PENDING:
            agent.units_offered = made["held"]
        else:
            agent.missed_today = made["n"]
    taken = Assignment.objects.filter(agent__in=by_user, begun_at__gte=day).order_by()
    for user, count in taken.values_list("agent").annotate(n=Count("pk")):
        by_user[user].begun_today = count
    open_breaks = (BreakRequest.State.ASKED, BreakRequest.State.APPROVED, BreakRequest.State.TAKEN)
    for asked in BreakRequest.objects.filter(user__in=by_user, state__in=open_breaks).select_related("reason"):
        by_user[asked.user_id].break_asked = asked
    for key, agent in by_user.items():
        _place(agent, live[key], begun.get(key), wrapping.get(key))
    return list(by_user.values())


_GROUPS = {
    States.NOT_READY: "not-ready",
    States.BREAK: "break",
    States.RONA: "missed",
    States.DISCONNECTED: "lost",
    States.OFFLINE: "offline",
}


def _place(agent: AgentNow, live: int, begun: datetime | None, wrapping: datetime | None) -> None:
    """Ready, on contacts and wrapping up are told apart by what he has in hand; mail he took himself keeps him ready."""
    presence = agent.presence
    if presence is None:
        return
    agent.since = presence.since_at
    if presence.state != States.READY:
        agent.group = _GROUPS[States(presence.state)]
    elif live or agent.units_used >= presence.units:
        agent.group, agent.since = "busy", begun or presence.since_at
    elif wrapping is not None:
        agent.group, agent.since = "wrapup", wrapping
    else:
        agent.group = "ready"
        agent.since = max(presence.since_at, presence.idle_since_at or presence.since_at)


def _look_ahead(board: Board, rows: Sequence[Queue], at: datetime) -> None:
    """What the coming hour brings and takes. Three queries."""
    arrivals, handled, patient = _usual(rows, at)
    by_team: dict[int, list[QueueNow]] = defaultdict(list)
    for here in board.queues:
        by_team[here.queue.team_id].append(here)
        here.expected = arrivals[here.queue.pk] if here.hands_out else None
    for team, own in by_team.items():
        crew = [agent for agent in board.agents if team in agent.teams]
        for here in own:
            board.streams[here.queue.pk] = Stream(
                here.queue.pk,
                here.expected.contacts if here.expected is not None else None,
                handled.get(here.queue.pk),
                patient.get(here.queue.pk),
                here.target,
                float(here.rules.target_seconds),
                _places(crew, here),
            )
            here.ready = sum(agent.group == "ready" for agent in crew)
            here.busy = sum(agent.group in {"busy", "wrapup"} for agent in crew)
            here.at_desk = sum(agent.presence is not None and agent.presence.state in AT_DESK for agent in crew)
        line = line_of([board.streams[here.queue.pk] for here in own])
        if line is not None:
            board.lines[team] = line
    for team, own in by_team.items():
        board.working[team] = sum(share_of(board, agent, team) for agent in board.agents if agent.is_working)
        found = outlook([board.streams[here.queue.pk] for here in own], board.working[team])
        for here in own:
            here.outlook = found[here.queue.pk]


#: The coming hour, handling times and patience of seven days: read over many rows, and the same for a minute.
Usual = tuple[dict[int, Expected | None], dict[int, float], dict[int, float]]
_usual_of: dict[tuple[int, ...], tuple[datetime, Usual]] = {}
_USUAL_FOR = timedelta(seconds=60)
_BOARDS_KEPT = 64


def _usual(rows: Sequence[Queue], at: datetime) -> Usual:
    keys = tuple(queue.pk for queue in rows)
    kept = _usual_of.get(keys)
    if kept is None or abs(at - kept[0]) > _USUAL_FOR:
        if len(_usual_of) >= _BOARDS_KEPT:
            _usual_of.clear()
        arrivals = expected(rows, {queue.pk: queue.first_at for queue in rows}, at)  # type: ignore[attr-defined]
        kept = _usual_of[keys] = (at, (arrivals, handling(keys, at), patiences(keys, at)))
    return kept[1]


def _places(crew: Iterable[AgentNow], here: QueueNow) -> float:
    """Contacts of the queue an agent has at once: of the channel it hands out that holds the most of him."""
    channels = [c for c in ContactChannel.values if here.rules.handing(c) != Handing.PULL]
    # Callbacks are offered everywhere by default and hold a whole agent; they are few, and chats or mail are what comes.
    main = [c for c in channels if c != ContactChannel.CALLBACK] or channels
    working = [agent for agent in crew if agent.is_working] or list(crew)
    if not main or not working:
        return 1.0
    return min(sum(agent.places(channel) for agent in working) / len(working) for channel in main)


def share_of(board: Board, agent: AgentNow, team: int) -> float:
    """The part of an agent's work that goes to one of his teams: by the traffic of each; without traffic, even parts."""
    if team not in agent.teams:
        return 0.0
    loads = {key: board.lines[key].load for key in agent.teams if key in board.lines}
    total = sum(loads.values())
    return loads.get(team, 0.0) / total if total else 1.0 / len(agent.teams)


def _asks(agent: AgentNow) -> bool:
    return agent.break_asked is not None and agent.break_asked.state == BreakRequest.State.ASKED


def _effect_of(board: Board, agent: AgentNow) -> BreakAsked:
    request = agent.break_asked
    assert request is not None
    request.user = agent.user
    effects = [e for e in (effect_on(board, agent, here, leaves=True) for here in board.queues) if e is not None]
    worst = min(effects, key=lambda e: (e.without - e.target, e.without - e.with_agent), default=None)
    return BreakAsked(request, worst, agent.is_working)


def effect_on(board: Board, agent: AgentNow, here: QueueNow, *, leaves: bool) -> Effect | None:
    """What it does to a queue when the agent leaves (or comes); None: it is not his queue, or nothing is forecast."""
    team = here.queue.team_id
    line, stream = board.lines.get(team), board.streams[here.queue.pk]
    if team not in agent.teams or line is None or here.outlook.level is None:
        return None
    share, working = share_of(board, agent, team), board.working[team]
    if leaves:
        without = working - share if agent.is_working else working
        return Effect(here.queue, here.target, level_with(line, stream, working), level_with(line, stream, without))
    more = working + (0.0 if agent.is_working else share)
    return Effect(here.queue, here.target, level_with(line, stream, more), level_with(line, stream, working))


def _waiting(actor: Actor, queues: dict[int, QueueNow]) -> tuple[list[WaitingNow], int]:
    """The contacts that wait, those served first at the head, and how many there are in all. Three queries."""
    rows = list(
        WorkItem.objects.filter(queue__in=queues, state__in=[Items.WAITING, Items.OFFERED, Items.RESERVED])
        .filter(Q(ticket__in=Ticket.objects.visible_to(actor)))
        .select_related("ticket__customer")
        .order_by("vtime", "pk")[:WAITING_SHOWN]
    )
    keys = [row.pk for row in rows]
    offered = {
        offer.item_id: offer.agent
        for offer in Offer.objects.filter(item__in=keys, state=Offer.State.PENDING).select_related("agent")
    }
    reasons = dict(
        Decision.objects.filter(item__in=keys, kind="wait")
        .order_by("item_id", "-at", "-pk")
        .distinct("item_id")
        .values_list("item_id", "record")
    )
    for row in rows:
        row.queue = queues[row.queue_id].queue
    count = max(len(rows), sum(here.waiting for here in queues.values()))
    return [WaitingNow(row, offered.get(row.pk), reasons.get(row.pk)) for row in rows], count
