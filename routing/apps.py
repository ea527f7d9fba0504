"""Django's entry for the routing app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RoutingConfig(AppConfig):
    """The routing engine's app: plans, work items, offers, assignments, agent states and shifts will stand here."""

    name = "routing"
    verbose_name = _("Routing")
