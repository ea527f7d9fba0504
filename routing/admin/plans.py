"""Routing plans: an editor of steps over their JSON, the check before saving, and the versions."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare
from django.utils.datastructures import MultiValueDict
from django.utils.encoding import force_str
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk import access
from helpdesk.actions import BadInput
from helpdesk.admin.base import HouseAdmin, link_to
from helpdesk.said import said
from routing.actions.plans import check_plan, queues_of, read_plan, save_plan
from routing.admin.choices import LEVELS, agent_choices, queue_choices, skill_choices
from routing.models import RoutingPlan

_WORDS: dict[str, Promise] = {
    "step": gettext_lazy("Step"),
    "add_step": gettext_lazy("Add a step"),
    "remove_step": gettext_lazy("Remove the step"),
    "up": gettext_lazy("Up"),
    "down": gettext_lazy("Down"),
    "needs": gettext_lazy("What an agent must have"),
    "group": gettext_lazy("group"),
    "add_group": gettext_lazy("Add a group"),
    "remove_group": gettext_lazy("Remove the group"),
    "all": gettext_lazy("all of these"),
    "any": gettext_lazy("one of these"),
    "none": gettext_lazy("none of these"),
    "notall": gettext_lazy("not all of these"),
    "has": gettext_lazy("has"),
    "lacks": gettext_lazy("has not"),
    "skill": gettext_lazy("skill"),
    "level": gettext_lazy("at level, or better"),
    "choose": gettext_lazy("choose a skill"),
    "add_skill": gettext_lazy("Add a skill"),
    "remove_skill": gettext_lazy("Remove the skill"),
    "own": gettext_lazy("Of what the contact itself needs"),
    "keep_all": gettext_lazy("everything is kept"),
    "keep_some": gettext_lazy("only some is kept"),
    "keep_none": gettext_lazy("nothing is kept"),
    "kept": gettext_lazy("Kept"),
    "lower": gettext_lazy("levels lower by"),
    "preferred": gettext_lazy("Preferred"),
    "only": gettext_lazy("and nobody else"),
    "nobody": gettext_lazy("none"),
    "expiry": gettext_lazy("ends after so many seconds more (empty: never)"),
    "min_wait": gettext_lazy("begins at an age of at least, seconds"),
    "overflow": gettext_lazy("Agents of these queues may take it too"),
    "boost": gettext_lazy("moved ahead by, seconds"),
    "more": gettext_lazy("More"),
    "skip": gettext_lazy("Left early when the preferred are"),
    "min_penalty": gettext_lazy("penalty at least"),
    "max_penalty": gettext_lazy("penalty at most"),
    "raise_penalty": gettext_lazy("penalties lifted to"),
    "final": gettext_lazy("After the last step"),
    "final_stay": gettext_lazy("it stays in force"),
    "final_any": gettext_lazy("anybody of the queue"),
    "never_relax": gettext_lazy("Groups that are never let go of, with commas"),
    "text": gettext_lazy("As text"),
    "age": gettext_lazy("age in the queue {from} to {to} s"),
    "age_open": gettext_lazy("age in the queue from {from} s, without end"),
    "never_reached": gettext_lazy("never reached"),
}
_WHO: tuple[tuple[str, Promise], ...] = (
    ("last_agent", gettext_lazy("who dealt with the customer last")),
    ("owner", gettext_lazy("who looks after the account")),
    ("best_on_tag", gettext_lazy("who did best on such matters")),
)
_SKIPS: tuple[tuple[str, Promise], ...] = (
    ("offline", gettext_lazy("offline")),
    ("on_break", gettext_lazy("on break")),
    ("not_ready", gettext_lazy("not ready")),
    ("shift_over", gettext_lazy("past their shift")),
    ("busy", gettext_lazy("busy beyond its end")),
    ("nobody_ready", gettext_lazy("or nobody who meets it is ready")),
    ("nobody_staffed", gettext_lazy("or nobody who meets it is at work")),
)


class PlanArea(forms.Textarea):
    """The JSON, with what the editor needs to show it as steps."""

    class Media:
        js = (forms.Script("helpdesk/js/admin_plan.js", type="module"),)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """With names of skills, agents and queues, and the words, in the language of the request."""
        data = {
            "skills": skill_choices(),
            "agents": agent_choices(),
            "queues": queue_choices(),
            "who": [[key, force_str(words)] for key, words in _WHO],
            "skips": [[key, force_str(words)] for key, words in _SKIPS],
            "levels": [[int(key), force_str(words)] for key, words in LEVELS],
            "words": {key: force_str(words) for key, words in _WORDS.items()},
        }
        described = {
            **(attrs or {}),
            "data-plan": json.dumps(data, ensure_ascii=False),
            "spellcheck": "false",
            "dir": "ltr",
        }
        return super().get_context(name, value, described)


class Confirmation(forms.CheckboxInput):
    """A tick whose value names the warnings that were on the page."""

    token = ""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Never ticked by itself."""
        context = super().get_context(name, False, {**(attrs or {}), "data-token": self.token})
        context["widget"]["value"] = self.token
        return context

    def value_from_datadict(self, data: Any, files: MultiValueDict[str, Any], name: str) -> str:  # type: ignore[override]
        """The token, or nothing."""
        return str(data.get(name, ""))


class PlanForm(forms.ModelForm[RoutingPlan]):
    """A plan, checked against the queues that have it before it is saved."""

    rules = forms.CharField(
        label=gettext_lazy("steps"),
        required=False,
        widget=PlanArea(attrs={"rows": 14}),
        help_text=gettext_lazy(
            "Ages add up: steps of 10 and 20 seconds end at 10 and 30. A contact that waits keeps the version it met."
        ),
    )
    confirmed = forms.CharField(
        label=gettext_lazy("save in spite of the warnings"), required=False, widget=Confirmation
    )

    class Meta:
        model = RoutingPlan
        fields = ("name",)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["confirmed"].widget = Confirmation()
        stored = self.instance.rules or {"steps": []}
        self.initial["rules"] = json.dumps(stored, indent=1, ensure_ascii=False)

    def clean_name(self) -> str:
        """Two plans of one name could not be told apart."""
        name: str = self.cleaned_data["name"]
        if RoutingPlan.objects.exclude(pk=self.instance.pk).filter(name=name).exists():
            raise ValidationError(_("There is a plan of this name already."))
        return name

    def clean(self) -> dict[str, Any]:
        """Reads the JSON, asks the check; errors refuse, warnings are to be confirmed as they stand."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            rules = json.loads(values.get("rules") or "{}")
        except ValueError as problem:
            self.add_error("rules", _("This is no JSON: %(problem)s.") % {"problem": problem})
            return values
        values["rules"] = rules
        try:
            verdict = check_plan(read_plan(rules), queues_of(self.instance))
        except BadInput as problem:
            self.add_error("rules", said(problem))
            return values
        confirmed = constant_time_compare(values.get("confirmed", ""), verdict.token)
        if verdict.errors or (verdict.warnings and not confirmed):
            warnings = [_("Warning: %(words)s") % {"words": words} for words in verdict.warnings]
            self.add_error("rules", [ValidationError(words) for words in (*verdict.errors, *warnings)])
        if verdict.warnings and not confirmed and not verdict.errors:
            self.fields["confirmed"].widget.token = verdict.token
            self.add_error("confirmed", _("Nothing was saved yet: mend the warnings, or tick here and save again."))
        return values

    def _post_clean(self) -> None:
        """The row is written by the action; nothing of the form may get into it before."""


@admin.register(RoutingPlan)
class RoutingPlanAdmin(HouseAdmin[RoutingPlan]):
    """Plans."""

    form = PlanForm
    list_display = ("name", "shown_steps", "version", "shown_queues")
    search_fields = ("name",)
    readonly_fields = ("version", "shown_queues", "shown_versions")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RoutingPlan]:
        """With the queues that have it."""
        rows = super().get_queryset(request).annotate(version_count=Count("versions"))
        return rows.prefetch_related("queues__queue")

    def get_fieldsets(self, request: HttpRequest, obj: RoutingPlan | None = None) -> Any:
        """The steps before anything else; what is known of a saved plan behind."""
        edited = ((None, {"fields": ("name",)}), (gettext_lazy("Steps"), {"fields": ("rules", "confirmed")}))
        if obj is None:
            return edited
        return (*edited, (gettext_lazy("Use"), {"fields": ("version", "shown_queues", "shown_versions")}))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Where the house changed between the form's check and the action's, nothing is saved and the sentences are shown."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except BadInput as problem:
            self.message_user(request, said(problem), messages.ERROR)
            return redirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: RoutingPlan, form: Any, change: bool) -> None:
        """By the action, which writes the version."""
        values = form.cleaned_data
        saved = save_plan(
            actor=access.actor_of(request),
            name=values["name"],
            rules=values["rules"],
            plan=obj if change else None,
            confirmed=values.get("confirmed", ""),
        )
        obj.pk, obj._state.adding = saved.pk, False
        obj.name, obj.rules, obj.version = saved.name, saved.rules, saved.version
        if not queues_of(saved):
            words = _("No queue has this plan yet: choose it in the routing of a queue.")
            self.message_user(request, words, messages.INFO)

    def audit_form(self, request: HttpRequest, form: Any, formsets: Any, *, change: bool) -> None:
        """The action wrote its own line."""

    @admin.display(description=gettext_lazy("steps"))
    def shown_steps(self, obj: RoutingPlan) -> int:
        """How many."""
        return len(obj.rules.get("steps", [])) if isinstance(obj.rules, dict) else 0

    @admin.display(description=gettext_lazy("queues"))
    def shown_queues(self, obj: RoutingPlan) -> str:
        """Which have it."""
        return ", ".join(sorted(row.queue.name for row in obj.queues.all())) or "-"

    @admin.display(description=gettext_lazy("versions"))
    def shown_versions(self, obj: RoutingPlan) -> Any:
        """The newest, leading to its page."""
        newest = obj.versions.order_by("-version").first()
        return link_to(newest, _("version %(n)s") % {"n": newest.version}) if newest is not None else "-"
