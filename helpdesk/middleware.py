"""What happens around every request: its id, its language and zone, the second factor, and a clear word when rows are away."""

from __future__ import annotations

import logging
import re
import sys
import time
import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _
from django.views.defaults import server_error as default_server_error
from psycopg_pool import PoolTimeout

from helpdesk.logs import correlated
from helpdesk.models import User
from helpdesk.now import now
from helpdesk.sign_in import BEGAN, SEEN, lacks_second_factor
from helpdesk.views.page import page_context

log = logging.getLogger("helpdesk.request")
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
#: What somebody without his second factor may still open.
_WITHOUT_FACTOR = (
    "/accounts/2fa/",
    "/accounts/logout/",
    "/accounts/reauthenticate/",
    "/static/",
    "/healthz",
    "/readyz",
)

_NOTE_USE_SECONDS = 300

Handler = Callable[[HttpRequest], HttpResponse]


class CorrelationMiddleware:
    """Gives the request its id (kept from the proxy when well-formed), sends it back and writes one log line."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Runs the request under its id."""
        offered = request.headers.get("X-Request-ID", "")
        with correlated(offered if _REQUEST_ID.fullmatch(offered) else "") as identifier:
            started = time.perf_counter()
            response = self.get_response(request)
            response["X-Request-ID"] = identifier
            if not request.path.startswith(("/static/", "/healthz", "/readyz")):
                milliseconds = round((time.perf_counter() - started) * 1000, 1)
                log.info(
                    "request",
                    extra={
                        "method": request.method,
                        "path": request.path,
                        "status": response.status_code,
                        "milliseconds": milliseconds,
                    },
                )
            return response


_OUTAGES = (OperationalError, InterfaceError, PoolTimeout)


class DatabaseOutageMiddleware:
    """Turns a lost or full database into 503 with a sentence; browsers and clients try again by themselves."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Nothing but static files is kept by anybody."""
        response = self.get_response(request)
        if not request.path.startswith("/static/"):
            patch_cache_control(response, private=True, no_store=True)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Called for exceptions of views; those of other middleware end in `server_error`."""
        return _unavailable(request, exception) if isinstance(exception, _OUTAGES) else None


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: called while the exception is handled, also one that middleware met (sessions are rows)."""
    problem = sys.exception()
    return _unavailable(request, problem) if isinstance(problem, _OUTAGES) else default_server_error(request)


def _unavailable(request: HttpRequest, problem: Exception) -> HttpResponse:
    log.error("database unavailable", extra={"problem": str(problem).splitlines()[0][:300]})
    words = _("The database cannot be reached or cannot write just now. Nothing was changed; please try again shortly.")
    if request.path.startswith("/api/"):
        response: HttpResponse = JsonResponse(
            {"type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": words},
            status=503,
            content_type="application/problem+json",
        )
    else:
        # Without the request: its context processors would ask for the session, which is a row.
        response = HttpResponse(render_to_string("503.html", {"words": words, **page_context(request)}), status=503)
    response["Retry-After"] = "5"
    return response


def _session_is_over(request: HttpRequest) -> bool:
    """Whether it began or was last used too long ago. Use is noted every five minutes, so that reading writes no row."""
    at = int(now().timestamp())
    began, seen = request.session.get(BEGAN), request.session.get(SEEN)
    if not isinstance(began, int) or not isinstance(seen, int):
        request.session[BEGAN] = request.session[SEEN] = at
        return False
    if at - began > settings.SESSION_COOKIE_AGE or at - seen > settings.SESSION_IDLE_SECONDS:
        return True
    if at - seen >= _NOTE_USE_SECONDS:
        request.session[SEEN] = at
    return False


class StaffMiddleware:
    """Speaks the person's language, shows his time zone, and stops at the second factor when the house demands one."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Runs the request in the person's language and zone."""
        user = request.user
        if not isinstance(user, User):
            return self.get_response(request)
        if _session_is_over(request):
            logout(request)
            return self.get_response(request)
        if not request.path.startswith(_WITHOUT_FACTOR) and lacks_second_factor(user):
            if request.path.startswith("/api/"):
                return JsonResponse(
                    {
                        "type": "about:blank",
                        "title": "Forbidden",
                        "status": 403,
                        "detail": _("Set up a second factor first."),
                    },
                    status=403,
                    content_type="application/problem+json",
                )
            return redirect("mfa_index")
        try:
            timezone.activate(zoneinfo.ZoneInfo(user.time_zone))
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            timezone.deactivate()
        with translation.override(user.language):
            request.LANGUAGE_CODE = translation.get_language() or "en"
            response = self.get_response(request)
            if hasattr(response, "render") and not getattr(response, "is_rendered", True):
                response = response.render()
        timezone.deactivate()
        response.headers.setdefault("Content-Language", user.language)
        patch_vary_headers(response, ("Cookie",))
        return response
