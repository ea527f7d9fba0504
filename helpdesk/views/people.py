"""One's own settings, and what an agent corrects about a customer."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from helpdesk.access import actor_of
from helpdesk.actions.customers import edit_customer
from helpdesk.forms import CustomerForm, ProfileForm
from helpdesk.models import Customer, User
from helpdesk.queries.ticket import ticket_by_number
from helpdesk.views.answers import bundle, in_sentences, is_partial, toast
from helpdesk.views.inbox import door_of
from helpdesk.views.ticket import customer_context


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
    """The form for a customer's name, tier, language and notes, inside the context panel of a ticket."""
    actor = actor_of(request)
    found = get_object_or_404(Customer.objects.visible_to(actor), public_id=public_id)
    ticket = ticket_by_number(door_of(request), number)
    if ticket is None or ticket.customer_id != found.pk:
        raise Http404
    form = CustomerForm(request.POST or None, instance=found)
    if request.method == "GET" or not form.is_valid():
        status = 422 if request.method == "POST" else 200
        return bundle(
            request, ["desk/_customer_form.html"], {"form": form, "ticket": ticket, "customer": found}, status=status
        )
    edit_customer(customer=found, actor=actor, **form.cleaned_data)
    if not is_partial(request):
        return HttpResponseRedirect(reverse("ticket", args=[number]))
    fresh = ticket_by_number(door_of(request), number)
    if fresh is None:
        raise Http404
    return bundle(
        request,
        ["desk/_context.html"],
        customer_context(request, fresh),
        extra=toast(_("The customer is changed."), seconds=4),
    )
