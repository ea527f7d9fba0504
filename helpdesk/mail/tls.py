"""Whom we believe on an encrypted line to a mail server: used by imap.py, smtp.py and oauth.py."""

from __future__ import annotations

import ssl

from django.conf import settings


def context() -> ssl.SSLContext:
    """The system's authorities, and those of HELPDESK_MAIL_CA_FILE besides; names are always checked.

    Raises OSError when the file cannot be read or holds no certificate.
    """
    made = ssl.create_default_context()
    if settings.MAIL_CA_FILE:
        made.load_verify_locations(cafile=settings.MAIL_CA_FILE)
    return made
