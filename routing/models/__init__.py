"""The rows of routing: settings of queues, plans, agents' states and shifts, work items, offers, assignments, callbacks."""

from routing.models.agents import (
    AgentPresence,
    AgentState,
    AgentStateInterval,
    BreakRequest,
    Disposition,
    NotReadyReason,
    Shift,
    TeamRouting,
)
from routing.models.callbacks import Callback, WaitForecast
from routing.models.plans import DemandRule, PlanVersion, RoutingPlan
from routing.models.queues import ContactChannel, Handing, QueueRouting, Strategy
from routing.models.work import Assignment, Decision, Dirty, Offer, WorkItem

__all__ = [
    "AgentPresence",
    "AgentState",
    "AgentStateInterval",
    "Assignment",
    "BreakRequest",
    "Callback",
    "ContactChannel",
    "Decision",
    "DemandRule",
    "Dirty",
    "Disposition",
    "Handing",
    "NotReadyReason",
    "Offer",
    "PlanVersion",
    "QueueRouting",
    "RoutingPlan",
    "Shift",
    "Strategy",
    "TeamRouting",
    "WaitForecast",
    "WorkItem",
]
