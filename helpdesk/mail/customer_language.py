"""The language in which we write to a customer what no colleague wrote: attributions, acknowledgements, stand-in subjects."""

from __future__ import annotations

from django.conf import settings

from helpdesk.models import Ticket


def customer_language(ticket: Ticket) -> str:
    """The code of the catalogue nearest to the ticket's language, else to its mailbox's, else English.

    Tickets carry what a mail said of itself, such as `zh`, `zh-CN` or `ar_EG`; the catalogues are those of LANGUAGES.
    """
    wanted = [ticket.language, ticket.mailbox.language if ticket.mailbox is not None else ""]
    return next((found for code in wanted if (found := nearest(code))), "en")


def nearest(code: str) -> str:
    """The catalogue of a language code: the code itself, else the first of the same language; empty for none."""
    plain = code.replace("_", "-").lower()
    primary = plain.partition("-")[0]
    codes = [language for language, _name in settings.LANGUAGES]
    same = [language for language in codes if language.partition("-")[0] == primary]
    return plain if plain in codes else (same[0] if same else "")
