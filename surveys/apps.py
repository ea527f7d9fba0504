"""Django's entry for the surveys app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SurveysConfig(AppConfig):
    """The surveys app: questions, invitations, answers, incentives."""

    name = "surveys"
    verbose_name = _("Surveys")
