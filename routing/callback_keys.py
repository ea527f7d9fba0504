"""The signed key of a callback: it confirms, changes or cancels one reservation without signing in.

It names a reservation and is good as long as that is open, for two weeks at most. Made for mails (routing.letters) and the
customer's page, read by routing.views.callback_links.
"""

from __future__ import annotations

from django.conf import settings
from django.core import signing
from django.urls import reverse

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
