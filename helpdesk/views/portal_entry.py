"""The ways into the portal and out of it: signed link, code by mail, fresh link, sign out.

The answers are the same for addresses we know and addresses we do not. The address a code was asked for, and a link that has
run out, travel in a signed cookie of a quarter of an hour, so that no page of the portal has them in its own address.
"""

from __future__ import annotations

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from helpdesk.actions.portal_entry import (
    LinkEnded,
    ask_code,
    open_link,
    plain_digits,
    renew_link,
    sign_in,
    sign_out,
    tries_left,
)
from helpdesk.limits import within
from helpdesk.queries.portal import Visitor
from helpdesk.views.portal_visitor import (
    for_anybody,
    for_visitors,
    forget_key,
    keep_key,
    portal_page,
    session_key,
    too_often,
    visitor_of,
)

_SALT = "helpdesk.portal.on-the-way"
_COOKIE = "portal_way"
_SECONDS = 900


@require_GET
@for_anybody
def opened(request: HttpRequest) -> HttpResponseBase:
    """A signed link: exchanged for the cookie at once. Never a page of its own, so that its address is nowhere to be seen."""
    token = request.GET.get("k", "")
    if not within(request, "open", ""):
        return _unseen(too_often(request))
    try:
        entrance = open_link(token=token, key=session_key(request))
    except LinkEnded:
        return _unseen(_on_the_way("portal_ended", {"token": token}))
    if entrance is None or entrance.ticket is None:
        return _unseen(HttpResponseRedirect(f"{reverse('portal_sign_in')}?why=link"))
    response = HttpResponseRedirect(reverse("portal_ticket", args=[entrance.ticket.public_id]))
    keep_key(response, entrance.key)
    return _unseen(response)


def _unseen(response: HttpResponseBase) -> HttpResponseBase:
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_http_methods(["GET", "POST"])
@for_anybody
def ended(request: HttpRequest) -> HttpResponseBase:
    """A link has run out: offers a fresh one, to the same address. The answer never tells whether there is one."""
    way = _way(request)
    if request.method == "GET":
        return portal_page(request, "portal/ended.html", {"has_link": "token" in way})
    token = way.get("token", "")
    if not within(request, "ask", token):
        return too_often(request)
    renew_link(token=token)
    response = portal_page(request, "portal/ended.html", {"is_sent": True})
    response.delete_cookie(_COOKIE, samesite="Lax")
    return response


@require_http_methods(["GET", "POST"])
@for_anybody
def enter(request: HttpRequest) -> HttpResponseBase:
    """Asks for the address and mails it a code."""
    back = _back(request)
    visitor = visitor_of(request)
    if request.method == "GET":
        if visitor is not None and visitor.sees_all:
            return HttpResponseRedirect(back or reverse("portal"))
        context = {
            "next": back,
            "email": visitor.email if visitor is not None else "",
            "is_bad_link": request.GET.get("why") == "link",
            "is_out": request.GET.get("why") == "out",
        }
        return portal_page(request, "portal/sign_in.html", context)
    email = request.POST.get("email", "").strip().lower()[:320]
    try:
        validate_email(email)
    except ValidationError:
        return portal_page(request, "portal/sign_in.html", {"next": back, "email": email, "is_wrong": True}, status=422)
    if not within(request, "ask", email):
        return too_often(request)
    ask_code(email=email, language=get_language() or "")
    return _on_the_way("portal_code", {"email": email, "next": back})


@require_http_methods(["GET", "POST"])
@for_anybody
def code(request: HttpRequest) -> HttpResponseBase:
    """Takes the code; a right one begins a session for all tickets of its address."""
    way = _way(request)
    email = way.get("email", "")
    if not email:
        return HttpResponseRedirect(reverse("portal_sign_in"))
    if request.method == "GET":
        return portal_page(request, "portal/code.html", {"email": email, "next": way.get("next", "")})
    if not within(request, "try", email):
        return too_often(request)
    typed = request.POST.get("code", "")[:40]
    entrance = sign_in(email=email, code=typed)
    if entrance is None:
        context = {"email": email, "next": way.get("next", ""), "is_wrong": True, "left": tries_left(email=email)}
        return portal_page(request, "portal/code.html", {**context, "typed": plain_digits(typed)}, status=422)
    before = visitor_of(request)
    if before is not None:
        sign_out(session=before.session)
    response = HttpResponseRedirect(_safe(request, way.get("next", "")) or reverse("portal"))
    keep_key(response, entrance.key)
    response.delete_cookie(_COOKIE, samesite="Lax")
    return response


@require_POST
@for_visitors
def leave(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    """Ends the session here and on the server."""
    sign_out(session=visitor.session)
    response = HttpResponseRedirect(f"{reverse('portal_sign_in')}?why=out")
    forget_key(response)
    response["Clear-Site-Data"] = '"cache"'
    return response


def _on_the_way(name: str, way: dict[str, str]) -> HttpResponse:
    response = HttpResponseRedirect(reverse(name))
    response.set_cookie(
        _COOKIE,
        signing.dumps(way, salt=_SALT),
        max_age=_SECONDS,
        path="/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def _way(request: HttpRequest) -> dict[str, str]:
    try:
        way = signing.loads(request.COOKIES.get(_COOKIE, ""), salt=_SALT, max_age=_SECONDS)
    except signing.BadSignature:
        return {}
    return {str(key): str(value) for key, value in way.items()}


def _back(request: HttpRequest) -> str:
    return _safe(request, request.POST.get("next", "") or request.GET.get("next", ""))


def _safe(request: HttpRequest, address: str) -> str:
    """An address of the portal on our own host, or nothing."""
    fits = address.startswith("/portal/") and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if fits else ""
