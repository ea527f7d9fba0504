"""Template words of routing: a length of time as one says it, and what an offer's card says."""

from __future__ import annotations

from django import template

from helpdesk.said import said
from routing.words import seconds_words
from routing.words.cards import over_words, title_words, why_you_words

register = template.Library()


@register.filter
def seconds_said(seconds: float) -> str:
    """40 s, 3 min, 2 h 10 min."""
    return seconds_words(seconds)


register.filter("said", said)
register.filter("card_title", title_words)
register.filter("card_over", over_words)
register.filter("card_why", why_you_words)
