"""The reasons for being not ready, the kinds of break and the outcomes a new house begins with; what is there stays."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.utils.translation import gettext_noop as _

#: name, code, paid, productive, a break that a lead approves
_REASONS = (
    (_("Lunch"), "lunch", False, False, True),
    (_("Short break"), "short-break", True, False, True),
    (_("Prayer"), "prayer", True, False, False),
    (_("Coaching"), "coaching", True, True, False),
    (_("Meeting"), "meeting", True, True, False),
    (_("Technical trouble"), "technical", True, False, False),
)
_DISPOSITIONS = (_("Question answered"), _("Needs a follow-up"), _("Wrong department"), _("No answer was needed"))


def begin_with(apps: Any, schema_editor: Any) -> None:
    """Makes what is missing by code and by name."""
    reasons = apps.get_model("routing", "NotReadyReason")
    for place, (name, code, paid, productive, is_break) in enumerate(_REASONS):
        if not reasons.objects.filter(name=name).exists():
            reasons.objects.get_or_create(
                code=code,
                defaults={
                    "name": name,
                    "is_paid": paid,
                    "is_productive": productive,
                    "is_break": is_break,
                    "position": place,
                },
            )
    dispositions = apps.get_model("routing", "Disposition")
    for place, name in enumerate(_DISPOSITIONS):
        dispositions.objects.get_or_create(name=name, queue=None, defaults={"position": place})


class Migration(migrations.Migration):
    """Rows only."""

    dependencies = [("routing", "0001_routing")]
    operations = [migrations.RunPython(begin_with, migrations.RunPython.noop)]
