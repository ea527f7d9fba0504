"""The codes of decisions as sentences in the reader's language: why this agent, why it waits, what would change it.

The only place where routing's codes become words. Called by the page, the API and the command that explain a ticket, by the
dry run and by the customers' page.
"""

from routing.words.closed import alert_words, closed_words, state_words, until_words
from routing.words.demands import because_words, conflict_words, demand_words, needs_words, skill_words, source_words
from routing.words.reasons import (
    KNOWN_REASONS,
    by_words,
    change_words,
    compared_words,
    offer_words,
    presence_words,
    reason_words,
)
from routing.words.steps import boost_words, only_preferred_words, overflow_words, preferred_words, step_words
from routing.words.waits import callback_words, hidden_words, range_words, seconds_words, wait_words

__all__ = [
    "KNOWN_REASONS",
    "alert_words",
    "because_words",
    "boost_words",
    "by_words",
    "callback_words",
    "change_words",
    "closed_words",
    "compared_words",
    "conflict_words",
    "demand_words",
    "hidden_words",
    "needs_words",
    "offer_words",
    "only_preferred_words",
    "overflow_words",
    "preferred_words",
    "presence_words",
    "range_words",
    "reason_words",
    "seconds_words",
    "skill_words",
    "source_words",
    "state_words",
    "step_words",
    "until_words",
    "wait_words",
]
