"""The steps of a plan as sentences: the one in force, and what each does."""

from __future__ import annotations

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from routing.core.plan import StepInForce
from routing.words.waits import seconds_words


def step_words(step: StepInForce, age: float, steps: int, needs: str) -> str:
    """The step in force, and when it relaxes."""
    if step.is_holding:
        begins = seconds_words((step.until_age or age) - age)
        return _("It is too early for anybody: the first step begins in %(time)s.") % {"time": begins}
    what = _("Step %(n)s of %(all)s") % {"n": min(step.no + 1, steps), "all": steps} if steps > 1 else ""
    if step.is_final:
        what = _("The free-for-all at the end of the plan")
    if step.only_preferred:
        who = _("only agents known to this customer are asked")
    else:
        who = _("needs %(skills)s") % {"skills": needs} if needs else _("any agent of the queue may take it")
    first = f"{what}: {who}." if what else f"{who[:1].upper()}{who[1:]}."
    if step.until_age is None:
        return first
    return f"{first} {_('It relaxes in %(time)s.') % {'time': seconds_words(step.until_age - age)}}"


def only_preferred_words() -> str:
    """A step for known agents alone."""
    return _("only agents known to the customer")


def preferred_words() -> str:
    """A step that asks known agents first."""
    return _("agents known to the customer first")


def overflow_words(queues: list[str]) -> str:
    """A step that opens the contact to other queues."""
    return _("agents of %(queues)s may take it too") % {"queues": get_text_list(queues, _("and"))}


def boost_words(seconds: float) -> str:
    """A step that moves the contact ahead."""
    return _("%(time)s ahead in the order") % {"time": seconds_words(seconds)}
