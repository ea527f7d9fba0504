"""Breaks: asked for, approved by a lead or by the policy, begun when the last contact is wrapped up, over by the clock."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, realtime
from helpdesk.actions import BadInput
from helpdesk.models import SYSTEM, Actor, User
from helpdesk.now import now
from routing.actions.agents import changed, ensure_over, enter_state, lock_presence
from routing.models import (
    AgentPresence,
    AgentState,
    Assignment,
    BreakRequest,
    ContactChannel,
    NotReadyReason,
    Offer,
    TeamRouting,
)

States = BreakRequest.State
_OPEN = (States.ASKED, States.APPROVED, States.TAKEN)


@transaction.atomic
def ask_for_break(*, user: User, reason: NotReadyReason, minutes: int = 0) -> BreakRequest:
    """Asks; the policy approves at once while few enough are on break and leads need not decide. Raises BadInput."""
    actor = Actor.of(user)
    access.ensure(actor, "agent.own_state")
    if not reason.is_break or not reason.is_active:
        raise BadInput(_("Choose a kind of break."))
    presence = lock_presence(user)
    if BreakRequest.objects.filter(user=user, state__in=_OPEN).exists():
        raise BadInput(_("You have asked for a break already. Withdraw it first."))
    policy = _policy(user)
    request = BreakRequest.objects.create(
        user=user, reason=reason, minutes=minutes or policy.break_minutes, asked_at=now()
    )
    if policy.break_floor and _on_break(user) < policy.max_on_break:
        _approve(request, None)
        if begin_if_free(presence):
            request.refresh_from_db(fields=["state", "ends_at"])
    changed(presence)
    return request


@transaction.atomic
def decide_break(*, request: BreakRequest, actor: Actor, approve: bool, note: str = "") -> BreakRequest:
    """A lead says yes or no. Raises NotAllowed, and BadInput when it is decided already."""
    access.ensure(actor, "break.decide")
    ensure_over(actor, request.user)
    presence = lock_presence(request.user)
    request = BreakRequest.objects.select_for_update(of=("self",)).select_related("user", "reason").get(pk=request.pk)
    if request.state != States.ASKED:
        raise BadInput(_("This break is decided already."))
    request.note = note[:200]
    if approve:
        _approve(request, actor)
        if begin_if_free(presence):
            request.refresh_from_db(fields=["state", "ends_at"])
    else:
        request.state, request.decided_at, request.decided_by = States.REFUSED, now(), actor.user
        request.save(update_fields=["state", "decided_at", "decided_by", "note"])
    changed(presence)
    return request


@transaction.atomic
def withdraw_break(*, user: User) -> None:
    """The agent does not want it any more, or comes back from it early."""
    presence = lock_presence(user)
    request = BreakRequest.objects.select_for_update(of=("self",)).filter(user=user, state__in=_OPEN).first()
    if request is None:
        raise BadInput(_("There is no break to end."))
    taken = request.state == States.TAKEN
    request.state, request.ends_at = (States.OVER if taken else States.WITHDRAWN), now()
    request.save(update_fields=["state", "ends_at"])
    if taken:
        enter_state(presence, AgentState.READY, actor=Actor.of(user))
    changed(presence)


def begin_if_free(presence: AgentPresence) -> bool:
    """Begins an approved break of a locked agent who handles nothing that waits for him; mail can wait. True if it began."""
    request = BreakRequest.objects.filter(user=presence.user, state=States.APPROVED).select_related("reason").first()
    if request is None or presence.state in {AgentState.OFFLINE, AgentState.DISCONNECTED}:
        return False
    live = Assignment.objects.filter(agent=presence.user, done_at__isnull=True).exclude(channel=ContactChannel.MAIL)
    offered = Offer.objects.filter(agent=presence.user, state=Offer.State.PENDING)
    if live.exists() or offered.exists():
        return False
    request.state, request.ends_at = States.TAKEN, now() + timedelta(minutes=request.minutes)
    request.save(update_fields=["state", "ends_at"])
    enter_state(presence, AgentState.BREAK, actor=SYSTEM, reason=request.reason)
    return True


@transaction.atomic
def sweep_breaks() -> int:
    """Begins approved breaks of those who have become free; returns how many. Who overstays is shown, not moved."""
    begun = 0
    for user_id in list(BreakRequest.objects.filter(state=States.APPROVED).values_list("user_id", flat=True)[:200]):
        begun += begin_if_free(lock_presence(User.objects.get(pk=user_id)))
    return begun


def _approve(request: BreakRequest, actor: Actor | None) -> None:
    request.state, request.decided_at = States.APPROVED, now()
    request.decided_by = actor.user if actor is not None else None
    request.save(update_fields=["state", "decided_at", "decided_by", "note"])
    realtime.publish(realtime.user_group(request.user_id), {"type": "agent.changed"})


def _policy(user: User) -> TeamRouting:
    """Of several teams' policies the one that lets the fewest go."""
    found = TeamRouting.objects.filter(team__memberships__user=user).order_by("max_on_break", "pk").first()
    return found or TeamRouting()


def _on_break(user: User) -> int:
    teams = user.memberships.values_list("team_id", flat=True)
    return (
        AgentPresence.objects.filter(state=AgentState.BREAK, user__memberships__team__in=list(teams)).distinct().count()
    )
