"""Template words of routing: a length of time as one says it."""

from __future__ import annotations

from django import template

from routing.words import seconds_words

register = template.Library()


@register.filter
def seconds_said(seconds: float) -> str:
    """40 s, 3 min, 2 h 10 min."""
    return seconds_words(seconds)
