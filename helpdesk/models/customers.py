"""Customers: persons who write to us, their addresses and organisations."""

from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.models.actors import Actor, ActorKind


class Tier(models.TextChoices):
    """How a customer or organisation is served; routing and clocks read it."""

    STANDARD = "standard", _("standard")
    SILVER = "silver", _("silver")
    GOLD = "gold", _("gold")
    VIP = "vip", _("VIP")


class Organisation(models.Model):
    """A company customers belong to; mail from its domains joins it."""

    name = models.CharField(_("name"), max_length=150, unique=True)
    domains = models.JSONField(_("mail domains"), default=list, blank=True)
    tier = models.CharField(_("tier"), max_length=10, choices=Tier, default=Tier.STANDARD)
    notes = models.TextField(_("notes"), blank=True)

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class CustomerQuerySet(models.QuerySet["Customer"]):
    """Reads of customers."""

    def visible_to(self, actor: Actor) -> Self:
        """Staff see the customers of the tickets they see, customers themselves."""
        if actor.sees_everything:
            return self
        if actor.kind == ActorKind.CUSTOMER and actor.customer is not None:
            return self.filter(pk=actor.customer.pk)
        if not actor.team_ids():
            return self.none()
        from helpdesk.models.tickets import Ticket  # tickets point at customers; the way back is only this read

        theirs = Ticket.objects.visible_to(actor).filter(customer_id=models.OuterRef("pk"))
        return self.filter(models.Exists(theirs))


class Customer(models.Model):
    """A person outside. Found by address; one person may have several."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=200, blank=True)
    organisation = models.ForeignKey(
        Organisation, models.SET_NULL, related_name="customers", verbose_name=_("organisation"), null=True, blank=True
    )
    tier = models.CharField(_("tier"), max_length=10, choices=Tier, default=Tier.STANDARD)
    language = models.CharField(_("language"), max_length=10, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    country = models.CharField(_("country code"), max_length=2, blank=True)
    fields = models.JSONField(_("own fields"), default=dict, blank=True)
    notes = models.TextField(_("notes"), blank=True)
    is_blocked = models.BooleanField(
        _("blocked"), default=False, help_text=_("Mail from blocked customers is ignored, and counted.")
    )
    merged_into = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        db_index=False,
        related_name="+",
        verbose_name=_("merged into"),
    )
    created_at = models.DateTimeField(_("customer since"))

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        ordering: ClassVar[list[str]] = ["name", "pk"]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["name", "id"], name="customer_by_name")]

    def __str__(self) -> str:
        return self.name or str(self.public_id)


class AddressKind(models.TextChoices):
    """How a customer can be reached."""

    EMAIL = "email", _("e-mail")
    PHONE = "phone", _("telephone")


class CustomerAddress(models.Model):
    """One mail address or telephone number. `value` is normalised (lower case, digits) and belongs to one customer."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="addresses", verbose_name=_("customer"))
    kind = models.CharField(_("kind"), max_length=10, choices=AddressKind, default=AddressKind.EMAIL)
    value = models.CharField(_("address"), max_length=320)
    is_primary = models.BooleanField(_("preferred"), default=False)
    bounced_at = models.DateTimeField(_("bounced"), null=True, blank=True)
    bounce_status = models.CharField(_("bounce status"), max_length=20, blank=True)

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        ordering: ClassVar[list[str]] = ["-is_primary", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["kind", "value"], name="address_once"),
            models.CheckConstraint(condition=~models.Q(value=""), name="address_not_empty"),
        ]

    def __str__(self) -> str:
        return self.value


class FieldKind(models.TextChoices):
    """What an own field holds."""

    TEXT = "text", _("text")
    NUMBER = "number", _("number")
    DATE = "date", _("date")
    CHOICE = "choice", _("choice")
    YES_NO = "yes_no", _("yes or no")


class CustomField(models.Model):
    """A field of the company's own on customers or tickets; values live in their `fields` by key."""

    class On(models.TextChoices):
        """What the field hangs on."""

        CUSTOMER = "customer", _("customer")
        TICKET = "ticket", _("ticket")

    on = models.CharField(_("belongs to"), max_length=10, choices=On)
    key = models.SlugField(_("key"), max_length=40)
    label = models.CharField(_("label"), max_length=80)
    kind = models.CharField(_("kind"), max_length=10, choices=FieldKind, default=FieldKind.TEXT)
    choices = models.JSONField(_("choices"), default=list, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("own field")
        verbose_name_plural = _("own fields")
        ordering: ClassVar[list[str]] = ["on", "position", "label"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["on", "key"], name="custom_field_once")
        ]

    def __str__(self) -> str:
        return self.label
