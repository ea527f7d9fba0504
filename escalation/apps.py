"""Django's entry for the escalation app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EscalationConfig(AppConfig):
    """The escalation app: service level clocks and the escalation matrix."""

    name = "escalation"
    verbose_name = _("Escalation")
