"""The list of colleagues with what each is doing: his open tabs, and his state where routing knows one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from helpdesk.access import actor_of, ensure
from helpdesk.queries.presence import colleagues_present
from helpdesk.views.answers import in_sentences
from routing.queries.standing import standings


@require_GET
@in_sentences
def colleagues(request: HttpRequest) -> HttpResponse:
    """The colleagues of one's teams with state and load."""
    actor = actor_of(request)
    ensure(actor, "presence.view")
    present = colleagues_present(actor)
    known = standings(one.user.pk for one in present)
    rows = [(one, known.get(one.user.pk)) for one in present]
    return render(request, "routing/_colleagues.html", {"colleagues": rows})
