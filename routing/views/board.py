"""The leads' board: one page, and the parts of it that are fetched again when a doorbell rings.

Those who lead no team are refused (403, row board.view); agents, contacts and teams of others do not exist (404).
"""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from helpdesk import access
from helpdesk.access import actor_of
from helpdesk.actions import BadInput
from helpdesk.actions.assignment import may_own
from helpdesk.models import Actor, Queue, Role, Team, User
from helpdesk.queries.colleagues import colleagues_of
from helpdesk.views.answers import bundle, in_sentences, is_partial, toast
from routing.actions.agents import set_agent_state
from routing.actions.assigning import AgentNotFree, move_waiting
from routing.actions.breaks import decide_break
from routing.models import AgentPresence, AgentState, BreakRequest, NotReadyReason, WorkItem
from routing.queries.board import Board, read_board, teams_of
from routing.views import board_words as words

_PARTS = (
    "routing/_board_alerts.html",
    "routing/_board_queues.html",
    "routing/_board_people.html",
    "routing/_board_waiting.html",
    "routing/_board_breaks.html",
    "routing/_board_wall.html",
)
_CLOSED = "routing/_board_closed.html"


@require_GET
@in_sentences
def board(request: HttpRequest) -> HttpResponse:
    """The page. `team` narrows it to one of the actor's teams; `wall` opens it as a wallboard."""
    return render(request, "routing/board.html", {**_context(request), "is_wall": "wall" in request.GET})


@require_GET
@in_sentences
def parts(request: HttpRequest) -> HttpResponse:
    """All that changes, anew."""
    return bundle(request, _PARTS, _context(request))


@require_http_methods(["GET", "POST"])
@in_sentences
def give(request: HttpRequest, pk: int) -> HttpResponse:
    """The dialog "Give to…" of a waiting contact (GET); gives it to `agent` or `queue` (POST), by `force` to a busy one too."""
    actor = actor_of(request)
    item = get_object_or_404(
        WorkItem.objects.visible_to(actor).select_related("ticket__queue", "ticket__customer", "queue"), pk=pk
    )
    access.ensure(actor, "work.move", item.ticket)
    if request.method == "GET":
        return bundle(request, ["routing/_board_give.html"], _choices(actor, item))
    agent = _person(actor, request.POST.get("agent", ""))
    queue = _queue(actor, request.POST.get("queue", ""))
    if agent is not None and not may_own(agent, item.ticket):
        raise BadInput(
            _(
                "%(name)s is not in the team of %(queue)s: give the contact to a queue of that team, or to somebody else."
            )
            % {"name": agent, "queue": item.queue}
        )
    try:
        move_waiting(item=item, actor=actor, agent=agent, queue=queue, force=request.POST.get("force") == "1")
    except AgentNotFree as refusal:
        context = {"item": item, "agent": agent, "said": str(refusal)}
        return bundle(request, ["routing/_board_force.html"], context, status=409)
    who = item.ticket.customer
    return _answer(request, _("%(who)s is given to %(to)s.") % {"who": who, "to": agent or queue})


@require_http_methods(["GET", "POST"])
@in_sentences
def agent_state(request: HttpRequest, pk: int) -> HttpResponse:
    """The dialog of an agent's state (GET), and setting it: `state`, `reason` (POST)."""
    actor = actor_of(request)
    person = get_object_or_404(colleagues_of(actor), pk=pk)
    access.ensure(actor, "agent.set_state")
    if request.method == "GET":
        presence = AgentPresence.objects.select_related("reason").filter(user=person).first()
        reasons = NotReadyReason.objects.filter(is_active=True)
        return bundle(
            request, ["routing/_board_agent.html"], {"person": person, "presence": presence, "reasons": reasons}
        )
    state, _colon, code = request.POST.get("state", "").partition(":")
    if state not in AgentState.values:
        raise BadInput(_("Choose a state."))
    reason = NotReadyReason.objects.filter(code=code, is_active=True).first() if code else None
    presence = set_agent_state(user=person, actor=actor, state=AgentState(state), reason=reason)
    said = reason or presence.get_state_display()
    return _answer(request, _("%(name)s: %(state)s.") % {"name": person, "state": said})


@require_POST
@in_sentences
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approves (`approve=1`) or refuses (`approve=0`) a break, with a `note` that the agent reads."""
    actor = actor_of(request)
    asked = get_object_or_404(BreakRequest.objects.filter(user__in=colleagues_of(actor)), pk=pk)
    access.ensure(actor, "break.decide")
    if request.POST.get("approve") not in {"0", "1"}:
        raise BadInput(_("Approve or refuse."))
    approve = request.POST["approve"] == "1"
    decided = decide_break(request=asked, actor=actor, approve=approve, note=request.POST.get("note", ""))
    if decided.state == BreakRequest.State.TAKEN:
        said = _("%(name)s is on break now.")
    elif approve:
        said = _("%(name)s goes on break when the contact in hand is done.")
    else:
        said = _("The break of %(name)s is refused.")
    return _answer(request, said % {"name": decided.user})


def _answer(request: HttpRequest, said: str) -> HttpResponse:
    """The board as it is after a change, the dialog closed, and what was done in words."""
    if not is_partial(request):
        return HttpResponseRedirect(reverse("board"))
    return bundle(request, [*_PARTS, _CLOSED], _context(request), extra=toast(said, seconds=5))


def _context(request: HttpRequest) -> dict[str, Any]:
    actor = actor_of(request)
    access.ensure(actor, "board.view")
    teams = teams_of(actor)
    asked = request.GET.get("team", "")
    chosen = _chosen(teams, asked)
    found = read_board(actor, [chosen] if chosen is not None else teams)
    judged = {here.queue.pk: here for here in found.queues}
    return {
        "teams": teams,
        "chosen": chosen,
        "board": found,
        "rows": [words.QueueRow(here, words.state_of(here)) for here in found.queues],
        "changes_at": min((here.changes_at for here in found.queues if here.changes_at is not None), default=None),
        "alerts": words.alerts_of(found),
        "groups": _groups(found),
        "offline": [agent for agent in found.agents if agent.group == "offline"],
        "signed_in": sum(agent.group != "offline" for agent in found.agents),
        "waiting": [
            (one, words.why_waiting(one), words.within(one, judged[one.item.queue_id])) for one in found.waiting
        ],
        "more": max(0, found.waiting_count - len(found.waiting)),
        "query": f"?team={chosen.pk}" if chosen is not None else "",
    }


def _chosen(teams: list[Team], asked: str) -> Team | None:
    if not asked:
        return None
    for team in teams:
        if str(team.pk) == asked:
            return team
    raise Http404


def _groups(found: Board) -> list[tuple[str, str, list[words.AgentRow]]]:
    rows = []
    for group in words.GROUPS:
        own = sorted((a for a in found.agents if a.group == group), key=lambda agent: agent.since or found.at)
        if own:
            rows.append((group, words.group_word(group), [words.agent_row(agent, found.at) for agent in own]))
    return rows


def _choices(actor: Actor, item: WorkItem) -> dict[str, Any]:
    """Whom a contact can be given to: those of its team at work first, and the queues its lead may use."""
    people = list(
        User.objects.filter(is_active=True, memberships__team=item.ticket.queue.team_id)
        .exclude(role=Role.LIGHT)
        .distinct()
        .order_by("name", "pk")
    )
    states = {row.user_id: row for row in AgentPresence.objects.filter(user__in=people).select_related("reason")}
    order = [str(state) for state in words.GROUPS_OF_STATES]
    agents = [(person, states.get(person.pk)) for person in people]
    agents.sort(key=lambda one: order.index(one[1].state if one[1] is not None else str(AgentState.OFFLINE)))
    queues = Queue.objects.visible_to(actor).filter(is_active=True).exclude(pk=item.queue_id)
    return {"item": item, "agents": agents, "queues": queues}


def _person(actor: Actor, sent: str) -> User | None:
    if not sent:
        return None
    key = int(sent) if sent.isdecimal() and len(sent) < 19 else 0
    return get_object_or_404(colleagues_of(actor), pk=key)


def _queue(actor: Actor, sent: str) -> Queue | None:
    if not sent:
        return None
    key = int(sent) if sent.isdecimal() and len(sent) < 10 else 0
    return get_object_or_404(Queue.objects.visible_to(actor).filter(is_active=True), pk=key)
