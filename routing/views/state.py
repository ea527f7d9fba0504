"""The state bar: what the agent is, which channels he accepts, his break, his wrap-ups. Each change calls one action."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from helpdesk.access import actor_of, ensure
from helpdesk.actions import BadInput
from helpdesk.actions.desk_settings import keep_desk_settings
from helpdesk.views.answers import bundle, in_sentences, is_partial
from routing.actions.agents import set_agent_state, set_channels
from routing.actions.breaks import ask_for_break, withdraw_break
from routing.actions.handling import extend_wrapup, finish_wrapup
from routing.models import AgentState, Assignment, BreakRequest, Disposition, NotReadyReason
from routing.views.answers import pieces, user_of

_LONGEST_BREAK_MINUTES = 480


def _key(request: HttpRequest, name: str) -> int:
    sent = request.POST.get(name, "")
    return int(sent) if sent.isdecimal() and len(sent) < 10 else 0


@require_GET
@in_sentences
def bar(request: HttpRequest) -> HttpResponse:
    """The bar and the open offers: fetched when a page has loaded, when a doorbell rings, after each gap of the line."""
    ensure(actor_of(request), "agent.own_state")
    return pieces(request)


@require_POST
@in_sentences
def change(request: HttpRequest) -> HttpResponse:
    """Becomes `state`: ready, not_ready with the key of a `reason`, offline."""
    wanted = request.POST.get("state", "")
    if wanted not in AgentState.values:
        raise BadInput(_("Choose ready, not ready or offline."))
    reason = NotReadyReason.objects.filter(pk=_key(request, "reason"), is_active=True).first()
    set_agent_state(user=user_of(request), actor=actor_of(request), state=AgentState(wanted), reason=reason)
    return pieces(request)


@require_POST
@in_sentences
def channels(request: HttpRequest) -> HttpResponse:
    """Accepts the channels named `channel` from now on, and no others."""
    set_channels(user=user_of(request), actor=actor_of(request), channels=request.POST.getlist("channel"))
    # the switches show it already, and the menu they stand in stays open
    return bundle(request, [], {}) if is_partial(request) else pieces(request)


@require_POST
@in_sentences
def sound(request: HttpRequest) -> HttpResponse:
    """Offers `ring` (1), or come up without a sound."""
    ensure(actor_of(request), "agent.own_state")
    user = keep_desk_settings(
        user=user_of(request), changes={"quiet_offers": None if request.POST.get("ring") else True}
    )
    user_of(request).desk_settings = user.desk_settings
    return pieces(request)


@require_POST
@in_sentences
def ask_break(request: HttpRequest) -> HttpResponse:
    """Asks for a break of the kind `reason`, of so many `minutes` or as long as the team's breaks are."""
    ensure(actor_of(request), "agent.own_state")
    reason = NotReadyReason.objects.filter(pk=_key(request, "reason"), is_active=True, is_break=True).first()
    if reason is None:
        raise BadInput(_("Choose a kind of break."))
    minutes = min(_key(request, "minutes"), _LONGEST_BREAK_MINUTES)
    asked = ask_for_break(user=user_of(request), reason=reason, minutes=minutes)
    words = {
        BreakRequest.State.ASKED: _("You asked for a break. A lead decides."),
        BreakRequest.State.APPROVED: _("Your break is approved: it begins when your contacts are wrapped up."),
        BreakRequest.State.TAKEN: _("Your break has begun."),
    }
    return pieces(request, words.get(BreakRequest.State(asked.state), ""))


@require_POST
@in_sentences
def end_break(request: HttpRequest) -> HttpResponse:
    """Withdraws what was asked for, or comes back from the break."""
    ensure(actor_of(request), "agent.own_state")
    withdraw_break(user=user_of(request))
    return pieces(request)


def _own_assignment(request: HttpRequest, pk: int) -> Assignment:
    rows = Assignment.objects.select_related("item__ticket__queue", "item__queue")
    return get_object_or_404(rows, pk=pk, agent=user_of(request))


@require_POST
@in_sentences
def wrapup_done(request: HttpRequest, pk: int) -> HttpResponse:
    """The wrap-up is over, with its `disposition` and `note`."""
    row = _own_assignment(request, pk)
    chosen = Disposition.objects.filter(pk=_key(request, "disposition"), is_active=True).first()
    if chosen is not None and chosen.queue_id not in {None, row.item.queue_id}:
        raise BadInput(_("This outcome belongs to another queue. Choose one of the list."))
    finish_wrapup(
        assignment=row, actor=actor_of(request), disposition=chosen, note=request.POST.get("note", "").strip()
    )
    return pieces(request, _("The wrap-up is over."))


@require_POST
@in_sentences
def wrapup_extend(request: HttpRequest, pk: int) -> HttpResponse:
    """More time for the wrap-up, once."""
    extend_wrapup(assignment=_own_assignment(request, pk), actor=actor_of(request))
    return pieces(request)
