"""Django's entry for the ground floor."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class HelpdeskConfig(AppConfig):
    """People, tickets, mail, desk."""

    name = "helpdesk"
    verbose_name = _("Helpdesk")

    def ready(self) -> None:
        """Registers the house's system checks."""
        from helpdesk import checks  # noqa: F401
