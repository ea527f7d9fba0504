"""Forms of the pages: one's own settings, a customer, a saved view. Called by helpdesk.views."""

from __future__ import annotations

import zoneinfo
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from helpdesk.desk_keys import ACTIONS, DEFAULTS, GROUPS, KeyGroup, changed_keys, clashes, is_key, words_of
from helpdesk.models import Customer, SavedView, User
from helpdesk.queries.preferences import (
    UNDO_SECONDS_MOST,
    density_of,
    has_single_keys,
    is_quiet,
    keys_of,
    theme_of,
    undo_seconds,
    wants_contrast,
)


def _zones() -> list[tuple[str, str]]:
    names = sorted(
        n for n in zoneinfo.available_timezones() if "/" in n and not n.startswith(("Etc/", "posix", "right"))
    )
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in names)]


class ProfileForm(forms.ModelForm[User]):
    """Name, language and time zone of a person of the staff."""

    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=_zones)

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["name", "language", "time_zone"]
        labels: ClassVar[dict[str, object]] = {"name": _("Your name, as customers read it")}


class DeskForm(forms.Form):
    """How the desk looks and behaves for one person; js/keys-settings.js takes the keys as they are pressed."""

    theme = forms.ChoiceField(
        label=_("Theme"),
        choices=[("", _("as the system")), ("light", _("light")), ("dark", _("dark"))],
        required=False,
    )
    density = forms.ChoiceField(
        label=_("Density"),
        choices=[("", _("normal")), ("compact", _("compact")), ("cosy", _("roomy"))],
        required=False,
    )
    undo_seconds = forms.IntegerField(
        label=_("Seconds in which a sent reply can be taken back"),
        min_value=0,
        max_value=UNDO_SECONDS_MOST,
        help_text=_("0 to 30; 0 sends at once."),
    )
    contrast = forms.BooleanField(label=_("High contrast"), required=False)
    ring = forms.BooleanField(label=_("Ring when a contact is offered"), required=False)
    single_keys = forms.BooleanField(label=_("Single keys (those without Ctrl) do something"), required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for action in ACTIONS:
            self.fields[_key_field(action.name)] = forms.CharField(
                label=str(action.words), required=False, max_length=20
            )

    @classmethod
    def settings_of(cls, user: User) -> dict[str, Any]:
        """The form's values as they are now."""
        keys = {**DEFAULTS, **keys_of(user)}
        return {
            "theme": theme_of(user),
            "density": density_of(user),
            "undo_seconds": undo_seconds(user),
            "contrast": wants_contrast(user),
            "ring": not is_quiet(user),
            "single_keys": has_single_keys(user),
            **{_key_field(name): key for name, key in keys.items()},
        }

    def key_fields(self) -> list[tuple[KeyGroup, list[forms.BoundField]]]:
        """The fields of the keys, as the actions stand together."""
        return [(group, [self[_key_field(action.name)] for action in group.actions]) for group in GROUPS]

    def clean(self) -> dict[str, Any]:
        """Refuses what is no key, and a key that would do two things."""
        cleaned = super().clean() or self.cleaned_data
        keys = {name: str(cleaned.get(_key_field(name), "")) for name in DEFAULTS}
        for name, key in keys.items():
            if not is_key(key):
                self.add_error(_key_field(name), _("This is no key that can be taken."))
        for key, names in clashes(keys):
            message = _("%(key)s stands for more than one: %(actions)s.")
            for name in names:
                self.add_error(
                    _key_field(name),
                    forms.ValidationError(message, params={"key": key, "actions": ", ".join(words_of(names))}),
                )
        return cleaned

    def changes(self) -> dict[str, Any]:
        """What is to be kept in User.desk_settings; None forgets."""
        data = self.cleaned_data
        return {
            "theme": data["theme"] or None,
            "density": data["density"] or None,
            "undo_seconds": data["undo_seconds"],
            "contrast": True if data["contrast"] else None,
            "quiet_offers": None if data["ring"] else True,
            "single_keys": None if data["single_keys"] else False,
            "keys": changed_keys({name: data[_key_field(name)] for name in DEFAULTS}) or None,
        }


def _key_field(name: str) -> str:
    return f"key-{name}"


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
    organisation = forms.CharField(
        label=_("Organisation"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"list": "known-organisations", "autocomplete": "off", "dir": "auto"}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        organisation = self.instance.organisation if self.instance.pk else None
        self.initial["organisation"] = organisation.name if organisation is not None else ""
        self.order_fields(["name", "organisation", "tier", "language", "time_zone", "notes"])


class SavedViewForm(forms.ModelForm[SavedView]):
    """The name of a saved view."""

    class Meta:
        model = SavedView
        fields: ClassVar[list[str]] = ["name"]
