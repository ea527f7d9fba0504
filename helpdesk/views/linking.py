"""Links between tickets: the dialog, making and removing one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from helpdesk import access
from helpdesk.access import actor_of
from helpdesk.actions import BadInput
from helpdesk.actions.linking import link_tickets, unlink_tickets
from helpdesk.models import LinkKind
from helpdesk.queries.joining import candidates
from helpdesk.views.answers import bundle, in_sentences
from helpdesk.views.inbox import door_of
from helpdesk.views.joining_forms import refused, tickets_of
from helpdesk.views.ticket import ticket_or_404
from helpdesk.views.ticket_changes import answer

#: What the dialog offers; `parent` is the link of a part read from the other side.
_KINDS = ("related", "child", "parent", "duplicate")


@require_http_methods(["GET", "POST"])
@in_sentences
def link(request: HttpRequest, number: int) -> HttpResponse:
    """The dialog (GET), and linking (POST) to the ticket named `other` as `kind`."""
    found = ticket_or_404(request, number)
    actor = actor_of(request)
    access.ensure(actor, "ticket.update", found)
    if request.method == "GET":
        context = {"ticket": found, "found": candidates(door_of(request), found, ""), "pick": "one"}
        return bundle(request, ["desk/_joining_link.html"], context)
    try:
        other, kind = tickets_of(request, "other")[0], request.POST.get("kind", "")
        if kind not in _KINDS:
            raise BadInput(_("Choose how the tickets belong together."))
        first, second = (other, found) if kind == "parent" else (found, other)
        link_tickets(ticket=first, other=second, kind=LinkKind.CHILD if kind == "parent" else kind, actor=actor)
    except BadInput as refusal:
        return refused(request, refusal)
    words = _("#%(number)s and #%(other)s are linked.") % {"number": number, "other": other.number}
    return answer(request, found, words, templates=("desk/_joining_closed.html",))


@require_POST
@in_sentences
def unlink(request: HttpRequest, number: int) -> HttpResponse:
    """Removes the link to `other` of this `kind`; `is_here=1` when it points at this ticket."""
    found = ticket_or_404(request, number)
    other = tickets_of(request, "other")[0]
    first, second = (other, found) if request.POST.get("is_here") == "1" else (found, other)
    unlink_tickets(ticket=first, other=second, kind=request.POST.get("kind", ""), actor=actor_of(request))
    return answer(request, found, _("The link to #%(number)s is removed.") % {"number": other.number})
