"""Template words of the customers' pages: digits of the reader's script, moments, a status in the customer's words."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from helpdesk.queries.portal import status_shape
from helpdesk.templatetags.desk import icon
from helpdesk.templatetags.moments import moment

register = template.Library()
#: The digits people write in (CLDR's default numbering systems arabext for Persian, arab for Arabic).
_DIGITS = {
    "fa": str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"),
    "ar": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"),
}


@register.filter
def digits(words: object) -> str:
    """The words with their digits in the reader's script."""
    table = _DIGITS.get((get_language() or "").partition("-")[0])
    return str(words).translate(table) if table else str(words)


@register.filter
def when(at: datetime | None) -> str:
    """The moment in the reader's language, zone and digits."""
    return digits(moment(at))


@register.simple_tag
def customer_status(status: str, words: str) -> SafeString:
    """The shape and the words of a status as customers know it."""
    shape = status_shape(status)
    return format_html('<span class="status" data-kind="{}">{}{}</span>', shape, icon(f"s-{shape}"), words)
