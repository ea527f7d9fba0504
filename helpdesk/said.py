"""The sentences of the pure cores in the reader's language. Called where a refusal of theirs reaches a person."""

from __future__ import annotations

from django.utils.translation import gettext

from helpdesk.phrases import Phrase, Refused


def said(what: object) -> str:
    """A refusal or a phrase in the active language, its parts as well; anything else as it stands."""
    if isinstance(what, Refused):
        what = what.phrase
    if isinstance(what, Phrase):
        return gettext(what.message) % {name: said(part) for name, part in what.params.items()}
    return str(what)
