"""The routing of a queue in plain words: what stands as JSON in `closed` is a few choices and rows here."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk.actions import BadInput
from helpdesk.admin.line_widgets import Column, column
from helpdesk.models import SYSTEM, Queue
from helpdesk.said import said
from routing.actions.plans import check_plan, read_plan
from routing.admin.choices import FreshLines, queue_choices
from routing.core.closed import OVERFLOW_WHEN, ClosedRules
from routing.models import QueueRouting, RoutingPlan

BEHAVIOURS: dict[str, Promise] = {
    "keep": gettext_lazy("it waits in its place"),
    "ticket": gettext_lazy("a message is taken and becomes a ticket"),
    "callback_next_open": gettext_lazy("we call when we open"),
    "play_message": gettext_lazy("it is told why, and ends"),
    "other_queue": gettext_lazy("another queue takes it"),
}
_ABLE: dict[str, tuple[str, ...]] = {
    "mail": ("keep", "other_queue"),
    "chat": ("ticket", "keep", "callback_next_open", "play_message", "other_queue"),
    "callback": ("callback_next_open", "keep", "other_queue"),
}
_CHANNEL_WORDS = {"mail": gettext_lazy("mail"), "chat": gettext_lazy("chat"), "callback": gettext_lazy("callback")}
_STATE_WORDS = {
    "closed": gettext_lazy("closed, %(channel)s"),
    "unstaffed": gettext_lazy("nobody at work, %(channel)s"),
    "full": gettext_lazy("full, %(channel)s"),
}
#: The selects, as (field, state, channel).
BEHAVIOUR_FIELDS = tuple((f"when_{state}_{channel}", state, channel) for state in _STATE_WORDS for channel in _ABLE)
OVERFLOW_WORDS: dict[str, Promise] = {
    "wait": gettext_lazy("has waited longer than (seconds)"),
    "ewt": gettext_lazy("would wait longer than (seconds)"),
    "length": gettext_lazy("more contacts wait than"),
    "service_level": gettext_lazy("the service level of the last half hour is below (%)"),
    "unstaffed": gettext_lazy("nobody is at work"),
    "closed": gettext_lazy("the queue is closed"),
}


def _overflow_columns() -> tuple[Column, ...]:
    return (
        column("select", gettext_lazy("when"), [(word, OVERFLOW_WORDS[word]) for word in OVERFLOW_WORDS]),
        column("number", gettext_lazy("more than")),
        column("select", gettext_lazy("queue whose agents take it too"), queue_choices()),
    )


def overflow_lines(rules: list[dict[str, Any]]) -> str:
    """Overflow rules as `wait | 120 | 4`, a line for each queue."""
    lines = []
    for rule in rules:
        limit = rule.get("over", rule.get("under"))
        over = "" if limit is None else f"{limit:g}"
        lines += [f"{rule['when']} | {over} | {key}" for key in rule["to"]]
    return "\n".join(lines)


def overflow_of(lines: str) -> list[dict[str, Any]]:
    """The other way round; lines with the same condition become one rule. Raises ValidationError for what is no rule."""
    found: dict[tuple[str, float | None], list[int]] = {}
    for line in lines.splitlines():
        if not line.strip(" |"):
            continue
        parts = [part.strip() for part in line.split("|")]
        if len(parts) != 3 or parts[0] not in OVERFLOW_WHEN or not parts[2].isdecimal():
            words = _(
                "“%(line)s” is no overflow rule: write what, how much and the queue's number, such as wait | 120 | 4."
            )
            raise ValidationError(words % {"line": line.strip()})
        try:
            over = float(parts[1]) if parts[1] else None
        except ValueError:
            raise ValidationError(_("“%(word)s” is no number.") % {"word": parts[1]}) from None
        if parts[0] in ("unstaffed", "closed"):
            over = None
        found.setdefault((parts[0], over), []).append(int(parts[2]))
    return [
        {"when": when, **({} if over is None else {"under" if when == "service_level" else "over": over}), "to": to}
        for (when, over), to in found.items()
    ]


def _behaviour(state: str, channel: str) -> forms.ChoiceField:
    choices = [("", gettext_lazy("as usual")), *((word, BEHAVIOURS[word]) for word in _ABLE[channel])]
    return forms.ChoiceField(label=_STATE_WORDS[state], choices=choices, required=False)


class QueueRoutingForm(forms.ModelForm[QueueRouting]):
    """See the module."""

    other_queues = forms.ModelMultipleChoiceField(
        label=gettext_lazy("the other queues"),
        queryset=Queue.objects.visible_to(SYSTEM).filter(is_active=True),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "Asked where contacts go to another queue: of those that are open, the one with the shortest wait."
        ),
    )
    closed_message = forms.CharField(
        label=gettext_lazy("what customers are told"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    max_length = forms.IntegerField(
        label=gettext_lazy("full with"),
        required=False,
        min_value=1,
        help_text=gettext_lazy("So many waiting contacts at most; empty: never full."),
    )
    at_closing = forms.ChoiceField(
        label=gettext_lazy("who still waits at closing time"),
        choices=(
            ("drain", gettext_lazy("is served")),
            ("convert", gettext_lazy("is treated as coming to a closed queue")),
        ),
        required=False,
    )
    drain_seconds = forms.IntegerField(
        label=gettext_lazy("served for at most, seconds"),
        required=False,
        min_value=0,
        help_text=gettext_lazy("Empty: to the last."),
    )
    emergency_until = forms.SplitDateTimeField(
        label=gettext_lazy("closed by hand until"), required=False, widget=AdminSplitDateTime
    )
    overflow = forms.CharField(
        label=gettext_lazy("overflow"),
        required=False,
        widget=FreshLines(_overflow_columns, between="|", add=gettext_lazy("overflow"), rows=3),
        help_text=gettext_lazy(
            "A contact keeps its queue and its place there; agents of the other queue may take it as well."
        ),
    )
    warnings: tuple[str, ...] = ()

    class Meta:
        model = QueueRouting
        exclude = ("closed",)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        stored = self.instance.closed if isinstance(self.instance.closed, dict) else {}
        behaviours = stored.get("behaviours", {})
        for name, state, channel in BEHAVIOUR_FIELDS:
            by_channel = behaviours.get(state, {})
            word = by_channel if isinstance(by_channel, str) else by_channel.get(channel, by_channel.get("*", ""))
            self.initial[name] = word if word in _ABLE[channel] else ""
            self.fields[name].label = capfirst(str(_STATE_WORDS[state]) % {"channel": _CHANNEL_WORDS[channel]})
        self.initial["other_queues"] = stored.get("other_queues", [])
        self.initial["closed_message"] = stored.get("message", "")
        self.initial["max_length"] = stored.get("max_length")
        self.initial["at_closing"] = stored.get("at_closing", "drain")
        self.initial["drain_seconds"] = None if stored.get("drain_seconds") is None else int(stored["drain_seconds"])
        until = parse_datetime(stored.get("emergency_until") or "")
        self.initial["emergency_until"] = localtime(until) if until is not None else None
        self.initial["overflow"] = overflow_lines(stored.get("overflow", []))

    def clean(self) -> dict[str, Any]:
        """Puts the choices together as routing.core.closed reads them, and checks the plan in this queue with them."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return values
        try:
            plain = self._closed(values)
        except ValidationError as problem:
            self.add_error("overflow", problem)
            return values
        try:
            rules = ClosedRules.from_dict(plain)
        except ValueError as problem:
            raise ValidationError(said(problem)) from None
        queue = values.get("queue") or self._queue()
        if queue is not None and queue.pk in {
            *rules.other_queues,
            *(key for rule in rules.overflow for key in rule.to),
        }:
            raise ValidationError(_("A queue cannot hand its contacts to itself: choose another one."))
        self.instance.closed = rules.to_dict() if plain else {}
        if queue is not None and values.get("plan") is not None:
            self._check(values["plan"], queue, rules if self.instance.closed else None)
        return values

    def _queue(self) -> Queue | None:
        return (
            Queue.objects.visible_to(SYSTEM).filter(pk=self.instance.queue_id).first()
            if self.instance.queue_id
            else None
        )

    def _check(self, plan: RoutingPlan, queue: Queue, closed: ClosedRules | None) -> None:
        try:
            verdict = check_plan(read_plan(plan.rules), [queue.pk], closed=closed, has_closed=True)
        except BadInput as problem:
            self.add_error("plan", said(problem))
            return
        if verdict.errors:
            self.add_error("plan", [ValidationError(words) for words in verdict.errors])
        self.warnings = verdict.warnings

    def _closed(self, values: dict[str, Any]) -> dict[str, Any]:
        stored = self.instance.closed if isinstance(self.instance.closed, dict) else {}
        behaviours: dict[str, dict[str, str]] = {}
        for state, by_channel in stored.get("behaviours", {}).items():  # what this form does not show stays
            several = {"*": by_channel} if isinstance(by_channel, str) else dict(by_channel)
            behaviours[state] = {channel: word for channel, word in several.items() if channel not in _ABLE}
        for name, state, channel in BEHAVIOUR_FIELDS:
            if values.get(name):
                behaviours.setdefault(state, {})[channel] = values[name]
            elif "*" in behaviours.get(state, {}):
                del behaviours[state]["*"]  # a channel is back to what is usual: the word for all would overrule it
        until = values.get("emergency_until")
        at_closing = values.get("at_closing") or "drain"
        plain = {
            "behaviours": {state: by_channel for state, by_channel in behaviours.items() if by_channel},
            "other_queues": [queue.pk for queue in values.get("other_queues") or ()],
            "message": values.get("closed_message", "").strip(),
            "max_length": values.get("max_length"),
            "at_closing": at_closing if at_closing != "drain" else "",
            "drain_seconds": values.get("drain_seconds"),
            "emergency_until": until.isoformat() if until else None,
            "overflow": overflow_of(values.get("overflow", "")),
        }
        return {key: value for key, value in plain.items() if value not in (None, "", [], {})}


for _field, _state, _channel in BEHAVIOUR_FIELDS:
    QueueRoutingForm.base_fields[_field] = QueueRoutingForm.declared_fields[_field] = _behaviour(_state, _channel)
