"""What a person of the staff sets up for himself at the desk. Called by helpdesk.views.my_desk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from helpdesk.models import User


@transaction.atomic
def keep_desk_settings(*, user: User, changes: Mapping[str, Any]) -> User:
    """Puts `changes` over the person's settings; None forgets one, so that the house's default holds again.

    Several tabs and pages write parts of the same row, so it is read anew under its lock.
    """
    person = User.objects.select_for_update().get(pk=user.pk)
    kept = {**person.desk_settings, **changes}
    person.desk_settings = {name: value for name, value in kept.items() if value is not None}
    person.save(update_fields=["desk_settings"])
    return person
