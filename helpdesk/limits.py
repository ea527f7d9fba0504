"""What somebody hears who asks too often. Called by sign_in and, as handler429, by allauth's own limits; `within` by the portal.

The limits themselves are allauth's (settings.ACCOUNT_RATE_LIMITS), counted in the cache, which is a table of the database:
they hold without Redis, and when the table is away nobody signs in.
"""

from __future__ import annotations

from allauth.core.internal import ratelimit
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

#: The longest window of ACCOUNT_RATE_LIMITS, in seconds.
RETRY_AFTER_SECONDS = 300


def too_many_requests(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """429 with a sentence and Retry-After."""
    response = render(request, "429.html", status=429)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def within(request: HttpRequest, action: str, key: str) -> bool:
    """Whether the limits of PORTAL_RATE_LIMITS leave room for one more; counted per address and, by `key`, per person.

    Counts GET too. Raises what the cache raises: where nothing can be counted nobody comes in.
    """
    usage = ratelimit.consume(
        request, app="portal", action=action, config=settings.PORTAL_RATE_LIMITS, key=key, limit_get=True
    )
    return usage is not None
