"""One's own settings; the people of a ticket: its customer, who else takes part, how long it took."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from helpdesk import access
from helpdesk.access import actor_of
from helpdesk.actions import BadInput
from helpdesk.actions.customers import give_ticket
from helpdesk.actions.participants import add_copy, add_follower, remove_participant
from helpdesk.forms import ProfileForm
from helpdesk.models import Customer, User
from helpdesk.queries.customers import customer_of, customers
from helpdesk.queries.ticket import ticket_by_number
from helpdesk.queries.time_in_state import time_in_state
from helpdesk.views.answers import bundle, in_sentences, is_partial, toast
from helpdesk.views.customer_forms import form_context, keep_facts
from helpdesk.views.ticket import customer_context, ticket_or_404
from helpdesk.views.ticket_changes import answer


@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Name, language and time zone of the person signed in."""
    if not isinstance(request.user, User):
        raise Http404
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        person = form.save()
        with translation.override(person.language):
            messages.success(request, _("Your settings are kept."))
        return HttpResponseRedirect(reverse("profile"))
    return render(request, "account/profile.html", {"form": form})


@require_http_methods(["GET", "POST"])
@in_sentences
def customer(request: HttpRequest, public_id: uuid.UUID, number: int) -> HttpResponse:
    """The form of the customer inside the context panel of a ticket."""
    actor = actor_of(request)
    found = get_object_or_404(Customer.objects.visible_to(actor), public_id=public_id)
    ticket = ticket_by_number(actor, number)
    if ticket is None or ticket.customer_id != found.pk:
        raise Http404
    form = None if request.method == "GET" else keep_facts(request, found)
    if request.method == "GET" or form is not None:
        context = form_context(found, ticket=ticket, form=form)
        return bundle(request, ["desk/_customer_form.html"], context, status=200 if form is None else 422)
    if not is_partial(request):
        return HttpResponseRedirect(reverse("ticket", args=[number]))
    fresh = ticket_or_404(request, number)
    said = toast(_("The customer is changed."), seconds=4)
    return bundle(request, ["desk/_context.html"], customer_context(request, fresh), extra=said)


@require_POST
@in_sentences
def participants(request: HttpRequest, number: int) -> HttpResponse:
    """Puts a customer in copy (`do=copy`, `email`), lets a colleague follow (`do=follower`, `who`), or takes one out."""
    found, actor = ticket_or_404(request, number), actor_of(request)
    what, sent = request.POST.get("do", ""), request.POST.get("who", "")
    key = int(sent) if sent.isdecimal() and len(sent) < 19 else 0
    if what == "copy":
        row = add_copy(ticket=found, actor=actor, email=request.POST.get("email", ""))
        return answer(request, found, _("%(name)s is in copy from now on.") % {"name": row.customer})
    if what == "follower":
        colleague = get_object_or_404(User, pk=key, is_active=True)
        add_follower(ticket=found, actor=actor, user=colleague)
        return answer(request, found, _("%(name)s follows this ticket.") % {"name": colleague})
    if what == "remove":
        remove_participant(ticket=found, actor=actor, participant=key)
        return answer(request, found, _("Removed."))
    raise BadInput(_("Choose what to do."))


@require_GET
def times(request: HttpRequest, number: int) -> HttpResponse:
    """How long the ticket stood in each state."""
    shares = time_in_state(ticket_or_404(request, number))
    context = {"times": shares, "has_business_time": any(share.business_seconds is not None for share in shares)}
    return bundle(request, ["desk/_context_times.html"], context)


@require_http_methods(["GET", "POST"])
@in_sentences
def belongs(request: HttpRequest, number: int) -> HttpResponse:
    """The dialog (GET; `q` finds customers), and giving the ticket to `customer` (POST), the one before in copy or not."""
    found, actor = ticket_or_404(request, number), actor_of(request)
    access.ensure(actor, "ticket.update", found)
    if request.method == "GET":
        asked = request.GET.get("q", "")
        rows = customers(actor, asked).rows[:8] if asked else []
        context = {"ticket": found, "asked": asked, "found": [one for one in rows if one.pk != found.customer_id]}
        only_list = request.headers.get("HX-Trigger-Name") == "q"
        return bundle(request, ["desk/_customer_found.html" if only_list else "desk/_customer_give.html"], context)
    try:
        chosen = customer_of(actor, uuid.UUID(request.POST.get("source", "")))
    except ValueError:
        chosen = None
    if chosen is None:
        raise BadInput(_("Choose the customer it belongs to."))
    give_ticket(ticket=found, actor=actor, customer=chosen, keep_in_copy=request.POST.get("keep") == "1")
    words = _("#%(number)s belongs to %(name)s now.") % {"number": number, "name": chosen}
    return answer(request, found, words, templates=("desk/_joining_closed.html",))
