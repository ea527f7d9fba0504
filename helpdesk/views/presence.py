"""Who is here, what is read, who follows: fragments for the header and the list, and the marks a reader sets."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from helpdesk.access import actor_of, ensure
from helpdesk.actions import reading
from helpdesk.models import Ticket
from helpdesk.views.answers import bundle, in_sentences, is_partial, toast
from helpdesk.views.inbox import door_of
from helpdesk.views.ticket import changed, ticket_or_404
from helpdesk.views.ticket_changes import seq_of
from helpdesk.views.viewers import viewers_shown

_ROWS_AT_MOST = 200


@require_GET
@in_sentences
def rows(request: HttpRequest) -> HttpResponse:
    """The badges of the rows asked for (`number`, often) and the faces in the header of the `open` ticket.

    Of tickets one may not see there is nothing.
    """
    ensure(actor_of(request), "presence.view")
    numbers = [int(n) for n in request.GET.getlist("number") if n.isdecimal() and len(n) < 19][:_ROWS_AT_MOST]
    found: list[Ticket] = list(door_of(request).filter(number__in=numbers).only("pk", "number"))
    viewers = viewers_shown(actor_of(request), found)
    slots = [(ticket.number, viewers.get(ticket.pk, [])) for ticket in found]
    faces = [here for number, here in slots if str(number) == request.GET.get("open")]
    templates = ["desk/_row_viewers.html", *(["desk/_viewers.html"] if faces else [])]
    return bundle(request, templates, {"slots": slots, "viewers": faces[0] if faces else []})


@require_POST
@in_sentences
def read(request: HttpRequest, number: int) -> HttpResponse:
    """The page shows the ticket up to `seq`. Answers nothing."""
    found = ticket_or_404(request, number)
    reading.read_ticket(ticket=found, actor=actor_of(request), seq=seq_of(request))
    return HttpResponse(status=204)


@require_POST
@in_sentences
def unread(request: HttpRequest, number: int) -> HttpResponse:
    """The ticket is unread again, for oneself."""
    found = ticket_or_404(request, number)
    reading.mark_unread(ticket=found, actor=actor_of(request))
    if not is_partial(request):
        return HttpResponseRedirect(reverse("ticket", args=[number]))
    response = bundle(request, [], {}, extra=toast(_("#%(number)s is unread again.") % {"number": number}, seconds=4))
    response["HX-Trigger"] = "ticket-unread"
    return response


@require_POST
@in_sentences
def follow(request: HttpRequest, number: int) -> HttpResponse:
    """Follows the ticket (`follow=1`) or follows it no more (`follow=0`)."""
    found, actor = ticket_or_404(request, number), actor_of(request)
    if request.POST.get("follow") == "0":
        reading.unfollow_ticket(ticket=found, actor=actor)
        words = _("You follow #%(number)s no more.")
    else:
        reading.follow_ticket(ticket=found, actor=actor)
        words = _("You follow #%(number)s and hear of what happens to it.")
    if not is_partial(request):
        return HttpResponseRedirect(reverse("ticket", args=[number]))
    return changed(request, found, seq_of(request), extra=toast(words % {"number": number}, seconds=5))
