"""The portal's door: a cookie of its own, the visitor behind it, his language and zone, refusals in sentences.

Nothing of the staff's session counts here, and this cookie opens no other page.
"""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation

from helpdesk.actions.portal_entry import live_session
from helpdesk.limits import RETRY_AFTER_SECONDS
from helpdesk.mail.customer_language import nearest
from helpdesk.models import Customer
from helpdesk.queries.portal import Visitor, house_name

View = Callable[..., HttpResponseBase]
_SALT = "helpdesk.portal.session"
_ZONE_COOKIE = "portal_zone"


def visitor_of(request: HttpRequest) -> Visitor | None:
    """Who looks, by the portal's cookie alone; None for nobody."""
    session = live_session(session_key(request))
    return Visitor.of(session) if session is not None else None


def session_key(request: HttpRequest) -> str:
    """The key in the portal's cookie; empty when there is none or somebody changed it."""
    return str(request.get_signed_cookie(settings.PORTAL_COOKIE_NAME, default="", salt=_SALT) or "")


def keep_key(response: HttpResponseBase, key: str) -> None:
    """Gives the browser the key of its session, out of reach of scripts."""
    response.set_signed_cookie(
        settings.PORTAL_COOKIE_NAME,
        key,
        salt=_SALT,
        max_age=settings.PORTAL_SESSION_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def forget_key(response: HttpResponseBase) -> None:
    """Takes the key away."""
    response.delete_cookie(settings.PORTAL_COOKIE_NAME, samesite="Lax")


def for_visitors(view: View) -> View:
    """The view is called with the visitor as `visitor`; who is nobody is led to the sign-in, and back afterwards."""

    @login_not_required
    @functools.wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        visitor = visitor_of(request)
        if visitor is None:
            way = reverse("portal_sign_in")
            back = request.path if request.method == "GET" and _is_page(request) else ""
            return HttpResponseRedirect(f"{way}?next={quote(back)}" if back else way)
        with _in_tongue_of(request, visitor.customer):
            try:
                return view(request, *args, visitor=visitor, **kwargs)
            except Http404:
                return portal_page(request, "portal/missing.html", {"visitor": visitor}, status=404)

    return page


def for_anybody(view: View) -> View:
    """A page before the sign-in, in the language of the browser."""

    @login_not_required
    @functools.wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with _in_tongue_of(request, None):
            return view(request, *args, **kwargs)

    return page


def _is_page(request: HttpRequest) -> bool:
    return request.headers.get("Sec-Fetch-Dest", "document") == "document"


def _in_tongue_of(request: HttpRequest, customer: Customer | None) -> ExitStack:
    """The customer's language, else the browser's; his zone, else the browser's, else the house's."""
    stack = ExitStack()
    language = (nearest(customer.language) if customer is not None else "") or translation.get_language_from_request(
        request
    )
    stack.enter_context(translation.override(language))
    request.LANGUAGE_CODE = language
    names = [customer.time_zone if customer is not None else "", request.COOKIES.get(_ZONE_COOKIE, "")]
    zone = next((found for name in names if name and (found := _zone(name))), None)
    if zone is not None:
        stack.enter_context(timezone.override(zone))
    return stack


def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return None


def portal_page(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """A page of the portal with our name on it."""
    values = {"house": house_name(), "visitor": None, **(context or {})}
    response = render(request, template, values, status=status)
    response["Content-Language"] = request.LANGUAGE_CODE
    return response


def too_often(request: HttpRequest, visitor: Visitor | None = None) -> HttpResponse:
    """429 with a sentence and Retry-After."""
    response = portal_page(request, "portal/too_often.html", {"visitor": visitor}, status=429)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
