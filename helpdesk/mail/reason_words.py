"""Reasons in the reader's language. Called by pages; `reasons` makes them."""

from __future__ import annotations

from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_noop

from helpdesk.mail.reasons import Reason, again

#: What the sandbox and the child behind it say. They know no Django, so their words are entered into the catalogue here.
OF_THE_READER = (
    gettext_noop("The mail is empty."),
    gettext_noop("This is a binary file, not a mail."),
    gettext_noop("This is an Outlook .msg file or an Office document, not an Internet mail."),
    gettext_noop("Reading the mail needs more memory than it may take."),
    gettext_noop("The mail has %(size)s bytes, more than the %(limit)s that are read."),
    gettext_noop("Reading the mail took longer than %(seconds)s seconds."),
    gettext_noop("Reading the mail took more than %(seconds)s seconds of processor time."),
    gettext_noop("The reader's answer was not sound: %(what)s."),
    gettext_noop("Reading the mail ended the reader (signal %(code)s)."),
    gettext_noop("Reading the mail ended the reader (exit code %(code)s)."),
)


def shown(reason: str, stored: dict[str, Any]) -> str:
    """The sentence in the active language; `reason` itself where nothing better is known, or it was written anew since."""
    if isinstance(again(reason, stored), Reason):
        return _translated(stored)
    return gettext(reason) if reason else ""


def _translated(stored: dict[str, Any]) -> str:
    return gettext(stored["text"]) % {k: _part(v) for k, v in stored["with"].items()}


def _part(value: Any) -> str:
    if isinstance(value, dict):
        return _translated(value)
    return number_format(value, force_grouping=True) if isinstance(value, int) else str(value)
