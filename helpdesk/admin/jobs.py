"""Jobs for administrators: what waits, and what failed for good. Read only but for trying a failed job again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django_q.models import Failure, OrmQ

from helpdesk import jobs
from helpdesk.admin.base import ReadOnlyAdmin, mark
from helpdesk.logs import redacted
from helpdesk.now import now

for _model in (Failure, OrmQ):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


@admin.register(OrmQ)
class WaitingJobAdmin(ReadOnlyAdmin[Any]):
    """Jobs that wait or run."""

    list_display = ("id", "shown_work", "shown_arguments", "shown_state", "lock")
    ordering = ("pk",)
    fields = ("id", "shown_work", "shown_arguments", "shown_state", "lock")

    @admin.display(description=_("work"))
    def shown_work(self, obj: Any) -> str:
        """The function's path."""
        return _work(_task(obj).get("args"))

    @admin.display(description=_("about"))
    def shown_arguments(self, obj: Any) -> str:
        """Ids and short words."""
        return _about(_task(obj).get("args"))

    @admin.display(description=_("state"))
    def shown_state(self, obj: Any) -> SafeString:
        """Waiting, or taken by a worker."""
        return mark("busy", _("taken")) if obj.lock and obj.lock > now() else mark("quiet", _("waiting"))


@admin.register(Failure)
class FailedJobAdmin(ReadOnlyAdmin[Any]):
    """Jobs that failed each time they were tried."""

    list_display = ("stopped", "shown_work", "shown_arguments", "attempt_count", "shown_problem")
    list_filter = ("stopped",)
    search_fields = ("name",)
    ordering = ("-stopped",)
    fields = ("shown_work", "shown_arguments", "started", "stopped", "attempt_count", "whole_problem")
    actions = ("try_again",)
    object_actions = ("try_again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The table also holds what went well."""
        return super().get_queryset(request).filter(success=False)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Administrators alone see these pages at all."""
        return request.user.has_perm("django_q.change_failure")

    @admin.display(description=_("work"))
    def shown_work(self, obj: Any) -> str:
        """The function's path."""
        return _work(obj.args)

    @admin.display(description=_("about"))
    def shown_arguments(self, obj: Any) -> str:
        """Ids and short words."""
        return _about(obj.args)

    @admin.display(description=_("problem"))
    def shown_problem(self, obj: Any) -> str:
        """Its last line."""
        return redacted(str(obj.result or "").strip().splitlines()[-1][:200]) if obj.result else "-"

    @admin.display(description=_("problem"))
    def whole_problem(self, obj: Any) -> SafeString:
        """With the way there."""
        return format_html('<pre class="source" dir="ltr">{}</pre>', redacted(str(obj.result or "")))

    @admin.action(description=_("Try again"), permissions=["retry"])
    def try_again(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """Enqueues the work anew; jobs re-read their state, so one that is no longer needed does nothing."""
        done = 0
        for row in rows:
            path = _work(row.args)
            if path.startswith(("helpdesk.", "routing.", "chat.", "surveys.", "escalation.")):
                jobs.enqueue(path, *row.args[1])
                self.audit(request, row, "tried_again", {"work": path})
                done += 1
        self.message_user(request, ngettext("%(n)s job goes again.", "%(n)s jobs go again.", done) % {"n": done})
        if done < len(rows):
            self.message_user(request, _("Work that is not ours is not tried again from here."), messages.WARNING)


def _task(row: Any) -> dict[str, Any]:
    task = row.task
    return task if isinstance(task, dict) else {}


def _work(arguments: Any) -> str:
    return str(arguments[0]) if arguments else "-"


def _about(arguments: Any) -> str:
    return ", ".join(str(a) for a in arguments[1]) if arguments and len(arguments) > 1 else "-"
