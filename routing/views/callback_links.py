"""The customer's own way to a callback: a signed link that confirms, changes or cancels it, and needs no signing in.

Looking at it changes nothing: all changes are buttons, since mail programs open links by themselves.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_http_methods

from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.models import Actor
from helpdesk.views.portal_visitor import for_anybody, portal_page
from routing.actions.callbacks import cancel_callback, change_callback, confirm_callback
from routing.callback_keys import callback_of
from routing.models import Callback


@require_http_methods(["GET", "POST"])
@for_anybody
def by_link(request: HttpRequest, token: str) -> HttpResponseBase:
    """What is reserved, with the buttons that confirm it, change its `phone` and cancel it (`do`)."""
    found = callback_of(token)
    if found is None:
        return _page(request, None, status=410)
    problem = ""
    if request.method == "POST":
        actor = Actor.of_customer(found.customer)
        try:
            if request.POST.get("do") == "confirm":
                found = confirm_callback(callback=found, actor=actor)
            elif request.POST.get("do") == "change":
                found = change_callback(callback=found, actor=actor, phone=request.POST.get("phone", "")[:40])
            elif request.POST.get("do") == "cancel":
                found = cancel_callback(callback=found, actor=actor)
        except (BadInput, NotAllowed) as refusal:
            problem = str(refusal)
    return _page(request, found, problem=problem, status=422 if problem else 200)


def _page(request: HttpRequest, callback: Callback | None, *, problem: str = "", status: int = 200) -> HttpResponse:
    context = {
        "callback": callback,
        "is_open": callback is not None and callback.state in Callback.OPEN,
        "problem": problem,
    }
    response = portal_page(request, "routing/portal_callback.html", context, status=status)
    # the address is a key and stays in the house; "no-referrer" would make the form's own Origin null, which is refused
    response["Referrer-Policy"] = "same-origin"
    return response
