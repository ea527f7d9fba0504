"""One's own canned responses: seen, written, changed, forgotten; and kept from the composer. Shared ones are the admin's."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from helpdesk import canned as variables
from helpdesk.access import actor_of, ensure
from helpdesk.actions.canned import Entry, delete_response, save_response
from helpdesk.models import Actor, Attachment, CannedResponse
from helpdesk.queries.canned import own_field_names, own_responses
from helpdesk.views.answers import in_sentences, is_partial, toast


@require_http_methods(["GET", "POST"])
@in_sentences
def canned(request: HttpRequest) -> HttpResponse:
    """The list of one's own responses; POST keeps a new one, from here or from the composer."""
    actor = actor_of(request)
    ensure(actor, "canned.save")
    if request.method == "POST":
        made = save_response(actor=actor, entry=_entered(request), uploads=_uploads(request, actor))
        words = _("Kept: type /%(word)s to insert it.") % {"word": made.shortcut}
        return _answer(request, words)
    known = [variables.place(name) for name in (*variables.VARIABLES, *own_field_names())]
    rows = [(row, variables.fill(row.text, variables.EXAMPLE).text) for row in own_responses(actor)]
    return render(request, "desk/canned.html", {"responses": rows, "variables": known})


@require_POST
@in_sentences
def change_canned(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes or deletes a response of one's own. Those of others are not found."""
    actor = actor_of(request)
    ensure(actor, "canned.save")
    response = get_object_or_404(CannedResponse, pk=pk, owner=actor.user)
    if request.POST.get("delete") == "1":
        delete_response(response=response, actor=actor)
        return _answer(request, _("The response is deleted."))
    save_response(actor=actor, response=response, entry=_entered(request))
    return _answer(request, _("The response is changed."))


def _entered(request: HttpRequest) -> Entry:
    return Entry(**{key: request.POST.get(key, "") for key in ("name", "text", "shortcut", "folder", "language")})


def _uploads(request: HttpRequest, actor: Actor) -> list[Attachment]:
    """The files of one's draft that are to travel with the response."""
    keys = []
    for value in request.POST.getlist("file"):
        try:
            keys.append(uuid.UUID(value))
        except ValueError:
            continue
    mine = Attachment.objects.visible_to(actor).filter(public_id__in=keys, message__isnull=True)
    return list(mine.filter(uploaded_by=actor.user)) if keys else []


def _answer(request: HttpRequest, words: str) -> HttpResponse:
    if not is_partial(request):
        return HttpResponseRedirect(reverse("canned"))
    response = HttpResponse(toast(words))
    response["HX-Merge"], response["HX-Trigger"] = "1", "canned-kept"
    return response
