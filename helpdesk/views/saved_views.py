"""Saved views: keep the current filter under a name, rename, refilter, share, move, delete it, and bring it back."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from helpdesk.access import actor_of, ensure
from helpdesk.actions import BadInput
from helpdesk.actions.saved_views import (
    delete_view,
    move_view,
    refilter_view,
    rename_view,
    restore_view,
    save_view,
    share_view,
)
from helpdesk.models import Actor, SavedView, Team
from helpdesk.views.answers import bundle, in_sentences, is_partial, toast
from helpdesk.views.inbox import filter_of, list_context, place_of

_SALT = "helpdesk.saved-view"
_UNDO_SECONDS = 600


def _there(request: HttpRequest, slug: str) -> HttpResponse:
    """The next page, both for the desk's script and for a browser without it."""
    address = reverse("inbox", args=[slug])
    if not is_partial(request):
        return HttpResponseRedirect(address)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = address
    return response


def _answer(request: HttpRequest, slug: str, words: str, undo_url: str = "") -> HttpResponse:
    """The list of `slug` in the place of the one shown, with a toast."""
    if not is_partial(request):
        return HttpResponseRedirect(reverse("inbox", args=[slug]))
    context = list_context(request, place_of(request, slug, QueryDict()))
    response = bundle(
        request,
        ["desk/_title.html", "desk/_nav_body.html", "desk/_list.html"],
        context,
        extra=toast(words, undo_url=undo_url),
    )
    response["HX-Address"] = reverse("inbox", args=[slug])
    return response


def _filters(request: HttpRequest) -> dict[str, Any]:
    """The filter of the form, as a view keeps it. Raises BadInput for one that says nothing or nonsense."""
    wanted, problems = filter_of(request.POST)
    if problems:
        raise BadInput(problems[0])
    if not wanted.is_narrow:
        raise BadInput(_("Choose a filter first: an empty one would show everything."))
    return wanted.to_dict()


def _audience(request: HttpRequest, actor: Actor) -> tuple[bool, Team | None]:
    """Whom a view is shared with: nobody, everybody, or a team the actor knows."""
    chosen = request.POST.get("shared", "")
    if chosen.isdecimal():
        teams = Team.objects.all() if actor.sees_everything else Team.objects.filter(pk__in=actor.team_ids())
        return False, get_object_or_404(teams, pk=int(chosen))
    return chosen in {"all", "on"}, None


@require_POST
@in_sentences
def create(request: HttpRequest) -> HttpResponse:
    """Keeps the filter of the form as a view of one's own, of a team, or for everybody."""
    actor = actor_of(request)
    ensure(actor, "view.save")
    shared, team = _audience(request, actor)
    view = save_view(
        actor=actor, name=request.POST.get("name", ""), filters=_filters(request), shared=shared, team=team
    )
    return _there(request, f"saved-{view.pk}")


@require_POST
@in_sentences
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """One change of a saved view: `do` is rename, filter, share, up, down or delete."""
    actor = actor_of(request)
    view = get_object_or_404(SavedView.objects.visible_to(actor), pk=pk)
    ensure(actor, "view.save")
    slug, what = f"saved-{view.pk}", request.POST.get("do", "rename")
    if what == "delete":
        kept = delete_view(view=view, actor=actor)
        token = signing.dumps([actor.id, kept], salt=_SALT, compress=True)
        undo = f"{reverse('saved_view_restore')}?view={token}"
        return _answer(request, "team", _("The view “%(name)s” is deleted.") % {"name": view.name}, undo)
    if what == "filter":
        refilter_view(view=view, actor=actor, filters=_filters(request))
        return _there(request, slug)
    if what == "share":
        shared, team = _audience(request, actor)
        share_view(view=view, actor=actor, shared=shared, team=team)
        return _answer(request, slug, _shared_words(view))
    if what in {"up", "down"}:
        move_view(view=view, actor=actor, by=-1 if what == "up" else 1)
        return _answer(request, slug, _("The view is moved."))
    rename_view(view=view, actor=actor, name=request.POST.get("name", ""))
    return _answer(request, slug, _("The view is called “%(name)s” now.") % {"name": view.name})


def _shared_words(view: SavedView) -> str:
    if view.team is not None:
        return _("The team %(team)s sees the view “%(name)s” now.") % {"team": view.team, "name": view.name}
    if view.owner_id is None:
        return _("Everybody sees the view “%(name)s” now.") % {"name": view.name}
    return _("The view “%(name)s” is yours alone now.") % {"name": view.name}


@require_POST
@in_sentences
def restore(request: HttpRequest) -> HttpResponse:
    """Brings back a view that was deleted a moment ago, by the signed words of its undo."""
    actor = actor_of(request)
    ensure(actor, "view.save")
    try:
        by, kept = signing.loads(request.GET.get("view", ""), salt=_SALT, max_age=_UNDO_SECONDS)
    except signing.BadSignature:
        raise BadInput(_("This can no longer be taken back.")) from None
    if by != actor.id:
        raise Http404
    view = restore_view(kept=kept, actor=actor)
    return _answer(request, f"saved-{view.pk}", _("The view “%(name)s” is back.") % {"name": view.name})
