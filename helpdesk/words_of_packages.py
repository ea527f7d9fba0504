"""Words that packages show on our pages but do not translate into all our languages: `makemessages` finds them here.

Nobody imports this. The catalogues under `locale/` come before those of the packages, so that a translation given there
holds. Each word must stand exactly as the package writes it; remove it when the package's own catalogue has it.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop

#: Django's admin, lacking in Persian.
ADMIN = (
    gettext_noop("Select this object for an action - {}"),
    gettext_noop("Breadcrumbs"),
    gettext_noop("Model name"),
    gettext_noop("Please correct the error below."),
)

#: Django's forms and models, lacking in Persian or Chinese.
FORMS = (
    gettext_noop("Enter a valid domain name."),
    gettext_noop("Constraint “%(name)s” is violated."),
    gettext_noop("%(model)s instance with %(field)s %(value)r is not a valid choice."),
)

#: The names of django-q2's models, lacking in Arabic and Persian.
JOBS = (
    gettext_noop("Queued task"),
    gettext_noop("Queued tasks"),
    gettext_noop("Failed task"),
    gettext_noop("Failed tasks"),
)
