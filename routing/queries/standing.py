"""What an agent is doing now, in a mark and a few words: his stored state, and what follows from his contacts.

Asked by the state bar, the list of colleagues and the dialog that passes a contact on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from routing.models import AgentPresence, AgentState, Assignment, Offer

#: Stored state -> the shape of the mark (components/avatar.css).
_MARKS = {
    AgentState.OFFLINE: "offline",
    AgentState.READY: "ready",
    AgentState.NOT_READY: "not-ready",
    AgentState.BREAK: "break",
    AgentState.RONA: "missed",
    AgentState.DISCONNECTED: "offline",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """An agent at this moment: `units` of his capacity in use, `contacts` in his hands, whether he can take one more."""

    state: str
    mark: str
    words: str
    since_at: datetime | None
    units_used: int
    units: int
    contacts: int

    @property
    def is_offline(self) -> bool:
        """Whether routing has nothing to say of him: offline by choice, or never seen."""
        return self.state == AgentState.OFFLINE

    @property
    def has_room(self) -> bool:
        """Whether an offer could come to him at once."""
        return self.state == AgentState.READY and self.units_used < self.units


NOBODY = Standing(AgentState.OFFLINE, "offline", "", None, 0, 100, 0)


def standings(users: Iterable[int]) -> dict[int, Standing]:
    """The standing of each of these people who has a state at all. Three queries."""
    keys = set(users)
    rows = {row.user_id: row for row in AgentPresence.objects.filter(user__in=keys).select_related("reason")}
    held: dict[int, list[Assignment]] = {}
    for assignment in Assignment.objects.filter(agent__in=rows, done_at__isnull=True):
        held.setdefault(assignment.agent_id, []).append(assignment)
    offered: dict[int, int] = {}
    for agent, units in Offer.objects.filter(agent__in=rows, state=Offer.State.PENDING).values_list("agent", "units"):
        offered[agent] = offered.get(agent, 0) + units
    return {key: standing_of(row, held.get(key, []), offered.get(key, 0)) for key, row in rows.items()}


def standing_of(presence: AgentPresence, held: list[Assignment], offered_units: int = 0) -> Standing:
    """The same from rows that are read already: `held` are his assignments that are not done."""
    live = [row for row in held if row.ended_at is None]
    wrapping = len(live) < len(held)
    mark, words = _MARKS[AgentState(presence.state)], _words(presence)
    if presence.state == AgentState.READY and wrapping:
        mark, words = "wrapup", _("Wrap-up")
    elif presence.state == AgentState.READY and live:
        mark, words = "busy", _("On contacts")
    return Standing(
        state=presence.state,
        mark=mark,
        words=words,
        since_at=presence.since_at,
        units_used=sum(row.units for row in held) + offered_units,
        units=presence.units,
        contacts=len(live),
    )


def _words(presence: AgentPresence) -> str:
    if presence.reason is not None and presence.state in {AgentState.NOT_READY, AgentState.BREAK}:
        # the names of our own reasons are translated, those a manager wrote stand as they are
        reason = _(presence.reason.name)
        if presence.state == AgentState.BREAK:
            return _("On break: %(reason)s") % {"reason": reason}
        return _("Not ready: %(reason)s") % {"reason": reason}
    return {
        AgentState.OFFLINE: _("Offline"),
        AgentState.READY: _("Ready"),
        AgentState.NOT_READY: _("Not ready"),
        AgentState.BREAK: _("On break"),
        AgentState.RONA: _("Missed offers"),
        AgentState.DISCONNECTED: _("Connection lost"),
    }[AgentState(presence.state)]
