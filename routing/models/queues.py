"""What routing adds to a queue, one-to-one: strategy, targets, offers, wrap-up, overflow, closed hours, callback."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.models import Queue


class Strategy(models.TextChoices):
    """Whom, among those who may take it, a contact is offered to (routing/core/strategies.py)."""

    ROUND_ROBIN = "round_robin", _("round robin")
    FEWEST = "fewest", _("fewest contacts handled")
    LONGEST_IDLE = "longest_idle", _("longest idle")
    LEAST_TALK = "least_talk", _("least talk time")
    LEAST_LOADED = "least_loaded", _("least loaded")
    MOST_SKILLED = "most_skilled", _("most skilled")
    LINEAR = "linear", _("in fixed order")
    WEIGHTED_RANDOM = "weighted_random", _("weighted random")


class ContactChannel(models.TextChoices):
    """The ways a contact comes, as capacity and handing count them."""

    MAIL = "mail", _("mail")
    CHAT = "chat", _("chat")
    CALLBACK = "callback", _("callback")


class Handing(models.TextChoices):
    """How a queue hands contacts of a channel to its agents."""

    OFFER = "offer", _("offered, the agent accepts")
    PULL = "pull", _("agents take the next one")
    ASSIGN = "assign", _("assigned at once")


_SHARE = (MinValueValidator(1), MaxValueValidator(100))


class QueueRouting(models.Model):
    """How one queue routes. A queue without a row has these defaults (routing.queries.settings)."""

    queue = models.OneToOneField(Queue, models.CASCADE, related_name="routing", verbose_name=_("queue"))
    plan = models.ForeignKey(
        "routing.RoutingPlan",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="queues",
        verbose_name=_("routing plan"),
    )
    strategy = models.CharField(_("strategy"), max_length=20, choices=Strategy, default=Strategy.LONGEST_IDLE)
    weight = models.SmallIntegerField(
        _("weight"),
        default=0,
        help_text=_("An agent of several queues is given the waiting contact of greater weight."),
    )
    bands = models.BooleanField(
        _("penalties first"),
        default=False,
        help_text=_("Agents with a lower penalty in this queue come before all others, whatever the strategy says."),
    )
    mail_handing = models.CharField(_("mail"), max_length=10, choices=Handing, default=Handing.PULL)
    chat_handing = models.CharField(_("chat"), max_length=10, choices=Handing, default=Handing.OFFER)
    callback_handing = models.CharField(_("callback"), max_length=10, choices=Handing, default=Handing.OFFER)
    target_share = models.PositiveSmallIntegerField(
        _("service level, %"), default=80, validators=_SHARE, help_text=_("Share of contacts to be answered in time.")
    )
    target_seconds = models.PositiveIntegerField(_("within, seconds"), default=20)
    short_abandon_seconds = models.PositiveIntegerField(
        _("short abandons, seconds"), default=5, help_text=_("Who gives up sooner is not counted in the service level.")
    )
    offer_seconds = models.PositiveSmallIntegerField(
        _("an offer stands, seconds"), default=20, validators=[MinValueValidator(5), MaxValueValidator(300)]
    )
    misses_allowed = models.PositiveSmallIntegerField(
        _("missed offers in a row until not ready"), default=2, validators=[MinValueValidator(1)]
    )
    missed_return_seconds = models.PositiveIntegerField(
        _("ready again after, seconds"),
        null=True,
        blank=True,
        help_text=_("Empty: an agent who missed offers makes himself ready again."),
    )
    may_decline = models.BooleanField(_("agents may decline"), default=True)
    decline_seconds = models.PositiveIntegerField(
        _("a decline holds, seconds"), default=120, help_text=_("For so long the contact is not offered to him again.")
    )
    wrapup_seconds = models.PositiveIntegerField(_("wrap-up, seconds"), default=60)
    wrapup_more_seconds = models.PositiveIntegerField(_("may be extended by, seconds"), default=60)
    language_level = models.PositiveSmallIntegerField(
        _("language needed at level"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(5)],
        help_text=_(
            "Empty: whoever is free, whatever he speaks. 1 to 5: the customer's language is a skill that is needed."
        ),
    )
    max_wait_seconds = models.PositiveIntegerField(
        _("longest wait, seconds"),
        null=True,
        blank=True,
        help_text=_("Who has waited for so long comes before all others."),
    )
    closed = models.JSONField(
        _("when closed, unstaffed, full or overflowing"),
        default=dict,
        blank=True,
        help_text=_(
            'Such as {"behaviours": {"closed": "keep"}, "overflow": [{"when": "wait", "over": 120, "to": [4]}]}; '
            "docs/routing.md has all of it."
        ),
    )
    sticky_days = models.PositiveSmallIntegerField(
        _("known agent, days"),
        default=30,
        help_text=_("Who handled the customer within so many days is preferred; 0: nobody."),
    )
    sticky_seconds = models.PositiveSmallIntegerField(
        _("and waited for, seconds"), default=20, help_text=_("For so long a contact waits for that agent alone.")
    )
    callback_from_seconds = models.PositiveIntegerField(
        _("callback from a wait of, seconds"), null=True, blank=True, help_text=_("Empty: no callbacks are offered.")
    )
    callback_tries = models.PositiveSmallIntegerField(_("callback attempts"), default=3)
    callback_retry_seconds = models.PositiveIntegerField(_("between attempts, seconds"), default=300)

    class Meta:
        verbose_name = _("routing of a queue")
        verbose_name_plural = _("routing of queues")
        ordering: ClassVar[list[str]] = ["queue__position", "queue__name"]

    def __str__(self) -> str:
        return str(self.queue)

    def handing(self, channel: str) -> str:
        """How contacts of a ContactChannel are handed out."""
        return str(getattr(self, f"{channel}_handing"))
