"""Saved views: keep the current filter under a name, rename it, delete it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from helpdesk.access import actor_of, ensure
from helpdesk.actions import BadInput
from helpdesk.actions.saved_views import delete_view, rename_view, save_view
from helpdesk.models import SavedView
from helpdesk.views.answers import in_sentences, is_partial
from helpdesk.views.inbox import filter_of


def _there(request: HttpRequest, slug: str) -> HttpResponse:
    """The next page, both for the desk's script and for a browser without it."""
    address = reverse("inbox", args=[slug])
    if not is_partial(request):
        return HttpResponseRedirect(address)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = address
    return response


@require_POST
@in_sentences
def create(request: HttpRequest) -> HttpResponse:
    """Keeps the filter of the form as a view of one's own, or for everybody."""
    actor = actor_of(request)
    wanted = filter_of(request.POST)
    if not wanted.to_dict():
        raise BadInput(_("Choose a filter first: an empty one would show everything."))
    view = save_view(
        actor=actor,
        name=request.POST.get("name", ""),
        filters=wanted.to_dict(),
        shared=request.POST.get("shared") == "on",
    )
    return _there(request, f"saved-{view.pk}")


@require_POST
@in_sentences
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Renames or deletes a saved view."""
    actor = actor_of(request)
    view = get_object_or_404(SavedView.objects.visible_to(actor), pk=pk)
    ensure(actor, "view.save")
    if request.POST.get("delete") == "1":
        delete_view(view=view, actor=actor)
        return _there(request, "team")
    rename_view(view=view, actor=actor, name=request.POST.get("name", ""))
    return _there(request, f"saved-{view.pk}")
