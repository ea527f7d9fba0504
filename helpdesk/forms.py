"""Forms of the pages: one's own settings, a customer, a saved view. Called by helpdesk.views."""

from __future__ import annotations

import zoneinfo
from typing import ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from helpdesk.models import Customer, SavedView, User


def _zones() -> list[tuple[str, str]]:
    names = sorted(
        n for n in zoneinfo.available_timezones() if "/" in n and not n.startswith(("Etc/", "posix", "right"))
    )
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in names)]


class ProfileForm(forms.ModelForm[User]):
    """Language, time zone and theme of a person of the staff. The theme lives in a cookie, so that each device has its own."""

    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=_zones)
    theme = forms.ChoiceField(
        label=_("Theme on this device"),
        choices=[("", _("as the system")), ("light", _("light")), ("dark", _("dark"))],
        required=False,
    )

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["name", "language", "time_zone"]
        labels: ClassVar[dict[str, object]] = {"name": _("Your name, as customers read it")}


class CustomerForm(forms.ModelForm[Customer]):
    """What an agent may correct about a customer."""

    class Meta:
        model = Customer
        fields: ClassVar[list[str]] = ["name", "tier", "language", "time_zone", "notes"]
        labels: ClassVar[dict[str, object]] = {
            "name": _("Name"),
            "tier": _("Tier"),
            "language": _("Writes"),
            "notes": _("Notes"),
        }
        widgets: ClassVar[dict[str, forms.Widget]] = {"notes": forms.Textarea(attrs={"rows": 3})}

    language = forms.CharField(
        label=_("Language"), max_length=10, required=False, help_text=_("A code such as en, fa or zh.")
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=lambda: [("", "—"), *_zones()], required=False)


class SavedViewForm(forms.ModelForm[SavedView]):
    """The name of a saved view."""

    class Meta:
        model = SavedView
        fields: ClassVar[list[str]] = ["name"]
