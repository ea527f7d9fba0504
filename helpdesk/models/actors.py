"""Who acts: a value that every action, read and event takes. Made at the roof from a session, token, mail or job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.models.people import Role

if TYPE_CHECKING:
    from helpdesk.models.customers import Customer
    from helpdesk.models.people import User


class ActorKind(models.TextChoices):
    """The kinds of hand that can change something."""

    AGENT = "agent", _("agent")
    CUSTOMER = "customer", _("customer")
    SYSTEM = "system", _("the system")
    RULE = "rule", _("a rule")
    BOT = "bot", _("a bot")


class Scope(models.TextChoices):
    """What an API token may do with its owner's rights."""

    READ = "read", _("read")
    WRITE = "write", _("read and write")


@dataclass(frozen=True)
class Actor:
    """Somebody (or something) that acts. `scopes` is None for a session and the token's scopes for an API token."""

    kind: ActorKind
    user: User | None = None
    customer: Customer | None = None
    name: str = ""
    scopes: frozenset[str] | None = None
    _teams: dict[str, frozenset[int]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, user: User, scopes: frozenset[str] | None = None) -> Actor:
        """The actor behind a signed-in person of the staff, or behind his token."""
        return cls(ActorKind.AGENT, user=user, name=str(user), scopes=scopes)

    @classmethod
    def of_customer(cls, customer: Customer) -> Actor:
        """The customer himself, by mail, chat or portal."""
        return cls(ActorKind.CUSTOMER, customer=customer, name=str(customer))

    @property
    def id(self) -> int | None:
        """The key of the user or customer; None for the system."""
        if self.user is not None:
            return self.user.pk
        return self.customer.pk if self.customer is not None else None

    @property
    def sees_everything(self) -> bool:
        """Whether reads are not narrowed to teams."""
        if self.kind in {ActorKind.SYSTEM, ActorKind.RULE}:
            return True
        return self.user is not None and self.user.is_active and self.user.role in {Role.MANAGER, Role.ADMIN}

    def team_ids(self) -> frozenset[int]:
        """The teams of the person, read once for each actor value (one request, one job)."""
        return self._memberships()["member"]

    def led_team_ids(self) -> frozenset[int]:
        """The teams the person leads."""
        return self._memberships()["lead"]

    def queue_ids(self) -> frozenset[int]:
        """The queues of the person's teams, read with them."""
        return self._memberships()["queues"]

    def _memberships(self) -> dict[str, frozenset[int]]:
        if not self._teams:
            rows: list[tuple[int, str, int | None]] = []
            if self.user is not None and self.user.is_active:
                rows = list(self.user.memberships.values_list("team_id", "role", "team__queues"))
            self._teams["member"] = frozenset(team for team, _role, _queue in rows)
            self._teams["lead"] = frozenset(team for team, role, _queue in rows if role == "lead")
            self._teams["queues"] = frozenset(queue for _team, _role, queue in rows if queue is not None)
        return self._teams


SYSTEM = Actor(ActorKind.SYSTEM, name="system")
