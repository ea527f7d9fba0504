"""How much an agent may hold at once. The rest of his state is written by agents.py alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events
from helpdesk.actions import BadInput
from helpdesk.models import Actor, User
from routing.actions import mark_dirty
from routing.actions.agents import lock_presence
from routing.models import AgentPresence, ContactChannel, Dirty

MOST_UNITS = 1000


@transaction.atomic
def set_capacity(
    *,
    actor: Actor,
    user: User,
    units: int,
    caps: Mapping[str, int],
    position: int = 0,
    penalties: Mapping[str, int] | None = None,
) -> AgentPresence:
    """Sets the units, the most at once by channel, the place in a fixed order and the penalties by key of the queue.

    Makes the row of somebody never here yet; None leaves the penalties. What he holds above a lowered capacity stays with
    him; he is offered nothing until he is below. Raises BadInput and NotAllowed.
    """
    access.ensure(actor, "setup.change")
    if not 1 <= units <= MOST_UNITS:
        raise BadInput(_("The capacity is from 1 to %(n)s units.") % {"n": MOST_UNITS})
    if strange := set(caps) - set(ContactChannel.values):
        raise BadInput(_("There is no channel %(channel)s.") % {"channel": min(strange)})
    if not all(_is_count(number) for number in (*caps.values(), *(penalties or {}).values())):
        raise BadInput(_("The most at once and penalties are whole numbers."))
    row = lock_presence(user)
    after: dict[str, Any] = {"units": units, "caps": dict(caps), "position": position}
    if penalties is not None:
        after["penalties"] = {key: number for key, number in penalties.items() if number}
    changed = {name: [getattr(row, name), value] for name, value in after.items() if getattr(row, name) != value}
    if changed:
        for name in changed:
            setattr(row, name, after[name])
        row.save(update_fields=list(changed))
        events.audit(actor, "agentpresence.changed", row, changed)
        mark_dirty(Dirty.Kind.AGENT, [user.pk])
    return row


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 0
