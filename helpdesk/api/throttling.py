"""So many requests a minute for each token, or for each person in a session. Named by settings.REST_FRAMEWORK.

A fixed window counted in the cache: with Redis the count is exact; with the database's cache simultaneous requests may now
and then count as one, which a limit against storms can bear.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from helpdesk.models import ApiToken
from helpdesk.now import now

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it imports the classes that settings name, so not at run time

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a window: requests, and seconds until the next begins."""

    limit: int
    remaining: int
    reset_seconds: int


def rate() -> tuple[int, int]:
    """Requests and window in seconds, from a setting such as `600/min`."""
    count, _slash, period = str(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["token"]).partition("/")
    return int(count), _SECONDS[period[:1].lower()]


class TokenThrottle(BaseThrottle):
    """Refuses with 429 when the window is used up."""

    def __init__(self) -> None:
        self.allowance: Allowance | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Counts the request."""
        who = f"token-{request.auth.pk}" if isinstance(request.auth, ApiToken) else f"user-{request.user.pk}"
        limit, seconds = rate()
        window, passed = divmod(int(now().timestamp()), seconds)
        key = f"api-rate:{who}:{window}"
        try:
            used = cache.incr(key)
        except ValueError:  # the first of its window
            used = 1
            if not cache.add(key, 1, 2 * seconds):
                used = cache.incr(key)
        self.allowance = Allowance(limit, max(0, limit - used), seconds - passed)
        request._helpdesk_allowance = self.allowance  # type: ignore[attr-defined]
        return used <= limit

    def wait(self) -> float | None:
        """Seconds until the next window."""
        return float(self.allowance.reset_seconds) if self.allowance else None


def tell_allowance(request: Request, response: Response) -> None:
    """Puts what is left into the RateLimit headers."""
    allowance: Allowance | None = getattr(request, "_helpdesk_allowance", None)
    if allowance is not None:
        response["RateLimit-Limit"] = str(allowance.limit)
        response["RateLimit-Remaining"] = str(allowance.remaining)
        response["RateLimit-Reset"] = str(allowance.reset_seconds)
