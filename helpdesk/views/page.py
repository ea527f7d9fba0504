"""What every page of ours needs to know: direction, theme, the person, the product's name."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language_bidi


def page_context(request: HttpRequest) -> dict[str, object]:
    """Variables of base.html."""
    return {
        "page_dir": "rtl" if get_language_bidi() else "ltr",
        "page_theme": request.COOKIES.get("theme", "") if request.COOKIES.get("theme") in {"light", "dark"} else "",
        "is_demo": settings.ENVIRONMENT == "demo",
    }
