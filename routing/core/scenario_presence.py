"""Hours in a scenario: shifts and breaks of agents, hours of queues, and how often offers are declined.

Hours are of the simulated day, which begins at 0: [8, 16.5] is from eight to half past four, [22, 6] over midnight. They come
again every day. Called by the reader of scenarios and by the simulator.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from routing.core.reading import mapping, one_of, rows, seconds, whole

DAY = 86_400.0
#: Windows of a day in seconds, in order, none touching another; an empty tuple: always.
Windows = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Declines:
    """The share of offers that are declined, and for how many seconds whoever declined is not asked again."""

    share: float = 0.0
    seconds: float = 0.0


NO_DECLINES = Declines()


@dataclass(frozen=True, slots=True)
class Presence:
    """When equal agents are ready: within `shifts`, but for `breaks`. What they have in hand they finish."""

    shifts: Windows = ()
    breaks: Windows = ()

    @property
    def is_constant(self) -> bool:
        """Whether they are there all the time."""
        return not self.shifts and not self.breaks

    def why_not(self, now: float) -> str:
        """Why they are not ready at this second of the run; "" when they are."""
        if self.shifts and not is_within(self.shifts, now):
            return "outside_shift"
        return "break" if self.breaks and is_within(self.breaks, now) else ""

    def ready_seconds(self, begin: float, end: float) -> float:
        """Seconds of readiness between two instants of the run."""
        shifts = self.shifts or ((0.0, DAY),)
        ready = overlap(shifts, begin, end)
        both = [(max(a, c), min(b, d)) for a, b in shifts for c, d in self.breaks if max(a, c) < min(b, d)]
        return ready - overlap(both, begin, end)


def is_within(windows: Windows, now: float) -> bool:
    """Whether the instant lies in a window of its day."""
    at = now % DAY
    return any(begin <= at < end for begin, end in windows)


def next_change(windows: Iterable[Windows], now: float) -> float:
    """The next instant after `now` at which any of the windows begins or ends."""
    day, at = divmod(now, DAY)
    edges = sorted({edge % DAY for several in windows for window in several for edge in window})
    later = next((edge for edge in edges if edge > at), None)
    return day * DAY + later if later is not None else (day + 1) * DAY + edges[0]


def opens_at(windows: Windows, now: float) -> float:
    """The instant from which a queue of these hours is open; `now` where it is."""
    if not windows or is_within(windows, now):
        return now
    day, at = divmod(now, DAY)
    later = min((begin for begin, _end in windows if begin > at), default=None)
    return day * DAY + later if later is not None else (day + 1) * DAY + windows[0][0]


def overlap(windows: Iterable[tuple[float, float]], begin: float, end: float) -> float:
    """Seconds between two instants that lie in the windows of each day; these do not overlap."""
    total, day = 0.0, begin // DAY
    several = list(windows)
    while day * DAY < end:
        for first, last in several:
            total += max(0.0, min(end, day * DAY + last) - max(begin, day * DAY + first))
        day += 1
    return total


def read_windows(value: object, where: str) -> Windows:
    """`[[8, 12], [13, 17]]` in hours of the day, or nothing. Raises ValueError with a sentence."""
    if value is None:
        return ()
    found: list[tuple[float, float]] = []
    for one in rows(value, where):
        pair = one if isinstance(one, list) and len(one) == 2 else [None, None]
        first, last = (
            float(hour) * 3600
            if isinstance(hour, int | float) and not isinstance(hour, bool) and 0 <= hour <= 24
            else None
            for hour in pair
        )
        if first is None or last is None or first == last:
            raise ValueError(f"{where} has {one!r}: write two hours of the day from 0 to 24, such as [8, 16.5].")
        found += [(first, last)] if first < last else [(first, DAY), (0.0, last)]
    found = sorted(window for window in found if window[0] < window[1])
    for (_a, end), (begin, _b) in pairwise(found):
        if begin < end:
            raise ValueError(f"{where} has hours that overlap: {begin / 3600:g} lies in the window before.")
    return tuple(found)


def read_presence(shifts: object, breaks: object, where: str) -> Presence:
    """`shifts` as windows; `breaks` as `[{"at": 12, "minutes": 30}]`. Raises ValueError with a sentence."""
    pauses = []
    for one in rows(breaks, f"“breaks” of {where}"):
        form = mapping(one, f"A break of {where}", ("at", "minutes"))
        minutes = whole(form.get("minutes"), f"“minutes” of a break of {where}", least=1, most=720)
        at = form.get("at")
        if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at < 24:
            raise ValueError(f"“at” of a break of {where} must be an hour of the day from 0 to below 24, such as 12.5.")
        pauses.append([at, (at + minutes / 60) % 24])
    return Presence(read_windows(shifts, f"“shifts” of {where}"), read_windows(pauses, f"“breaks” of {where}"))


def read_declines(value: object, where: str) -> Declines:
    """`{"share": 0.1, "seconds": 30}`, or nothing. Raises ValueError with a sentence."""
    if value is None:
        return NO_DECLINES
    form = mapping(value, f"“declines” of {where}", ("share", "seconds"))
    share = form.get("share")
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 0.9:
        raise ValueError(f"“share” in “declines” of {where} must be from 0 to 0.9, such as 0.1.")
    return Declines(float(share), seconds(form.get("seconds", 0), f"“seconds” in “declines” of {where}"))


def read_closed(value: object, where: str) -> str:
    """What happens to contacts that come to a closed queue: "wait" for the opening, or "lost"."""
    return one_of(value if value is not None else "wait", f"“when_closed” of {where}", ("wait", "lost"))
