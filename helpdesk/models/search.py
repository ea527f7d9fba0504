"""What search reads: one narrow row a message, and counts of tickets that are kept, not counted."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.models.messages import Message
from helpdesk.models.tickets import Ticket


class SearchRow(models.Model):
    """The words of one message, as helpdesk.search makes them; those of subject and customer stand in the ticket's first row."""

    message = models.OneToOneField(Message, models.CASCADE, primary_key=True, related_name="search_row")
    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    words = SearchVectorField()

    class Meta:
        verbose_name = _("words of a message")
        verbose_name_plural = _("words of messages")
        indexes: ClassVar[list[models.Index]] = [
            GinIndex(fields=["words"], name="search_by_word", fastupdate=True),
            models.Index(fields=["-at", "-message"], name="search_by_time"),
        ]


class TicketCount(models.Model):
    """A change of how many tickets a queue has in a status with an owner; the sum over `n` is the count.

    Rows are only added, by the triggers of migration 0009, so that two transactions never wait for each other; a sweep folds
    them together.
    """

    queue_id = models.BigIntegerField()
    owner_id = models.BigIntegerField(null=True)
    status = models.CharField(max_length=10)
    n = models.IntegerField()

    class Meta:
        verbose_name = _("count of tickets")
        verbose_name_plural = _("counts of tickets")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["queue_id", "owner_id", "status"], name="ticket_count_key", include=["n"])
        ]
