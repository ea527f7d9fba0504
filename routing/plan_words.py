"""What is wrong with a plan, in the reader's language: the sentences of routing.core.plan_check by kind."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk.models import Queue, User
from helpdesk.templatetags.moments import moment
from routing.core.plan_check import Problem
from routing.queries.plan_house import NO_QUEUE

_SENTENCES: dict[str, Promise] = {
    "unreachable_step": gettext_lazy("Step %(step)s is never reached: step %(blocked_by)s before it never ends."),
    "step_too_late": gettext_lazy(
        "Step %(step)s never begins: it may begin at %(min_wait)s s, and has expired by then."
    ),
    "final_unreachable": gettext_lazy(
        "Nobody but those of step %(step)s will ever be asked: it never ends, so “anybody” at the end never comes."
    ),
    "waits_for_one": gettext_lazy("Step %(step)s waits for its preferred agents alone and never ends."),
    "preferred_outside": gettext_lazy("Step %(step)s prefers %(agent)s, who does not work for this queue."),
    "nobody_holds": gettext_lazy(
        "In some open hours nobody at work meets %(needs)s, and the plan never asks for less (step %(step)s)."
    ),
    "nobody_holds_for_a_while": gettext_lazy("In some open hours nobody at work meets step %(step)s: %(needs)s."),
    "nobody_ever_holds": gettext_lazy("Nobody of the queue meets step %(step)s: %(needs)s."),
    "unknown_skill": gettext_lazy("Step %(step)s asks for %(skill)s, which is no skill of the house."),
    "contradiction": gettext_lazy("Step %(step)s and the contact's own demand can never both be met: %(needs)s."),
    "firm_group_dropped": gettext_lazy("Step %(step)s no longer asks for %(needs)s, which is never to be relaxed."),
    "same_as_before": gettext_lazy("Step %(step)s asks for the same as the step before it."),
    "nobody_staffed": gettext_lazy("The queue is open at hours in which nobody is on shift."),
    "never_open": gettext_lazy("The queue does not open in the days looked at."),
    "closed_without_behaviour": gettext_lazy(
        "The queue is closed at times and does not say what happens to contacts then."
    ),
    "overflow_loop": gettext_lazy("Overflow runs in a circle: %(path)s."),
    "overflow_to_itself": gettext_lazy("Step %(step)s overflows into its own queue."),
    "overflow_unknown": gettext_lazy("Overflow leads to queue %(queue)s, which does not exist."),
    "overflow_closed": gettext_lazy("%(queue)s, which takes the overflow, is never open while this queue is."),
}


class Names:
    """Names of the queues and agents that problems speak of. Two queries."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        params: list[Mapping[str, Any]] = [problem.params for problem in problems]
        queues = {key for one in params for key in (one.get("queue"), *one.get("queues", ()))}
        agents = {one["agent"] for one in params if "agent" in one}
        self.queues = dict(Queue.objects.filter(pk__in=queues - {None, NO_QUEUE}).values_list("pk", "name"))
        self.agents = dict(User.objects.filter(pk__in=agents).values_list("pk", "name")) if agents else {}

    def queue(self, key: int) -> str:
        """The name, else the key."""
        return self.queues.get(key, str(key))


def sentence(problem: Problem, names: Names, queue: int = NO_QUEUE) -> str:
    """One problem; with the queue it holds for, and with the first hours it is about."""
    params: dict[str, Any] = dict(problem.params)
    if "queues" in params:
        params["path"] = " → ".join(names.queue(key) for key in params["queues"])
    if "queue" in params:
        params["queue"] = names.queue(params["queue"])
    if "agent" in params:
        params["agent"] = names.agents.get(params["agent"], params["agent"])
    words = str(_SENTENCES[problem.kind]) % params
    if "begins" in params:
        first = {"when": moment(params["begins"]), "hours": params["hours"]}
        words += " " + _("First: %(when)s; %(hours)s hours in two weeks.") % first
    return words if queue == NO_QUEUE else _("%(queue)s: %(words)s") % {"queue": names.queue(queue), "words": words}


def kinds() -> Collection[str]:
    """The kinds that have a sentence here."""
    return _SENTENCES.keys()
