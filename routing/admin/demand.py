"""Demand rules: which facts of a contact ask for which skills, priority or queue. Read and refused by routing.core.demand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk.admin.base import HouseAdmin, mark
from helpdesk.admin.line_widgets import LinesArea, column
from helpdesk.admin.lists import LinesField
from helpdesk.models import SYSTEM, Channel, Priority, Queue, Tier
from helpdesk.said import said
from routing.admin.choices import FreshLines, skill_columns, skill_lines, skills_of
from routing.core import reading
from routing.core.demand import Rule
from routing.core.demand_conditions import HISTORY
from routing.models import DemandRule

_HISTORY_WORDS: dict[str, Promise] = {
    "contacts": gettext_lazy("contacts before"),
    "reopened": gettext_lazy("reopened tickets"),
    "transfers": gettext_lazy("transfers"),
    "unhappy": gettext_lazy("unhappy answers to surveys"),
    "escalated": gettext_lazy("escalations"),
    "callbacks_missed": gettext_lazy("callbacks that failed"),
}
_LISTS = ("tag", "page", "language", "country", "channel", "tier")


def pair_lines(pairs: dict[str, list[str]]) -> str:
    """{"topic": ["bill", "refund"]} as `topic = bill, refund`, a line each."""
    return "\n".join(f"{key} = {', '.join(map(str, values))}" for key, values in pairs.items())


def pairs_of(lines: str) -> dict[str, list[str]]:
    """The other way round; nothing after the sign means: whatever the answer. Raises ValidationError for other lines."""
    found: dict[str, list[str]] = {}
    for line in lines.splitlines():
        if line.strip():
            key, sign, values = line.partition("=")
            if not sign or not key.strip():
                words = _("“%(line)s” is no condition: write topic = bill, refund, or topic = for any answer.")
                raise ValidationError(words % {"line": line.strip()})
            found[key.strip()] = reading.listed(values)
    return found


def counts_of(lines: str) -> dict[str, int]:
    """`reopened 2` a line as a mapping. Raises ValidationError for other lines."""
    found: dict[str, int] = {}
    for line in lines.splitlines():
        if line.strip():
            what, _sep, least = line.strip().rpartition(" ")
            if not least.isdecimal() or what.strip() not in HISTORY:
                words = _("“%(line)s” is no count: write what and at least how many, such as reopened 2.")
                raise ValidationError(words % {"line": line.strip()})
            found[what.strip()] = int(least)
    return found


def _pairs(label: Any, add: Promise, name: Promise) -> forms.CharField:
    columns = (column("text", name), column("text", gettext_lazy("one of these, with commas; empty: any")))
    widget = LinesArea(columns, between="=", add=add, rows=2)
    return forms.CharField(label=label, required=False, widget=widget)


class DemandRuleForm(forms.ModelForm[DemandRule]):
    """See the module."""

    answers = _pairs(gettext_lazy("the customer answered"), gettext_lazy("answer"), gettext_lazy("question"))
    own_fields = _pairs(gettext_lazy("a field says"), gettext_lazy("field"), gettext_lazy("key of the field"))
    tag = LinesField(label=gettext_lazy("one of these tags"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    page = LinesField(
        label=gettext_lazy("written from one of these pages"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("The beginning of the path, such as /fr/; with a star before it, anywhere in the path."),
    )
    language = LinesField(
        label=gettext_lazy("in one of these languages"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("A code a line, such as fr."),
    )
    country = LinesField(
        label=gettext_lazy("from one of these countries"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("A code a line, such as FR, DE-BY, EU or DACH."),
    )
    channel = forms.MultipleChoiceField(
        label=gettext_lazy("came by"), choices=Channel.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    tier = forms.MultipleChoiceField(
        label=gettext_lazy("customer's tier"), choices=Tier.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    history = forms.CharField(
        label=gettext_lazy("at least so many"),
        required=False,
        widget=LinesArea(
            (
                column("select", gettext_lazy("what"), list(_HISTORY_WORDS.items())),
                column("number", gettext_lazy("at least")),
            ),
            add=gettext_lazy("count"),
            rows=2,
        ),
    )
    skills = forms.CharField(
        label=gettext_lazy("skills"),
        required=False,
        widget=FreshLines(skill_columns, add=gettext_lazy("skill"), rows=3),
        help_text=gettext_lazy("A skill and its level a line, such as lang/fr 3."),
    )
    to_queue = forms.ModelChoiceField(
        label=gettext_lazy("queue"), queryset=Queue.objects.visible_to(SYSTEM).filter(is_active=True), required=False
    )
    priority = forms.TypedChoiceField(
        label=gettext_lazy("priority"),
        choices=[("", "---------"), *Priority.choices],
        coerce=int,
        empty_value=None,
        required=False,
    )
    boost = forms.IntegerField(
        label=gettext_lazy("ahead by, seconds"),
        required=False,
        min_value=0,
        help_text=gettext_lazy("It is treated as if it had come so much earlier."),
    )

    class Meta:
        model = DemandRule
        fields = ("name", "queue", "position", "is_active")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        rule: dict[str, Any] = self.instance.rule if isinstance(self.instance.rule, dict) else {}
        asked = rule.get("when", {})
        self.initial["answers"] = pair_lines(asked.get("answer", {}))
        self.initial["own_fields"] = pair_lines(asked.get("field", {}))
        self.initial.update({kind: list(asked.get(kind, [])) for kind in _LISTS})
        self.initial["history"] = "\n".join(f"{what} {least:g}" for what, least in asked.get("history", {}).items())
        skills = rule.get("skills", {})
        self.initial["skills"] = skill_lines(skills if isinstance(skills, dict) else dict.fromkeys(skills, 1))
        self.initial["to_queue"], self.initial["priority"] = rule.get("queue"), rule.get("priority")
        self.initial["boost"] = int(rule["boost"]) if rule.get("boost") else None

    def clean_answers(self) -> dict[str, list[str]]:
        """Read."""
        return pairs_of(self.cleaned_data["answers"])

    def clean_own_fields(self) -> dict[str, list[str]]:
        """Read."""
        return pairs_of(self.cleaned_data["own_fields"])

    def clean_history(self) -> dict[str, int]:
        """Read."""
        return counts_of(self.cleaned_data["history"])

    def clean_skills(self) -> dict[str, int]:
        """Read."""
        return skills_of(self.cleaned_data["skills"])

    def clean(self) -> dict[str, Any]:
        """Puts the rule together; what routing.core.demand refuses is refused with its sentence."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return values
        asked = {"answer": values["answers"], "field": values["own_fields"], "history": values["history"]}
        asked.update({kind: values[kind] for kind in _LISTS})
        queue = values.get("to_queue")
        plain = {
            "name": values["name"],
            "when": {key: value for key, value in asked.items() if value},
            "skills": values["skills"],
            "queue": queue.pk if queue is not None else None,
            "priority": values.get("priority"),
            "boost": values.get("boost") or 0,
        }
        try:
            written = Rule.from_dict(plain).to_dict()
        except ValueError as problem:
            raise ValidationError(said(problem)) from None
        written.pop("name")
        self.instance.rule = written
        return values


@admin.register(DemandRule)
class DemandRuleAdmin(HouseAdmin[DemandRule]):
    """Demand rules, in their order."""

    form = DemandRuleForm
    list_display = ("name", "queue", "shown_when", "shown_then", "position", "shown_state")
    list_filter = ("is_active", "queue")
    list_select_related = ("queue",)
    search_fields = ("name", "queue__name")
    autocomplete_fields = ("queue",)
    fieldsets = (
        (None, {"fields": ("name", "queue", "position", "is_active")}),
        (
            gettext_lazy("When all of this holds"),
            {
                "fields": ("channel", "tier", "answers", "own_fields", "tag", "language", "country", "page", "history"),
                "description": gettext_lazy(
                    "What is left empty is not asked about. Of several values of one line, one is enough."
                ),
            },
        ),
        (gettext_lazy("Then the contact needs"), {"fields": ("skills", "priority", "boost", "to_queue")}),
    )

    @admin.display(description=gettext_lazy("when"))
    def shown_when(self, obj: DemandRule) -> str:
        """The facts, in short."""
        asked: dict[str, Any] = obj.rule.get("when", {}) if isinstance(obj.rule, dict) else {}
        parts = [f"{key}: {_short(value)}" for key, value in asked.items()]
        return "; ".join(parts) or _("always")

    @admin.display(description=gettext_lazy("asks for"))
    def shown_then(self, obj: DemandRule) -> str:
        """Skills and the rest, in short."""
        rule: dict[str, Any] = obj.rule if isinstance(obj.rule, dict) else {}
        parts = [_short(rule["skills"])] if rule.get("skills") else []
        if rule.get("priority"):
            parts.append(_("priority %(level)s") % {"level": Priority(rule["priority"]).label})
        if rule.get("boost"):
            parts.append(_("%(n)s s ahead") % {"n": f"{rule['boost']:g}"})
        if rule.get("queue"):
            parts.append(_("queue %(n)s") % {"n": rule["queue"]})
        return ", ".join(parts) or "-"

    @admin.display(description=gettext_lazy("state"), ordering="is_active")
    def shown_state(self, obj: DemandRule) -> Any:
        """Used or not."""
        return mark("ok", _("active")) if obj.is_active else mark("quiet", _("switched off"))


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_short(entry)}".strip() for key, entry in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
