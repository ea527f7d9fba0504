"""How many agents a target takes, by Erlang C and Erlang A side by side, and what one more or one less would change.

Called by `manage.py staffing` and by the admin's staffing page.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from helpdesk.phrases import Refused, gettext_noop
from routing.core.erlang import Law, erlang_a, erlang_c, load_of

_MOST = 100_000  # agents; beyond that the question is a slip of the keyboard


@dataclass(frozen=True, slots=True)
class Question:
    """Traffic and target. `service_level` of all contacts are to be answered within `answer_within` seconds.

    `max_occupancy` 1 sets no bound. `shrinkage` is the share of paid time in which an agent is not at work: leave, training,
    breaks. `concurrency` is how many contacts one agent handles at once; `handle_seconds` is to be measured at that number.
    """

    contacts_per_hour: float
    handle_seconds: float
    service_level: float = 0.8
    answer_within: float = 20.0
    patience_seconds: float | None = None
    max_occupancy: float = 1.0
    shrinkage: float = 0.0
    concurrency: int = 1

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence; the laws themselves check traffic and times."""
        if not 0 <= self.service_level < 1:
            raise Refused(gettext_noop("The service level must be a share from 0 to below 1, such as 0.8."))
        if not 0 < self.max_occupancy <= 1:
            raise Refused(gettext_noop("The highest occupancy must be a share above 0 and up to 1, such as 0.85."))
        if not 0 <= self.shrinkage < 1:
            raise Refused(gettext_noop("Shrinkage must be a share from 0 to below 1, such as 0.3."))
        if self.concurrency < 1:
            raise Refused(gettext_noop("Concurrency must be a whole number from 1."))
        if self.patience_seconds is not None and not 0 < self.patience_seconds < math.inf:
            raise Refused(gettext_noop("Patience must be a number of seconds above 0."))
        if load_of(self.contacts_per_hour, self.handle_seconds) > _MOST:
            raise Refused(gettext_noop("This traffic would keep more than %(most)s agents busy."), most=f"{_MOST:,}")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: so many agents at work, so many on the schedule, and what comes of it."""

    agents: int
    scheduled: int
    law: Law
    enough: bool


@dataclass(frozen=True, slots=True)
class Staffing:
    """The answer of one model: the fewest agents who are enough, and the rows of one fewer, that many, and one more."""

    agents: int
    scheduled: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Both models. `with_leaving` is None where no patience was given."""

    question: Question
    patient: Staffing
    with_leaving: Staffing | None


def staff(question: Question) -> Answer:
    """The fewest agents who reach the service level and stay within the occupancy. Raises ValueError with a sentence."""
    return Answer(
        question=question,
        patient=_fewest(question, patience=None),
        with_leaving=_fewest(question, patience=question.patience_seconds) if question.patience_seconds else None,
    )


def scheduled_for(agents: int, shrinkage: float) -> int:
    """How many to put on the schedule so that `agents` are at work; 14 at 30 % are 20, not 21 by a rounding error."""
    return math.ceil(agents / (1.0 - shrinkage) - 1e-9)


def _fewest(question: Question, *, patience: float | None) -> Staffing:
    low, high = 0, 1
    while not _line(question, high, patience).enough:  # both figures only ever get better with more agents
        low, high = high, high * 2
        if high > 4 * _MOST:
            raise Refused(gettext_noop("No number of agents reaches this target."))
    while high - low > 1:
        middle = (low + high) // 2
        if _line(question, middle, patience).enough:
            high = middle
        else:
            low = middle
    agents = 0 if question.contacts_per_hour == 0 else high
    lines = tuple(_line(question, n, patience) for n in (agents - 1, agents, agents + 1) if n >= 0)
    return Staffing(agents, scheduled_for(agents, question.shrinkage), lines)


def _line(question: Question, agents: int, patience: float | None) -> Line:
    places = agents * question.concurrency
    within = question.answer_within
    if patience is None:
        law = erlang_c(question.contacts_per_hour, question.handle_seconds, places, answer_within=within)
        stable = law.load < places or law.load == 0
    else:
        law = erlang_a(question.contacts_per_hour, question.handle_seconds, patience, places, answer_within=within)
        stable = True
    enough = stable and law.service_level >= question.service_level and law.occupancy <= question.max_occupancy
    return Line(agents, scheduled_for(agents, question.shrinkage), law, enough)
