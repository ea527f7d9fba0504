"""The agents a contact prefers: who they are, and when a step that waits for them is not worth it.

Called by whoever drives a plan: the queue's actions, the simulation, the dry run. Pure: no Django.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

#: Words for agents that depend on the contact: who dealt with this customer last, who looks after his account, and who
#: did well on the contact's tag.
WHO = ("last_agent", "owner", "best_on_tag")
#: Reasons that lie with a preferred agent.
PERSONAL = ("offline", "on_break", "not_ready", "shift_over", "busy")
#: Reasons a step may be skipped for: the personal ones, or that nobody who meets the step is ready, or at work at all.
SKIP_REASONS = (*PERSONAL, "nobody_ready", "nobody_staffed")

_PRESENCE = {
    "offline": "offline", "disconnected": "offline", "break": "on_break", "not_ready": "not_ready", "rona": "not_ready",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AgentNow:
    """A preferred agent as he is: stored presence, seconds until his shift ends (None: no end known, or flexible), and
    seconds until he has room (0: now; None: nobody knows when)."""

    presence: str = "ready"
    shift_ends_in: float | None = None
    free_in: float | None = 0.0

    def why_not(self, patience: float | None) -> str:
        """The reason that keeps him from the contact for longer than `patience` seconds (None: any time), or ""."""
        if self.presence in _PRESENCE:
            return _PRESENCE[self.presence]
        if self.shift_ends_in is not None and self.shift_ends_in <= 0:
            return "shift_over"
        longest = math.inf if patience is None else patience
        return "busy" if self.free_in is None or self.free_in > longest else ""


@dataclass(frozen=True, slots=True)
class Success:
    """What an agent made of contacts with a tag: how many, and how many well (resolved, not reopened, not unhappy)."""

    contacts: int
    well: int


def preferred_of(words: Sequence[int | str], known: Mapping[str, Sequence[int]]) -> tuple[int, ...]:
    """The keys of the agents a step prefers, best first; `known` gives those behind each word of WHO for this contact."""
    keys = [key for word in words for key in (known.get(word, ()) if isinstance(word, str) else (word,))]
    return tuple(dict.fromkeys(keys))


def should_skip(
    skip_if: Collection[str],
    *,
    preferred: Sequence[int] = (),
    agents: Mapping[int, AgentNow] | None = None,
    only_preferred: bool = False,
    patience: float | None = None,
    was_offered: bool = False,
    ready: int = 1,
    staffed: int = 1,
) -> str:
    """The reason for which a step is left at once, or "" to stay in it.

    Asked when the step begins and no offer came of it at once: with `was_offered` there is nothing to skip. `patience`
    is the rest of the step in seconds; an agent whose contact ends within it is worth waiting for. `ready` and `staffed`
    count agents who meet the step. A step for preferred agents alone that knows none is skipped ("nobody_known"),
    whatever it says.
    """
    if was_offered:
        return ""
    if only_preferred and not preferred:
        return "nobody_known"
    if "nobody_staffed" in skip_if and staffed < 1:
        return "nobody_staffed"
    if "nobody_ready" in skip_if and ready < 1:
        return "nobody_ready"
    present = agents or {}
    reasons = [present.get(key, AgentNow("offline")).why_not(patience) for key in preferred]
    return reasons[0] if reasons and all(reason in skip_if for reason in reasons) else ""


def best_on_tag(records: Mapping[int, Success], *, least_contacts: int = 3, limit: int = 3) -> tuple[int, ...]:
    """The agents who did best on a tag, best first, of those with enough contacts to judge by.

    By the lower end of the 95 % interval of the share done well (Wilson 1927), so that nine of ten beat one of one;
    those who did less than half well are not preferred.
    """
    scored = [
        (-_lower_bound(record), key)
        for key, record in records.items()
        if record.contacts >= least_contacts and 2 * record.well >= record.contacts
    ]
    return tuple(key for _, key in sorted(scored)[:limit])


def _lower_bound(record: Success) -> float:
    z, n, share = 1.96, record.contacts, record.well / record.contacts
    middle = share + z * z / (2 * n)
    return (middle - z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))) / (1 + z * z / n)
