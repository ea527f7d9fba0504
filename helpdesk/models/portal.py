"""How customers come into the portal: codes sent by mail. Only digests are kept."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.models.customers import Customer


class PortalCode(models.Model):
    """A code that was mailed to an address; used once, for some minutes, with few tries."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+")
    email = models.CharField(max_length=320)
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("sign-in code of a customer")
        verbose_name_plural = _("sign-in codes of customers")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["email", "-made_at"], name="portal_code_by_email")
        ]
