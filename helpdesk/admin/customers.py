"""Customers, their organisations and the company's own fields."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from helpdesk import jobs
from helpdesk.access import actor_of
from helpdesk.actions import search_index
from helpdesk.actions.portal_entry import end_sessions
from helpdesk.admin.base import HouseAdmin, mark
from helpdesk.admin.lists import LinesField, mail_address, mail_domain
from helpdesk.models import AddressKind, Customer, CustomerAddress, CustomField, FieldKind, Organisation
from helpdesk.now import now


class AddressForm(forms.ModelForm[CustomerAddress]):
    """An address as it is compared: mail in lower case, telephones as digits."""

    class Meta:
        model = CustomerAddress
        fields = ("kind", "value", "is_primary")

    def clean(self) -> dict[str, Any]:
        """Normalises by kind."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        value = str(values.get("value", "")).strip()
        if values.get("kind") == AddressKind.EMAIL and value:
            values["value"] = mail_address(value)
        elif value:
            digits = "".join(c for c in value if c.isdigit())
            if not 5 <= len(digits) <= 15:
                raise ValidationError({"value": _("A telephone number has 5 to 15 digits, with the country's code.")})
            values["value"] = f"+{digits}" if value.startswith(("+", "00")) else digits
        return values


class Addresses(admin.TabularInline[CustomerAddress, Customer]):
    """How the customer is reached."""

    model = CustomerAddress
    form = AddressForm
    extra = 0
    fields = ("kind", "value", "is_primary", "bounced_at", "bounce_status")
    readonly_fields = ("bounced_at", "bounce_status")


@admin.register(Customer)
class CustomerAdmin(HouseAdmin[Customer]):
    """Customers. Values stay out of the audit book, so that erasing a person leaves nothing there."""

    kept = True
    open_values = False
    list_display = ("__str__", "shown_addresses", "organisation", "tier", "language", "shown_state", "created_at")
    list_filter = ("tier", "is_blocked")
    search_fields = ("name", "addresses__value", "organisation__name")
    list_select_related = ("organisation",)
    autocomplete_fields = ("organisation",)
    inlines = (Addresses,)
    readonly_fields = ("public_id", "created_at", "tickets")
    fieldsets = (
        (None, {"fields": ("name", "organisation", "tier", "is_blocked")}),
        (_("Where and how"), {"fields": ("language", "time_zone", "country")}),
        (_("More"), {"fields": ("fields", "notes", "tickets", "public_id", "created_at")}),
    )
    actions = ("block", "unblock", "sign_out")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        """With the addresses, in one query more."""
        return super().get_queryset(request).prefetch_related(Prefetch("addresses", CustomerAddress.objects.all()))

    def save_model(self, request: HttpRequest, obj: Customer, form: Any, change: bool) -> None:
        """Dates a customer entered by hand."""
        if not change:
            obj.created_at = now()
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """With the addresses; search knows him by his new name and addresses."""
        super().save_related(request, form, formsets, change)
        search_index.index_customer(form.instance)

    @admin.display(description=_("addresses"))
    def shown_addresses(self, obj: Customer) -> str:
        """All of them, the preferred first."""
        return ", ".join(a.value for a in obj.addresses.all()) or "-"

    @admin.display(description=_("state"), ordering="is_blocked")
    def shown_state(self, obj: Customer) -> SafeString:
        """Blocked or not."""
        return mark("bad", _("blocked")) if obj.is_blocked else mark("ok", _("welcome"))

    @admin.display(description=_("tickets"))
    def tickets(self, obj: Customer) -> SafeString | str:
        """A way to them; they are not counted here."""
        address = f"{reverse('admin:helpdesk_ticket_changelist')}?customer__id__exact={obj.pk}"
        return format_html('<a href="{}">{}</a>', address, _("show the tickets"))

    @admin.action(description=_("Block: mail is ignored"), permissions=["change"])
    def block(self, request: HttpRequest, rows: QuerySet[Customer]) -> None:
        """Mail of these customers is ignored from now on."""
        self._set_blocked(request, rows, blocked=True)

    @admin.action(description=_("Unblock"), permissions=["change"])
    def unblock(self, request: HttpRequest, rows: QuerySet[Customer]) -> None:
        """Mail of these customers opens tickets again."""
        self._set_blocked(request, rows, blocked=False)

    @admin.action(description=_("Sign out of their own pages, everywhere"), permissions=["change"])
    def sign_out(self, request: HttpRequest, rows: QuerySet[Customer]) -> None:
        """Ends every session of these customers: a telephone or a mailbox of theirs was lost."""
        for customer in rows:
            end_sessions(customer=customer, actor=actor_of(request))

    def _set_blocked(self, request: HttpRequest, rows: QuerySet[Customer], *, blocked: bool) -> None:
        for customer in rows.exclude(is_blocked=blocked):
            customer.is_blocked = blocked
            customer.save(update_fields=["is_blocked"])
            self.audit(request, customer, "blocked" if blocked else "unblocked")


class OrganisationForm(forms.ModelForm[Organisation]):
    """Domains as lines."""

    domains = LinesField(
        label=_("mail domains"),
        required=False,
        check=mail_domain,
        help_text=_("One a line, such as example.com. Customers who write from there join the organisation."),
    )

    class Meta:
        model = Organisation
        fields = ("name", "domains", "tier", "notes")


@admin.register(Organisation)
class OrganisationAdmin(HouseAdmin[Organisation]):
    """Companies."""

    form = OrganisationForm
    list_display = ("name", "tier", "shown_domains")
    list_filter = ("tier",)
    search_fields = ("name", "domains")

    def save_model(self, request: HttpRequest, obj: Organisation, form: Any, change: bool) -> None:
        """Search knows its customers by its new name."""
        super().save_model(request, obj, form, change)
        if change and "name" in form.changed_data:
            jobs.enqueue("helpdesk.actions.search_index.index_customers_of", obj.pk)

    @admin.display(description=_("mail domains"))
    def shown_domains(self, obj: Organisation) -> str:
        """In a row."""
        return ", ".join(obj.domains) or "-"


class CustomFieldForm(forms.ModelForm[CustomField]):
    """Choices as lines."""

    choices = LinesField(label=_("choices"), required=False, help_text=_("One a line; only for the kind “choice”."))

    class Meta:
        model = CustomField
        fields = ("on", "key", "label", "kind", "choices", "position")

    def clean(self) -> dict[str, Any]:
        """A choice needs choices."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("kind") == FieldKind.CHOICE and not values.get("choices"):
            raise ValidationError({"choices": _("Name at least one choice.")})
        return values


@admin.register(CustomField)
class CustomFieldAdmin(HouseAdmin[CustomField]):
    """Fields of the company's own."""

    form = CustomFieldForm
    list_display = ("label", "on", "key", "kind", "position")
    list_filter = ("on", "kind")
    search_fields = ("label", "key")

    def get_readonly_fields(self, request: HttpRequest, obj: CustomField | None = None) -> Any:
        """Values are kept by the key, so it stays."""
        return ("on", "key") if obj is not None else ()
