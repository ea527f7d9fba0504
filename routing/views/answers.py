"""How pages of routing answer: the state bar and the offers merged anew, a contact opened where the agent is."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from helpdesk.desk_keys import DEFAULTS
from helpdesk.models import Ticket, User
from helpdesk.queries.preferences import is_quiet, keys_of
from helpdesk.views.answers import bundle, is_partial, toast
from helpdesk.views.ticket import whole_talk
from routing.models import AgentState
from routing.queries.my_work import my_work
from routing.queries.offer_cards import offer_cards

#: The pieces every desk page has a place for.
PIECES = ("routing/_bar.html", "routing/_offers.html")


def user_of(request: HttpRequest) -> User:
    """The person signed in; nobody else has a state."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def work_context(request: HttpRequest) -> dict[str, Any]:
    """What the pieces show."""
    user = user_of(request)
    keys = {**DEFAULTS, **keys_of(user)}
    return {
        "work": my_work(user),
        "cards": offer_cards(user),
        "is_quiet": is_quiet(user),
        "states": AgentState,
        "accept_key": keys["accept-offer"].replace("Mod", "Control"),
        "decline_key": keys["decline-offer"].replace("Mod", "Control"),
        "accept_caps": keys["accept-offer"].replace("Mod", "Ctrl").replace("Shift", "⇧").replace("+", " "),
    }


def pieces(request: HttpRequest, words: str = "", *, level: str = "info", status: int = 200) -> HttpResponse:
    """The state bar and the offers as they are now, with a toast; the start page for a browser without script."""
    if not is_partial(request):
        return HttpResponseRedirect(reverse("home"))
    said = toast(words, level=level, seconds=6) if words else ""
    return bundle(request, PIECES, work_context(request), status=status, extra=said)


def opened(request: HttpRequest, ticket: Ticket, words: str) -> HttpResponse:
    """The ticket as if it had just been opened, wherever the agent is."""
    address = reverse("ticket", args=[ticket.number])
    if not is_partial(request):
        return HttpResponseRedirect(address)
    here = urlsplit(request.headers.get("HX-Current-URL", "")).path
    if not here.startswith((reverse("inbox", args=["x"])[:-2], address.rsplit("/", 2)[0])):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = address
        return response
    response = whole_talk(request, ticket, templates=PIECES, extra=toast(words, seconds=5), **work_context(request))
    response["HX-Trigger"] = "inbox-changed"
    return response
