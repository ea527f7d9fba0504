"""Parting messages from a ticket: the dialog in which they are chosen, and splitting them off or moving them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from helpdesk import access
from helpdesk.access import actor_of, may
from helpdesk.actions import BadInput
from helpdesk.actions.splitting import move_messages, split_messages
from helpdesk.models import IllegalTransition, Message, Ticket
from helpdesk.queries.joining import candidates, messages_named, offered_messages
from helpdesk.views.answers import bundle, in_sentences, is_partial, toast
from helpdesk.views.inbox import door_of
from helpdesk.views.joining_forms import keys_of, refused, tickets_of
from helpdesk.views.ticket import changed, ticket_or_404
from helpdesk.views.ticket_changes import seq_of
from helpdesk.views.undoing import undo_address


@require_http_methods(["GET", "POST"])
@in_sentences
def part(request: HttpRequest, number: int) -> HttpResponse:
    """The dialog (GET, `message` ticked), and parting (POST): `to` is `new` for a new ticket, else `target` names one."""
    found = ticket_or_404(request, number)
    access.ensure(actor_of(request), "ticket.update", found)
    reads_notes = may(actor_of(request), "ticket.read_notes", found)
    if request.method == "GET":
        context = {
            "ticket": found,
            "messages_offered": offered_messages(found, may_read_notes=reads_notes),
            "ticked": set(keys_of(request)),
            "found": candidates(door_of(request), found, "", open_only=True),
            "pick": "target",
        }
        return bundle(request, ["desk/_joining_part.html"], context)
    try:
        chosen = messages_named(found, keys_of(request), may_read_notes=reads_notes)
        return _parted(request, found, chosen)
    except (BadInput, IllegalTransition) as refusal:
        return refused(request, refusal)


def _parted(request: HttpRequest, found: Ticket, chosen: list[Message]) -> HttpResponse:
    actor = actor_of(request)
    if request.POST.get("to") == "new":
        new = split_messages(
            ticket=found,
            messages=chosen,
            actor=actor,
            subject=request.POST.get("subject", ""),
            of_sender=request.POST.get("of_sender") == "1",
        )
        number, words = new.number, _("Split off as #%(number)s.") % {"number": new.number}
    else:
        target = tickets_of(request, "target")[0]
        confirmed = request.POST.get("confirmed") == "1"
        move_messages(ticket=found, messages=chosen, target=target, actor=actor, confirmed=confirmed)
        number = target.number
        words = ngettext("%(n)s message moved to #%(number)s.", "%(n)s messages moved to #%(number)s.", len(chosen)) % {
            "n": len(chosen),
            "number": number,
        }
    if not is_partial(request):
        return HttpResponseRedirect(reverse("ticket", args=[number]))
    said = toast(words, undo_url=undo_address(request, [found]))
    response = changed(request, found, seq_of(request), templates=("desk/_joining_closed.html",), extra=said)
    response["HX-Trigger"] = "inbox-changed"
    return response
