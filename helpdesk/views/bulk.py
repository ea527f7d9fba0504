"""Changes of several tickets at once, a part of the selection at a time, and taking them back.

The desk's script sends the selection in parts and shows how far it is; nothing is left half-done on a ticket when it stops.
Without a script the form changes what is ticked on the page, with a sentence on the next one.
"""

from __future__ import annotations

from dataclasses import asdict

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from helpdesk.access import actor_of, may
from helpdesk.actions import BadInput
from helpdesk.actions.bulk import Change, Outcome, change_tickets, undo_tickets
from helpdesk.models import Priority, Queue, Status, Tag, Ticket, User
from helpdesk.queries.colleagues import colleagues_of
from helpdesk.queries.inbox import inbox_page
from helpdesk.views.answers import in_sentences, is_partial
from helpdesk.views.inbox import door_of, place_of
from helpdesk.views.ticket_changes import snooze_until

#: So many tickets can be selected at once, and so many changed by one request.
SELECTED_MOST = 500
PART_MOST = 100
_STATUSES = {Status.OPEN, Status.PENDING, Status.ON_HOLD, Status.SNOOZED, Status.RESOLVED, Status.CLOSED, Status.SPAM}
_OFFERED = 300


@require_GET
def menus(request: HttpRequest) -> HttpResponse:
    """What can be chosen for a selection: colleagues, queues, tags; fetched when somebody first selects a row."""
    actor = actor_of(request)
    return render(
        request,
        "desk/_bulk_more.html",
        {
            "people": colleagues_of(actor).order_by("name", "pk")[:_OFFERED],
            "queues": Queue.objects.visible_to(actor).filter(is_active=True),
            "priorities": list(reversed(Priority.choices)),
            "known_tags": Tag.objects.values_list("name", flat=True)[:_OFFERED],
            "may_move": may(actor, "ticket.move"),
        },
    )


@require_GET
def selection(request: HttpRequest, slug: str) -> JsonResponse:
    """The numbers of all tickets of a view, up to SELECTED_MOST, in its order."""
    place = place_of(request, slug, request.GET, counted=False)
    wanted = place.shelf.filter
    if wanted.text:
        raise Http404  # of what was found by words only the rows shown can be selected
    page = inbox_page(actor_of(request), wanted, size=SELECTED_MOST, door=door_of(request))
    return JsonResponse({"numbers": [row.number for row in page.tickets], "more": bool(page.next_cursor)})


@require_POST
@in_sentences
def bulk(request: HttpRequest) -> HttpResponse:
    """One change to the tickets `number`; JSON for the script: what took it, and what did not with its reason."""
    outcome = change_tickets(tickets=_selected(request), actor=actor_of(request), change=_change(request))
    return _answer(request, outcome)


@require_POST
@in_sentences
def undo(request: HttpRequest) -> HttpResponse:
    """Takes a change back: `made` holds number:first:last of each ticket, as the change answered."""
    made: dict[int, tuple[int, int]] = {}
    for words in request.POST.getlist("made")[:PART_MOST]:
        parts = words.split(":")
        if len(parts) == 3 and all(part.isdecimal() and len(part) < 19 for part in parts):
            made[int(parts[0])] = (int(parts[1]), int(parts[2]))
    tickets = _tickets(request).filter(number__in=list(made))
    return _answer(request, undo_tickets(tickets=tickets, actor=actor_of(request), made=made))


def _tickets(request: HttpRequest) -> QuerySet[Ticket]:
    return door_of(request).select_related("queue", "merged_into").order_by("pk")


def _selected(request: HttpRequest) -> list[Ticket]:
    numbers = [int(n) for n in request.POST.getlist("number") if n.isdecimal() and len(n) < 19]
    if not numbers:
        raise BadInput(_("Select at least one ticket."))
    if len(numbers) > PART_MOST:
        raise BadInput(_("At most %(n)s tickets can be changed at once.") % {"n": PART_MOST})
    return list(_tickets(request).filter(number__in=numbers))


def _change(request: HttpRequest) -> Change:
    """The change the form names in `change`: a status, me, nobody, owner, queue, priority, tag or untag."""
    wanted = request.POST.get("change", "")
    what, _sign, value = wanted.partition(":")
    value = value or request.POST.get(what, "")
    if what in _STATUSES:
        return Change(status=what, snoozed_until=snooze_until(value) if what == Status.SNOOZED else None)
    if what == "me" and isinstance(request.user, User):
        return Change(owner=request.user)
    if what == "nobody":
        return Change(drop_owner=True)
    if what == "priority" and value.isdecimal() and int(value) in Priority.values:
        return Change(priority=int(value))
    if what == "owner":
        return Change(owner=get_object_or_404(colleagues_of(actor_of(request)), pk=_key(value)))
    if what == "queue":
        return Change(queue=get_object_or_404(Queue.objects.visible_to(actor_of(request)), pk=_key(value)))
    if what in {"tag", "untag"}:
        names = tuple(name.strip() for name in (value or request.POST.get("tag", "")).split(",") if name.strip())
        if not names:
            raise BadInput(_("A tag needs at least one letter."))
        return Change(add_tags=names) if what == "tag" else Change(remove_tags=names)
    raise BadInput(_("Choose what to do with the selected tickets."))


def _key(value: str) -> int:
    if not value.isdecimal() or len(value) > 18:
        raise Http404
    return int(value)


def _answer(request: HttpRequest, outcome: Outcome) -> HttpResponse:
    if is_partial(request):
        return JsonResponse(asdict(outcome))
    words = _("Changed: %(done)s of %(all)s.") % {
        "done": len(outcome.done),
        "all": len(outcome.done) + len(outcome.refused),
    }
    reasons = " ".join(f"#{refused.number}: {refused.reason}" for refused in outcome.refused[:5])
    messages.info(request, f"{words} {reasons}".strip())
    return HttpResponseRedirect(reverse("home"))
