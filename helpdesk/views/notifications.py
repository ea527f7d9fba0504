"""The bell: its count, its list, reading one or all, answering a colleague from it, and which reasons one wants to hear."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from helpdesk.access import actor_of
from helpdesk.actions import notifying
from helpdesk.actions.desk_settings import keep_desk_settings
from helpdesk.models import Notification, User
from helpdesk.queries.notifications import count_words, is_told_on_desktop, told_to, unread_count, wanted_reasons
from helpdesk.views.answers import bundle, in_sentences, is_partial, toast


def bell_context(request: HttpRequest) -> dict[str, Any]:
    """The count of the bell, and the newest unread words for the system's own notices."""
    actor = actor_of(request)
    count = unread_count(actor)
    newest = told_to(actor, only_unread=True, at_most=1) if count and is_told_on_desktop(_person(request)) else []
    return {"unread": count, "unread_words": count_words(count), "newest": newest[0] if newest else None}


@require_GET
def bell(request: HttpRequest) -> HttpResponse:
    """The count alone."""
    return bundle(request, ["desk/_bell_count.html"], bell_context(request))


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """The newest notifications with what can be done about them."""
    return render(request, "desk/_notifications.html", _list_context(request))


def _list_context(request: HttpRequest) -> dict[str, Any]:
    person = _person(request)
    wanted = wanted_reasons(person)
    return {
        "told": told_to(actor_of(request)),
        "reasons": [(value, label, value in wanted) for value, label in Notification.Reason.choices],
        "is_told_on_desktop": is_told_on_desktop(person),
    }


@require_POST
@in_sentences
def read_all(request: HttpRequest) -> HttpResponse:
    """All of them are read."""
    notifying.read_notifications(actor=actor_of(request))
    return _answer(request)


@require_POST
@in_sentences
def read_one(request: HttpRequest, pk: int) -> HttpResponse:
    """This one is read."""
    notifying.read_notifications(actor=actor_of(request), notification=_own(request, pk))
    return _answer(request)


@require_POST
@in_sentences
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """A note on its ticket that mentions who wrote."""
    found = _own(request, pk)
    notifying.answer_notification(notification=found, actor=actor_of(request), text=request.POST.get("text", ""))
    words = _("Your note is on #%(number)s.") % {"number": found.ticket.number}
    return _answer(request, toast(words, seconds=5))


@require_POST
@in_sentences
def choose(request: HttpRequest) -> HttpResponse:
    """Keeps which reasons one wants to hear of, and whether the system shows them too."""
    wanted = set(request.POST.getlist("reason"))
    off = [reason for reason in Notification.Reason.values if reason not in wanted]
    changes = {"not_told": off or None, "desktop_notices": True if request.POST.get("desktop") == "on" else None}
    request.user = keep_desk_settings(user=_person(request), changes=changes)
    return _answer(request, toast(_("Your settings are kept."), seconds=4))


def _answer(request: HttpRequest, extra: str = "") -> HttpResponse:
    if not is_partial(request):
        return HttpResponseRedirect(reverse("home"))
    context = {**_list_context(request), **bell_context(request)}
    return bundle(request, ["desk/_notifications.html", "desk/_bell_count.html"], context, extra=extra)


def _own(request: HttpRequest, pk: int) -> Notification:
    mine = Notification.objects.visible_to(actor_of(request)).select_related("ticket__queue", "by")
    return get_object_or_404(mine, pk=pk)


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
