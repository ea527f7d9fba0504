"""What an agent is: ready, not ready with a reason, on break, offline, lost. The only writer of AgentPresence and its log.

Called by the state bar, by leads, by the staff socket (heartbeats) and by the dispatcher's sweeps. Every change closes the open
AgentStateInterval and begins the next in the same transaction, so that the log has no gap and no overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, realtime
from helpdesk.actions import BadInput
from helpdesk.models import SYSTEM, Actor, User
from helpdesk.now import now
from routing.actions import mark_dirty
from routing.models import (
    AgentPresence,
    AgentState,
    AgentStateInterval,
    BreakRequest,
    ContactChannel,
    Dirty,
    NotReadyReason,
)

#: Beats come every ten seconds; who is silent for longer than this has lost the connection.
LOST_AFTER = timedelta(seconds=25)
#: A short spell of not ready does not send an agent to the end of the longest idle.
SHORT_SPELL = timedelta(seconds=10)
#: What a person may choose for himself. Missed offers and lost connections are found, never chosen.
CHOSEN = (AgentState.READY, AgentState.NOT_READY, AgentState.OFFLINE)


@transaction.atomic
def set_agent_state(
    *, user: User, actor: Actor, state: AgentState, reason: NotReadyReason | None = None
) -> AgentPresence:
    """The agent becomes ready, not ready or offline, by himself or by a lead of his.

    Raises NotAllowed for somebody else's state without the right, BadInput for not ready without a reason, for a reason
    that needs a lead's approval, and for a state that nobody chooses.
    """
    ensure_over(actor, user)
    if state not in CHOSEN:
        raise BadInput(_("Choose ready, not ready or offline."))
    if state == AgentState.NOT_READY and reason is None:
        raise BadInput(_("Choose a reason for being not ready."))
    if reason is not None and reason.is_break and actor.user == user:
        raise BadInput(_("A break is asked for, not taken: choose “Ask for a break”."))
    presence = lock_presence(user)
    _end_breaks(user, was_on_break=presence.state == AgentState.BREAK, goes=state == AgentState.OFFLINE)
    return enter_state(presence, state, actor=actor, reason=reason if state == AgentState.NOT_READY else None)


def _end_breaks(user: User, *, was_on_break: bool, goes: bool) -> None:
    """Who chooses another state is back from his break; who goes home wants none any more."""
    mine = BreakRequest.objects.filter(user=user)
    if was_on_break:
        mine.filter(state=BreakRequest.State.TAKEN).update(state=BreakRequest.State.OVER, ends_at=now())
    if goes:
        waiting = mine.filter(state__in=[BreakRequest.State.ASKED, BreakRequest.State.APPROVED])
        waiting.update(state=BreakRequest.State.WITHDRAWN)


@transaction.atomic
def set_channels(*, user: User, actor: Actor, channels: Sequence[str]) -> AgentPresence:
    """Which channels the agent accepts from now on. What he has stays with him. Raises BadInput for an unknown channel."""
    ensure_over(actor, user)
    unknown = sorted(set(channels) - set(ContactChannel.values))
    if unknown:
        raise BadInput(_("There is no channel “%(name)s”.") % {"name": unknown[0]})
    presence = lock_presence(user)
    presence.accepts = [channel for channel in ContactChannel.values if channel in set(channels)]
    presence.save(update_fields=["accepts"])
    changed(presence)
    return presence


def ensure_over(actor: Actor, user: User) -> None:
    """Raises NotAllowed unless it is the actor's own state, or he leads a team of that agent, or manages all."""
    if actor.user == user:
        access.ensure(actor, "agent.own_state")
        return
    access.ensure(actor, "agent.set_state")
    if not actor.sees_everything and not user.memberships.filter(team_id__in=actor.led_team_ids()).exists():
        raise access.NotAllowed(_("Only leads of this agent's teams may do that."))


def lock_presence(user: User) -> AgentPresence:
    """The agent's row, locked; made offline when there is none."""
    at = now()
    AgentPresence.objects.bulk_create(
        [AgentPresence(user=user, since_at=at, accepts=list(ContactChannel.values))], ignore_conflicts=True
    )
    presence = AgentPresence.objects.select_for_update(of=("self",)).select_related("user").get(user=user)
    if presence.since_at == at:
        AgentStateInterval.objects.create(
            user=user, state=presence.state, begun_at=at, actor_kind=SYSTEM.kind, actor_id=None
        )
    return presence


def enter_state(
    presence: AgentPresence,
    state: AgentState,
    *,
    actor: Actor,
    reason: NotReadyReason | None = None,
) -> AgentPresence:
    """Puts a locked row into `state`: closes the open stretch of the log, begins the next, rings at desk and board."""
    at = now()
    same = presence.state == state and presence.reason_id == (reason.pk if reason else None)
    if not same:
        AgentStateInterval.objects.filter(user=presence.user, ended_at__isnull=True).update(ended_at=at)
        AgentStateInterval.objects.create(
            user=presence.user, state=state, reason=reason, begun_at=at, actor_kind=actor.kind, actor_id=actor.id
        )
    if state == AgentState.READY:
        was_short = presence.state == AgentState.NOT_READY and at - presence.since_at < SHORT_SPELL
        if presence.state != AgentState.READY and not (was_short and presence.idle_since_at):
            presence.idle_since_at = at
        presence.missed = 0
        presence.returns_at = None
    if not same:
        presence.state, presence.reason, presence.since_at = state, reason, at
    presence.seen_at = at if state != AgentState.OFFLINE else presence.seen_at
    presence.save(update_fields=["state", "reason", "since_at", "seen_at", "idle_since_at", "missed", "returns_at"])
    changed(presence)
    return presence


def changed(presence: AgentPresence) -> None:
    """The dispatcher looks at the agent again; his own bars and everybody's lists of colleagues are fetched anew."""
    mark_dirty(Dirty.Kind.AGENT, [presence.user_id])
    realtime.publish_many(
        [
            (realtime.user_group(presence.user_id), {"type": "agent.changed"}),
            (realtime.DESK_GROUP, {"type": "colleagues.changed", "tab": ""}),
        ]
    )


def beat(*, user: User) -> None:
    """A sign of life from one of the agent's tabs: one statement, and two more when he was taken for lost."""
    at = now()
    alive = AgentPresence.objects.filter(user=user).exclude(state__in=[AgentState.OFFLINE, AgentState.DISCONNECTED])
    if (
        alive.update(seen_at=at) == 0
        and AgentPresence.objects.filter(user=user, state=AgentState.DISCONNECTED).exists()
    ):
        _come_back(user)


@transaction.atomic
def _come_back(user: User) -> None:
    """Who was lost is again what he was before, for the break of a line is nobody's choice."""
    presence = lock_presence(user)
    if presence.state != AgentState.DISCONNECTED:
        return
    before = (
        AgentStateInterval.objects.filter(user=user, ended_at__isnull=False)
        .select_related("reason")
        .order_by("-begun_at", "-pk")
        .first()
    )
    state = AgentState(before.state) if before is not None else AgentState.READY
    enter_state(presence, state, actor=SYSTEM, reason=before.reason if before is not None else None)


@transaction.atomic
def sweep_lost_agents() -> list[int]:
    """Those whose every tab has been silent for 25 s are disconnected; returns their keys."""
    silent = (
        AgentPresence.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("user")
        .filter(seen_at__lt=now() - LOST_AFTER)
        .exclude(state__in=[AgentState.OFFLINE, AgentState.DISCONNECTED])
        .order_by("user_id")[:200]
    )
    lost = list(silent)
    for presence in lost:
        enter_state(presence, AgentState.DISCONNECTED, actor=SYSTEM)
        presence.seen_at = None
        presence.save(update_fields=["seen_at"])
    return [presence.user_id for presence in lost]


@transaction.atomic
def sweep_returns() -> int:
    """Those who missed offers and whose queue lets them back after a while are ready again; returns how many."""
    back = list(
        AgentPresence.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("user")
        .filter(state=AgentState.RONA, returns_at__lte=now())
        .order_by("user_id")[:200]
    )
    for presence in back:
        enter_state(presence, AgentState.READY, actor=SYSTEM)
    return len(back)
