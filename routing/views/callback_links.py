"""The customer's own way to a callback: a signed link that confirms or cancels it, and needs no signing in.

The link names a reservation and is good as long as that is open, for two weeks at most. Looking at it changes nothing: both
changes are buttons, since mail programs open links by themselves.
"""

from __future__ import annotations

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.models import Actor
from helpdesk.views.portal_visitor import for_anybody, portal_page
from routing.actions.callbacks import cancel_callback, confirm_callback
from routing.models import Callback

_SALT = "helpdesk.routing.callback"
_LASTS_SECONDS = 14 * 86_400


def link_of(callback: Callback) -> str:
    """The address for the customer, to be put into a mail or shown on his page."""
    token = signing.dumps([callback.pk, int(callback.asked_at.timestamp())], salt=_SALT)
    return f"{settings.BASE_URL}{reverse('portal_callback_link', args=[token])}"


def callback_of(token: str) -> Callback | None:
    """The reservation a genuine link names; None for any other word and for a link whose time is over."""
    try:
        key, asked = signing.loads(token, salt=_SALT, max_age=_LASTS_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    found = Callback.objects.filter(pk=key).select_related("item__ticket", "customer", "queue").first()
    return found if found is not None and int(found.asked_at.timestamp()) == asked else None


@require_http_methods(["GET", "POST"])
@for_anybody
def by_link(request: HttpRequest, token: str) -> HttpResponseBase:
    """What is reserved, with the buttons that confirm and cancel it (`do`)."""
    found = callback_of(token)
    if found is None:
        return _page(request, None, status=410)
    problem = ""
    if request.method == "POST":
        actor = Actor.of_customer(found.customer)
        try:
            if request.POST.get("do") == "confirm":
                found = confirm_callback(callback=found, actor=actor)
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
    response["Referrer-Policy"] = "no-referrer"  # the address is a key
    return response
