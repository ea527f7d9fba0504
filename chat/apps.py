"""Django's entry for the chat app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatConfig(AppConfig):
    """The chat app: widgets, sittings, co-browse."""

    name = "chat"
    verbose_name = _("Chat")
