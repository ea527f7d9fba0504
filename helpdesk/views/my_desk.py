"""My desk: keys, theme, density, seconds to take a reply back, the widths of the zones."""

from __future__ import annotations

import json

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from helpdesk.access import actor_of
from helpdesk.actions.desk_settings import keep_desk_settings
from helpdesk.desk_keys import RESERVED
from helpdesk.forms import DeskForm
from helpdesk.models import Ticket, User
from helpdesk.queries.preferences import clean_widths, recently_read, widths_of

_YEAR = 365 * 24 * 3600


@require_http_methods(["GET", "POST"])
def my_desk(request: HttpRequest) -> HttpResponse:
    """How the desk looks and behaves for the person signed in; `reset` gives the keys of the house back."""
    person = _person(request)
    if request.method == "POST" and "reset" in request.POST:
        keep_desk_settings(user=person, changes={"keys": None, "single_keys": None})
        messages.success(request, _("All keys are as they were."))
        return HttpResponseRedirect(reverse("my_desk"))
    form = DeskForm(request.POST or None, initial=DeskForm.settings_of(person))
    if request.method == "POST" and form.is_valid():
        keep_desk_settings(user=person, changes=form.changes())
        messages.success(request, _("Your settings are kept."))
        response = HttpResponseRedirect(reverse("my_desk"))
        remember_look(response, theme=form.cleaned_data["theme"], contrast=form.cleaned_data["contrast"])
        return response
    status = 422 if request.method == "POST" else 200
    return render(request, "desk/my_desk.html", {"form": form, "reserved": RESERVED}, status=status)


@require_POST
def zones(request: HttpRequest) -> HttpResponse:
    """Keeps the widths of the zones: a JSON object zone -> CSS pixels, null for the width of the house."""
    person = _person(request)
    try:
        asked = json.loads(request.body[:1000])
    except ValueError:
        return HttpResponseBadRequest()
    if not isinstance(asked, dict):
        return HttpResponseBadRequest()
    kept = {name: width for name, width in widths_of(person).items() if asked.get(name, 0) is not None}
    keep_desk_settings(user=person, changes={"zones": {**kept, **clean_widths(asked)} or None})
    return HttpResponse(status=204)


@require_GET
def recent(request: HttpRequest) -> JsonResponse:
    """The tickets this person read last, for the command bar: groups as `find` answers them."""
    actor = actor_of(request)
    numbers = recently_read(actor, Ticket.objects.visible_to(actor))
    return JsonResponse(
        {
            "groups": [
                {
                    "title": _("Recent tickets"),
                    "items": [
                        {
                            "title": f"#{row.number} {row.subject}",
                            "detail": str(row.customer),
                            "url": reverse("ticket", args=[row.number]),
                        }
                        for row in numbers
                    ],
                }
            ]
        }
    )


def remember_look(response: HttpResponse, *, theme: str, contrast: bool) -> None:
    """Keeps the look on this device as well, for pages before sign-in; "" follows the system."""
    for name, value in (("theme", theme), ("contrast", "more" if contrast else "")):
        if value:
            response.set_cookie(name, value, max_age=_YEAR, samesite="Lax", secure=settings.SECURE_TRANSPORT)
        else:
            response.delete_cookie(name, samesite="Lax")


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
