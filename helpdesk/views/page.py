"""What every page of ours needs to know: direction, theme, the person, the product's name."""

from __future__ import annotations

import json

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language_bidi

from helpdesk.models import Role, User
from helpdesk.queries.preferences import (
    THEMES,
    density_of,
    has_single_keys,
    keys_of,
    theme_of,
    wants_contrast,
    widths_of,
)
from helpdesk.sign_in import lacks_second_factor


def page_context(request: HttpRequest) -> dict[str, object]:
    """Variables of base.html. A theme chosen on this device (cookie) goes before the one kept with the person."""
    person = _person_of(request)
    chosen = request.COOKIES.get("theme", "")
    return {
        "page_dir": "rtl" if get_language_bidi() else "ltr",
        "page_theme": chosen if chosen in THEMES else theme_of(person) if person and not chosen else "",
        "page_contrast": wants_contrast(person) if person else request.COOKIES.get("contrast") == "more",
        "page_density": density_of(person) if person else "",
        "page_keys": _keys_words(person) if person else "",
        "page_widths": json.dumps(widths) if person and (widths := widths_of(person)) else "",
        "page_layout": "table" if request.COOKIES.get("layout") == "table" else "",
        "page_works": lambda: person is not None and _works(person),
        "is_demo": settings.ENVIRONMENT == "demo",
    }


def _person_of(request: HttpRequest) -> User | None:
    """The person of the staff, when somebody asked for him already: a customer's page must not read the staff's session."""
    person = getattr(request, "_cached_user", None)
    return person if isinstance(person, User) else None


def _works(person: User) -> bool:
    """Whether his pages carry the state bar and the staff socket, by which routing knows that he is there."""
    return person.role != Role.LIGHT and not lacks_second_factor(person)


def _keys_words(person: User) -> str:
    """What js/keys-table.js needs besides the table itself; "" for nothing."""
    changed, single = keys_of(person), has_single_keys(person)
    return json.dumps({"map": changed, "single": single}) if changed or not single else ""
