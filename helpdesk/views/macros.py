"""One's own macros: the list, and one of them with what it would do to the ticket read last. Shared ones are the admin's."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from helpdesk.access import actor_of, ensure
from helpdesk.actions import BadInput
from helpdesk.actions.macros import plan
from helpdesk.actions.own_macros import delete_macro, save_macro
from helpdesk.macro_editor import editor_context, sent_steps
from helpdesk.models import Actor, Macro, Ticket
from helpdesk.queries.preferences import recently_read

_STEPS = "step"


@require_http_methods(["GET", "POST"])
def macros(request: HttpRequest) -> HttpResponse:
    """The list of one's own macros with a form for another; POST keeps it."""
    actor = actor_of(request)
    ensure(actor, "macro.save")
    if request.method == "POST":
        return _keep(request, actor, None)
    context = {"macros": list(Macro.objects.filter(owner=actor.user)), **editor_context(_STEPS, [], actor)}
    return render(request, "desk/macros.html", context)


@require_http_methods(["GET", "POST"])
def macro(request: HttpRequest, pk: int) -> HttpResponse:
    """One macro of one's own with its preview; POST changes it, or deletes it. Those of others are not found."""
    actor = actor_of(request)
    ensure(actor, "macro.save")
    found = get_object_or_404(Macro, pk=pk, owner=actor.user)
    if request.method == "POST" and request.POST.get("delete") == "1":
        delete_macro(macro=found, actor=actor)
        messages.success(request, _("The macro is deleted."))
        return HttpResponseRedirect(reverse("macros"))
    if request.method == "POST":
        return _keep(request, actor, found)
    return render(request, "desk/macro.html", _context(actor, found, found.steps))


def _keep(request: HttpRequest, actor: Actor, found: Macro | None) -> HttpResponse:
    """Keeps what was sent, or shows it again with the sentence of what will not do."""
    name, folder, steps = request.POST.get("name", ""), request.POST.get("folder", ""), sent_steps(request.POST, _STEPS)
    try:
        kept = save_macro(actor=actor, name=name, folder=folder, steps=steps, macro=found)
    except BadInput as problem:
        entered = Macro(pk=found.pk if found else None, name=name, folder=folder)
        context = {**_context(actor, entered, steps, preview=False), "problem": str(problem)}
        return render(request, "desk/macro.html", context, status=422)
    messages.success(request, _("The macro is kept: it stands among the macros of every ticket, yours first."))
    return HttpResponseRedirect(reverse("macro", args=[kept.pk]))


def _context(actor: Actor, entered: Macro, steps: Any, *, preview: bool = True) -> dict[str, Any]:
    """The form; with `preview` what the macro would do to the ticket this person read last."""
    context = {"macro": entered, **editor_context(_STEPS, steps, actor)}
    read = recently_read(actor, Ticket.objects.visible_to(actor)) if preview else []
    if read:
        ticket = Ticket.objects.visible_to(actor).select_related("queue", "customer", "mailbox").get(pk=read[0].pk)
        number, subject = ticket.number, ticket.subject
        context |= {"lines": plan(macro=entered, ticket=ticket, actor=actor), "number": number, "subject": subject}
    return context
