"""The form of a customer's facts and own fields, in the context panel of a ticket and on his page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from helpdesk.access import actor_of
from helpdesk.actions.customers import edit_customer, set_own_fields
from helpdesk.forms import CustomerForm
from helpdesk.models import Customer, CustomField, FieldKind, Organisation, Ticket

_OFFERED = 200


def form_context(customer: Customer, *, ticket: Ticket | None, form: CustomerForm | None = None) -> dict[str, Any]:
    """What `_customer_form.html` shows; with a ticket it stands in that ticket's panel."""
    own = CustomField.objects.filter(on=CustomField.On.CUSTOMER)
    return {
        "form": form or CustomerForm(instance=customer),
        "customer": customer,
        "ticket": ticket,
        "own_fields": [(field, customer.fields.get(field.key, "")) for field in own],
        "addresses": list(customer.addresses.all()),
        "organisations": list(Organisation.objects.values_list("name", flat=True)[:_OFFERED]),
    }


def keep_facts(request: HttpRequest, customer: Customer) -> CustomerForm | None:
    """Keeps what was entered; returns the form with its errors when it cannot be. Raises BadInput for an own field."""
    actor = actor_of(request)
    form = CustomerForm(request.POST, instance=Customer.objects.visible_to(actor).get(pk=customer.pk))
    if not form.is_valid():
        return form
    edit_customer(customer=customer, actor=actor, **form.cleaned_data)
    entered: dict[str, str] = {}
    for field in CustomField.objects.filter(on=CustomField.On.CUSTOMER):
        name = f"own-{field.key}"
        if name in request.POST or (field.kind == FieldKind.YES_NO and "own-sent" in request.POST):
            entered[field.key] = request.POST.get(name, "")
    if entered:
        set_own_fields(customer=customer, actor=actor, entered=entered)
    return None
