"""How much an agent may hold at once. The rest of his state is written by agents.py alone."""

from __future__ import annotations

from collections.abc import Mapping

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
def set_capacity(*, actor: Actor, user: User, units: int, caps: Mapping[str, int], position: int = 0) -> AgentPresence:
    """Sets the units, the most at once by channel, and the place in a fixed order; makes the row of somebody never here yet.

    What he holds above a lowered capacity stays with him; he is offered nothing until he is below. Raises BadInput, NotAllowed.
    """
    access.ensure(actor, "setup.change")
    if not 1 <= units <= MOST_UNITS:
        raise BadInput(_("The capacity is from 1 to %(n)s units.") % {"n": MOST_UNITS})
    if strange := set(caps) - set(ContactChannel.values):
        raise BadInput(_("There is no channel %(channel)s.") % {"channel": min(strange)})
    if any(isinstance(most, bool) or not isinstance(most, int) or most < 0 for most in caps.values()):
        raise BadInput(_("The most at once is a whole number."))
    row = lock_presence(user)
    before = {"units": row.units, "caps": row.caps, "position": row.position}
    after = {"units": units, "caps": dict(caps), "position": position}
    changed = {key: [before[key], value] for key, value in after.items() if before[key] != value}
    if changed:
        row.units, row.caps, row.position = units, dict(caps), position
        row.save(update_fields=["units", "caps", "position"])
        events.audit(actor, "agentpresence.changed", row, changed)
        mark_dirty(Dirty.Kind.AGENT, [user.pk])
    return row
