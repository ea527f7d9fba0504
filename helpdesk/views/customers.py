"""The customers: the list, one customer with his journey, his addresses, merging two and parting them again."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from helpdesk import access
from helpdesk.access import actor_of, may
from helpdesk.actions import BadInput
from helpdesk.actions.customer_merging import conflicts, merge_customers, unmerge_customers
from helpdesk.actions.customers import add_address, prefer_address, remove_address, set_blocked
from helpdesk.models import Customer, Ticket
from helpdesk.queries import customers as reads
from helpdesk.queries.journey import journey as journey_of
from helpdesk.views.answers import bundle, in_sentences, is_partial, toast
from helpdesk.views.customer_forms import form_context, keep_facts
from helpdesk.views.inbox import door_of

_FORM, _CARD = "desk/_customer_form.html", "desk/_customer_card.html"


def customer_or_404(request: HttpRequest, public_id: uuid.UUID) -> Customer:
    """The customer with this public id, or whom he was merged into. Whom one may not see does not exist."""
    access.ensure(actor_of(request), "customer.view")
    found = reads.customer_of(actor_of(request), public_id)
    if found is None:
        raise Http404
    return found


@require_GET
def customers(request: HttpRequest) -> HttpResponse:
    """The list by name; `q` finds names and addresses, `after` is the cursor."""
    access.ensure(actor_of(request), "customer.view")
    asked = request.GET.get("q", "")
    page = reads.customers(actor_of(request), asked, request.GET.get("after", ""))
    return render(request, "desk/customers.html", {"page": page, "asked": asked})


@require_GET
def customer(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """One customer: who he is, his tickets (`after` is their cursor), his journey, who may be the same person."""
    found = customer_or_404(request, public_id)
    if found.public_id != public_id:
        return HttpResponseRedirect(reverse("customer", args=[found.public_id]))
    actor = actor_of(request)
    context = {
        **card_context(request, found),
        "tickets": reads.tickets_of(actor, found, request.GET.get("after", "")),
        "counts": reads.ticket_counts(actor, found),
        "journey": journey_of(actor, found),
        "alike": reads.maybe_the_same(actor, found),
        "merges": reads.merges_into(found),
        "may_merge": may(actor, "customer.merge"),
    }
    return render(request, "desk/customer.html", context)


@require_GET
def journey(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The steps before the cursor `before`."""
    found = customer_or_404(request, public_id)
    steps = journey_of(actor_of(request), found, request.GET.get("before", ""))
    return render(request, "desk/_customer_journey.html", {"journey": steps, "customer": found})


def card_context(request: HttpRequest, found: Customer) -> dict[str, Any]:
    """What the card of a customer shows."""
    return {
        "customer": found,
        "addresses": list(found.addresses.all()),
        "may_edit_customer": may(actor_of(request), "customer.edit"),
    }


@require_http_methods(["GET", "POST"])
@in_sentences
def edit(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The form in the place of the card (GET), and keeping it (POST)."""
    found = customer_or_404(request, public_id)
    access.ensure(actor_of(request), "customer.edit")
    if request.method == "GET" and request.GET.get("card") == "1":
        return bundle(request, [_CARD], card_context(request, found))
    form = None if request.method == "GET" else keep_facts(request, found)
    if request.method == "GET" or form is not None:
        status = 422 if form is not None else 200
        return bundle(request, [_FORM], form_context(found, ticket=None, form=form), status=status)
    if not is_partial(request):
        return HttpResponseRedirect(reverse("customer", args=[found.public_id]))
    fresh = customer_or_404(request, public_id)
    said = toast(_("The customer is changed."), seconds=4)
    return bundle(request, [_CARD], card_context(request, fresh), extra=said)


@require_POST
@in_sentences
def addresses(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Adds an address (`do=add`, `kind`, `value`), or removes or prefers the one with the key `address`."""
    found, actor = customer_or_404(request, public_id), actor_of(request)
    what, sent = request.POST.get("do", ""), request.POST.get("address", "")
    key = int(sent) if sent.isdecimal() and len(sent) < 19 else 0
    if what == "add":
        value = request.POST.get("value", "")
        kind = request.POST.get("kind", "") or ("email" if "@" in value else "phone")
        add_address(customer=found, actor=actor, kind=kind, value=value)
        words = _("The address is added.")
    elif what == "remove":
        remove_address(customer=found, actor=actor, address=key)
        words = _("The address is removed.")
    elif what == "prefer":
        prefer_address(customer=found, actor=actor, address=key)
        words = _("This address is preferred now.")
    else:
        raise BadInput(_("Choose what to do with this address."))
    return _form_again(request, found, words)


@require_POST
@in_sentences
def blocked(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Shuts the customer out (`blocked=1`) or lets him in again."""
    found = customer_or_404(request, public_id)
    wanted = request.POST.get("blocked") == "1"
    set_blocked(customer=found, actor=actor_of(request), blocked=wanted)
    words = _("%(name)s is blocked.") if wanted else _("%(name)s is heard again.")
    return _form_again(request, found, words % {"name": found})


def _form_again(request: HttpRequest, found: Customer, words: str) -> HttpResponse:
    if not is_partial(request):
        messages.success(request, words)
        return HttpResponseRedirect(reverse("customer", args=[found.public_id]))
    number = request.POST.get("ticket", "")
    ticket: Ticket | None = None
    if number.isdecimal() and len(number) < 19:
        ticket = door_of(request).filter(number=int(number), customer=found).first()
    fresh = customer_or_404(request, found.public_id)
    return bundle(request, [_FORM], form_context(fresh, ticket=ticket), extra=toast(words, seconds=4))


@require_http_methods(["GET", "POST"])
@in_sentences
def merge(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The dialog (GET): whom to merge into this customer, found by `q`, and what to keep; merging (POST) `source`."""
    found, actor = customer_or_404(request, public_id), actor_of(request)
    access.ensure(actor, "customer.merge")
    sent = request.POST.get("source", "") or request.GET.get("source", "")
    source = reads.customer_of(actor, _uuid(sent)) if sent else None
    if request.method == "GET":
        asked = request.GET.get("q", "")
        others = reads.customers(actor, asked).rows[:8] if asked else reads.maybe_the_same(actor, found)
        context: dict[str, Any] = {
            "customer": found,
            "source": source,
            "found": [one for one in others if one.pk != found.pk],
            "asked": asked,
            "differ": _differences(found, source) if source is not None else [],
        }
        only_list = request.headers.get("HX-Trigger-Name") == "q"
        return bundle(request, ["desk/_customer_found.html" if only_list else "desk/_customer_merge.html"], context)
    if source is None:
        raise BadInput(_("Choose the customer to merge into this one."))
    if str(source.public_id) != sent:
        raise BadInput(_("This customer was merged into %(name)s just now. Look again.") % {"name": source})
    choices = {name.removeprefix("keep-"): value for name, value in request.POST.items() if name.startswith("keep-")}
    merge_customers(target=found, source=source, actor=actor, choices={k: str(v) for k, v in choices.items()})
    messages.success(request, _("%(name)s is merged into this customer.") % {"name": source})
    return _go(request, found)


def _differences(target: Customer, source: Customer) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for name in conflicts(target, source):
        field = Customer._meta.get_field(name.removesuffix("_id"))
        shown = [_shown(one, name) for one in (target, source)]
        rows.append({"name": name, "label": str(field.verbose_name), "target": shown[0], "source": shown[1]})  # type: ignore[union-attr]
    for key in sorted(set(target.fields) & set(source.fields)):
        ours, theirs = target.fields[key], source.fields[key]
        if ours not in ("", None) and theirs not in ("", None) and ours != theirs:
            rows.append({"name": f"own-{key}", "label": key, "target": str(ours), "source": str(theirs)})
    return rows


def _shown(customer: Customer, name: str) -> str:
    if name == "organisation_id":
        return str(customer.organisation)
    return customer.get_tier_display() if name == "tier" else str(getattr(customer, name))


@require_POST
@in_sentences
def unmerge(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Parts `source`, who was merged into this customer, again."""
    found = customer_or_404(request, public_id)
    access.ensure(actor_of(request), "customer.merge")
    row = next((m for m in reads.merges_into(found) if str(m.source_public_id) == request.POST.get("source")), None)
    if row is None:
        raise BadInput(_("This customer is not merged into %(name)s any more.") % {"name": found})
    source = unmerge_customers(source=row.source, actor=actor_of(request))
    messages.success(request, _("%(name)s is a customer of his own again.") % {"name": source})
    return _go(request, found)


def _go(request: HttpRequest, customer: Customer) -> HttpResponse:
    address = reverse("customer", args=[customer.public_id])
    if not is_partial(request):
        return HttpResponseRedirect(address)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = address
    return response


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Http404 from None
