"""Macros of one's own: kept, changed and forgotten at the desk by the person they belong to. Shared ones are the admin's."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access
from helpdesk.actions import BadInput
from helpdesk.actions.macros import checked_steps
from helpdesk.models import Actor, Macro, Queue

_OWN_AT_MOST = 200


@transaction.atomic
def save_macro(*, actor: Actor, name: str, steps: Any, folder: str = "", macro: Macro | None = None) -> Macro:
    """Keeps a macro of one's own. Raises BadInput with a sentence that names the step that will not do, NotAllowed."""
    access.ensure(actor, "macro.save")
    if macro is not None:
        _ensure_own(macro, actor)
    name, folder = " ".join(name.replace("\x00", "").split())[:120], " ".join(folder.replace("\x00", "").split())[:120]
    if not name:
        raise BadInput(_("Give the macro a name."))
    tidy = checked_steps(steps)
    wanted = {step["queue"] for step in tidy if step["do"] == "move"}
    if wanted - set(Queue.objects.visible_to(actor).filter(pk__in=wanted).values_list("pk", flat=True)):
        raise BadInput(_("Choose a queue that is in use."))
    if macro is None:
        if Macro.objects.filter(owner=actor.user).count() >= _OWN_AT_MOST:
            raise BadInput(_("You have %(n)s macros; delete one first.") % {"n": _OWN_AT_MOST})
        macro = Macro(owner=actor.user)
    macro.name, macro.folder, macro.steps = name, folder, tidy
    macro.save()
    return macro


def delete_macro(*, macro: Macro, actor: Actor) -> None:
    """Forgets a macro of one's own; what it did stays done. Raises NotAllowed."""
    access.ensure(actor, "macro.save")
    _ensure_own(macro, actor)
    macro.delete()


def _ensure_own(macro: Macro, actor: Actor) -> None:
    if macro.owner_id is None or macro.owner_id != actor.id:
        raise access.NotAllowed(_("This macro belongs to your team; a manager changes it in the administration."))
