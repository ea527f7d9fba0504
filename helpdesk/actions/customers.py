"""What agents correct about a customer."""

from __future__ import annotations

from django.db import transaction

from helpdesk import access, events
from helpdesk.actions import search_index
from helpdesk.models import Actor, Customer


@transaction.atomic
def edit_customer(
    *, customer: Customer, actor: Actor, name: str, tier: str, language: str = "", time_zone: str = "", notes: str = ""
) -> Customer:
    """Sets the facts an agent may correct; the audit book keeps which ones changed, not their words. Raises NotAllowed."""
    access.ensure(actor, "customer.edit")
    fresh = Customer.objects.select_for_update().get(pk=customer.pk)
    wanted = {
        "name": name.strip()[:200],
        "tier": tier,
        "language": language,
        "time_zone": time_zone,
        "notes": notes.strip(),
    }
    changed = sorted(key for key, value in wanted.items() if getattr(fresh, key) != value)
    if not changed:
        return fresh
    for key in changed:
        setattr(fresh, key, wanted[key])
    fresh.save(update_fields=changed)
    if "name" in changed:
        search_index.index_customer(fresh)
    events.audit(actor, "customer.edited", fresh, {"fields": changed})
    return fresh
