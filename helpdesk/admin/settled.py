"""Takes out of the admin what libraries put there and managers must not meet: groups, sites, sign-in internals, raw jobs.

Rights follow from the role, not from groups; the second factor is reset on the person's page; jobs are shown by jobs.py.
"""

from __future__ import annotations

from django.contrib import admin

_NOT_SHOWN = frozenset({"auth", "sites", "account", "mfa", "socialaccount", "django_q"})

for _model in list(admin.site._registry):
    if _model._meta.app_label in _NOT_SHOWN and not admin.site._registry[_model].__module__.startswith("helpdesk."):
        admin.site.unregister(_model)
