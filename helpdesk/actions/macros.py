"""Macros: several changes of a ticket in one click. They say first what they will do, and never send the draft.

A step is {"do": ..., ...}; STEPS names the kinds and what each needs. Called by the composer and the admin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk import access, canned
from helpdesk.actions import BadInput, lock
from helpdesk.actions.assignment import assign_ticket, may_own, move_ticket
from helpdesk.actions.conversation import note
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.triage import classify_ticket
from helpdesk.models import TRANSITIONS, Actor, Macro, Priority, Queue, Status, Ticket, User
from helpdesk.now import now
from helpdesk.presets import moment_of
from helpdesk.queries.canned import own_field_names, values_for

_STEPS_AT_MOST = 20
_TEXT_AT_MOST = 20_000
_SHOWN = 140
#: Kind of step -> its name in the editor. Each needs the key named in NEEDS, if any.
STEPS: dict[str, Promise] = {
    "set_status": gettext_lazy("Set the status"),
    "set_priority": gettext_lazy("Set the priority"),
    "add_tags": gettext_lazy("Add tags"),
    "remove_tags": gettext_lazy("Remove tags"),
    "assign_me": gettext_lazy("Take the ticket"),
    "assign": gettext_lazy("Give the ticket to"),
    "move": gettext_lazy("Move to the queue"),
    "snooze": gettext_lazy("Snooze"),
    "insert_text": gettext_lazy("Put a text into the reply"),
    "note": gettext_lazy("Write a note"),
}
NEEDS: dict[str, str] = {
    "set_status": "status",
    "set_priority": "priority",
    "add_tags": "tags",
    "remove_tags": "tags",
    "assign": "user",
    "move": "queue",
    "snooze": "until",
    "insert_text": "text",
    "note": "text",
}
STATUSES = (Status.OPEN, Status.PENDING, Status.ON_HOLD, Status.RESOLVED, Status.CLOSED, Status.SPAM)
SNOOZES: dict[str, Promise] = {
    "later": gettext_lazy("for three hours"),
    "tomorrow": gettext_lazy("until tomorrow 9:00"),
    "monday": gettext_lazy("until Monday 9:00"),
    "week": gettext_lazy("for a week, until 9:00"),
    "customer": gettext_lazy("until the customer writes"),
}


@dataclass(frozen=True)
class Planned:
    """What one step will do, as a sentence; `refusal` says why it cannot be done, `warning` what to look at."""

    words: str
    refusal: str = ""
    warning: str = ""


@dataclass(frozen=True)
class Ran:
    """A macro that ran: the events it made are those after `seq_before`; `text` belongs into the draft of the reply."""

    ticket: Ticket
    seq_before: int
    text: str = ""
    missing: tuple[str, ...] = ()


# --- validation --------------------------------------------------------------------------------------------------------


def checked_steps(steps: Any) -> list[dict[str, Any]]:
    """The steps tidied: known keys alone, in their types. Raises BadInput that says which step is wrong and why."""
    if not isinstance(steps, list) or not steps:
        raise BadInput(_("A macro needs at least one step."))
    if len(steps) > _STEPS_AT_MOST:
        raise BadInput(_("A macro has at most %(n)s steps.") % {"n": _STEPS_AT_MOST})
    tidy: list[dict[str, Any]] = []
    for place, step in enumerate(steps, start=1):
        try:
            tidy.append(_checked_step(step))
        except BadInput as problem:
            raise BadInput(_("Step %(n)s: %(problem)s") % {"n": place, "problem": problem}) from None
    changes_of_status = [step for step in tidy if step["do"] in {"set_status", "snooze"}]
    if len(changes_of_status) > 1:
        raise BadInput(_("A macro can set the status once; snoozing is a status too."))
    return tidy


def _checked_step(step: Any) -> dict[str, Any]:
    do = step.get("do") if isinstance(step, dict) else None
    if do not in STEPS:
        raise BadInput(_("Choose what the step does."))
    need = NEEDS.get(do)
    if need is None:
        return {"do": do}
    return {"do": do, need: _CHECKS[need](step.get(need))}


def _checked_status(value: Any) -> str:
    if value not in STATUSES:
        raise BadInput(_("Choose a status."))
    return str(value)


def _checked_priority(value: Any) -> int:
    if not str(value).isdecimal() or int(value) not in Priority.values:
        raise BadInput(_("Choose one of the four priorities."))
    return int(value)


def _checked_tags(value: Any) -> list[str]:
    names = value.replace("،", ",").replace("，", ",").split(",") if isinstance(value, str) else value
    if not isinstance(names, list):
        names = []
    tidy = list(dict.fromkeys(name for entry in names if (name := " ".join(str(entry).split())[:60])))
    if not tidy:
        raise BadInput(_("Name at least one tag."))
    return tidy


def _checked_user(value: Any) -> int:
    if not str(value).isdecimal() or not User.objects.filter(pk=int(value), is_active=True).exists():
        raise BadInput(_("Choose somebody who is active."))
    return int(value)


def _checked_queue(value: Any) -> int:
    if not str(value).isdecimal() or not Queue.objects.filter(pk=int(value), is_active=True).exists():
        raise BadInput(_("Choose a queue that is in use."))
    return int(value)


def _checked_until(value: Any) -> str:
    if value not in SNOOZES:
        raise BadInput(_("Choose until when to snooze."))
    return str(value)


def _checked_text(value: Any) -> str:
    text = str(value or "").replace("\x00", "").replace("\r\n", "\n").strip()
    if not text:
        raise BadInput(_("Write the text."))
    if len(text) > _TEXT_AT_MOST:
        raise BadInput(_("The text has at most %(n)s characters.") % {"n": _TEXT_AT_MOST})
    strange = canned.unknown(text, fields=own_field_names())
    if strange:
        raise BadInput(_("There is no variable %(name)s.") % {"name": canned.place(strange[0])})
    return text


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "status": _checked_status,
    "priority": _checked_priority,
    "tags": _checked_tags,
    "user": _checked_user,
    "queue": _checked_queue,
    "until": _checked_until,
    "text": _checked_text,
}

# --- what it will do ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Scene:
    """The ticket as it stands when a step is looked at: status and queue as the steps before will have left them."""

    ticket: Ticket
    actor: Actor
    status: str
    values: dict[str, str]


def plan(*, macro: Macro, ticket: Ticket, actor: Actor) -> list[Planned]:
    """What the macro would do to the ticket, step by step; nothing is changed."""
    scene = _Scene(ticket, actor, ticket.status, values_for(ticket, actor))
    lines: list[Planned] = []
    for step in macro.steps if isinstance(macro.steps, list) else []:
        try:
            tidy = _checked_step(step)
        except BadInput as problem:  # a queue or person that is gone since the macro was saved
            lines.append(Planned(str(STEPS.get(step.get("do", ""), _("Unknown step"))), refusal=str(problem)))
            continue
        lines.append(_PLANS[tidy["do"]](scene, tidy))
        if tidy["do"] in {"set_status", "snooze"}:
            scene = replace(scene, status=tidy.get("status", Status.SNOOZED))
    return lines


def _allowed(scene: _Scene, row: str) -> str:
    return "" if access.may(scene.actor, row, scene.ticket) else _("Your role does not allow this.")


def _plan_status(scene: _Scene, step: dict[str, Any]) -> Planned:
    wanted = Status(step["status"])
    row = "ticket.spam" if wanted == Status.SPAM else "ticket.close" if wanted == Status.CLOSED else "ticket.update"
    return Planned(
        _("Set the status to “%(status)s”.") % {"status": wanted.label},
        refusal=_allowed(scene, row) or _transition(scene, wanted),
    )


def _transition(scene: _Scene, wanted: Status) -> str:
    if scene.status == wanted or wanted in TRANSITIONS[scene.status]:
        return ""
    return _("A ticket that is “%(now)s” cannot become so.") % {"now": Status(scene.status).label}


def _plan_snooze(scene: _Scene, step: dict[str, Any]) -> Planned:
    return Planned(
        _("Snooze it %(until)s.") % {"until": SNOOZES[step["until"]]},
        refusal=_allowed(scene, "ticket.update") or _transition(scene, Status.SNOOZED),
    )


def _plan_priority(scene: _Scene, step: dict[str, Any]) -> Planned:
    label = Priority(step["priority"]).label
    return Planned(_("Set the priority to “%(level)s”.") % {"level": label}, refusal=_allowed(scene, "ticket.update"))


def _plan_tags(scene: _Scene, step: dict[str, Any]) -> Planned:
    sentence = _("Add the tags %(tags)s.") if step["do"] == "add_tags" else _("Remove the tags %(tags)s.")
    return Planned(sentence % {"tags": ", ".join(step["tags"])}, refusal=_allowed(scene, "ticket.update"))


def _plan_assign(scene: _Scene, step: dict[str, Any]) -> Planned:
    person = scene.actor.user if step["do"] == "assign_me" else User.objects.get(pk=step["user"])
    words = _("Take the ticket.") if step["do"] == "assign_me" else _("Give the ticket to %(name)s.") % {"name": person}
    refusal = _allowed(scene, "ticket.assign")
    if not refusal and (person is None or not may_own(person, scene.ticket)):
        refusal = _("%(name)s cannot own tickets of this queue.") % {"name": person}
    return Planned(words, refusal=refusal)


def _plan_move(scene: _Scene, step: dict[str, Any]) -> Planned:
    queue = Queue.objects.select_related("team").get(pk=step["queue"])
    refusal = _allowed(scene, "ticket.move")
    if not refusal and not scene.actor.sees_everything and queue.team_id not in scene.actor.team_ids():
        refusal = _("You can move tickets only to queues of your own teams.")
    scene.ticket.queue = queue  # the steps after it are judged there; the value was read for this plan alone
    return Planned(_("Move it to %(queue)s.") % {"queue": queue}, refusal=refusal)


def _plan_text(scene: _Scene, step: dict[str, Any]) -> Planned:
    filled = canned.fill(step["text"], scene.values)
    note_it = step["do"] == "note"
    sentence = _("Write a note: “%(text)s”") if note_it else _("Put into the reply, unsent: “%(text)s”")
    warning = ""
    if filled.missing:
        warning = _("No value for %(names)s.") % {"names": ", ".join(canned.place(name) for name in filled.missing)}
    return Planned(
        sentence % {"text": Truncator(" ".join(filled.text.split())).chars(_SHOWN)},
        refusal=_allowed(scene, "ticket.note" if note_it else "ticket.reply"),
        warning=warning,
    )


_PLANS: dict[str, Callable[[_Scene, dict[str, Any]], Planned]] = {
    "set_status": _plan_status,
    "set_priority": _plan_priority,
    "add_tags": _plan_tags,
    "remove_tags": _plan_tags,
    "assign_me": _plan_assign,
    "assign": _plan_assign,
    "move": _plan_move,
    "snooze": _plan_snooze,
    "insert_text": _plan_text,
    "note": _plan_text,
}

# --- doing it -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def run_macro(*, macro: Macro, ticket: Ticket, actor: Actor) -> Ran:
    """Does all steps or none. Raises BadInput with the first step that may not be done, NotAllowed or IllegalTransition."""
    access.ensure(actor, "macro.run", ticket)
    fresh = lock(ticket)
    for line in plan(macro=macro, ticket=lock(ticket), actor=actor):
        if line.refusal:
            raise BadInput(
                _("“%(macro)s” was not run. %(step)s %(why)s")
                % {"macro": macro.name, "step": line.words, "why": line.refusal}
            )
    values, texts, seq_before = values_for(fresh, actor), [], fresh.seq
    for step in checked_steps(macro.steps):
        if step["do"] == "insert_text":
            texts.append(canned.fill(step["text"], values))
        else:
            fresh = _do(step, fresh, actor, values)
    Macro.objects.filter(pk=macro.pk).update(use_count=F("use_count") + 1, last_used_at=now())
    missing = tuple(dict.fromkeys(name for filled in texts for name in filled.missing))
    return Ran(fresh, seq_before, "\n\n".join(filled.text for filled in texts), missing)


def _do(step: dict[str, Any], ticket: Ticket, actor: Actor, values: dict[str, str]) -> Ticket:
    match step["do"]:
        case "set_status":
            return set_status(ticket=ticket, actor=actor, status=step["status"])
        case "snooze":
            until = _snooze_end(step["until"])
            return set_status(ticket=ticket, actor=actor, status=Status.SNOOZED, snoozed_until=until)
        case "set_priority":
            return classify_ticket(ticket=ticket, actor=actor, priority=step["priority"])
        case "add_tags":
            return classify_ticket(ticket=ticket, actor=actor, add_tags=step["tags"])
        case "remove_tags":
            return classify_ticket(ticket=ticket, actor=actor, remove_tags=step["tags"])
        case "assign_me" if actor.user is not None:
            return assign_ticket(ticket=ticket, actor=actor, owner=actor.user)
        case "assign":
            return assign_ticket(ticket=ticket, actor=actor, owner=User.objects.get(pk=step["user"]))
        case "move":
            return move_ticket(ticket=ticket, actor=actor, queue=Queue.objects.get(pk=step["queue"]))
        case "note":
            text = canned.fill(step["text"], values).text
            return note(ticket=ticket, actor=actor, text=text, keeps_draft=True).ticket
    raise BadInput(_("Choose what the step does."))


def _snooze_end(preset: str) -> datetime | None:
    return None if preset == "customer" else moment_of(preset, timezone.localtime(now()))
