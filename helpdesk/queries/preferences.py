"""What a person of the staff has set up for himself (User.desk_settings), with the house's defaults."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.db.models import QuerySet

from helpdesk.desk_keys import changed_keys
from helpdesk.models import Actor, Ticket, TicketRead, User

UNDO_SECONDS_MOST = 30
_RECENT = 8


def undo_seconds(user: User | None) -> int:
    """How long a reply of this person can be taken back, 0 to 30 s; 0 sends at once."""
    chosen = user.desk_settings.get("undo_seconds") if user is not None else None
    if isinstance(chosen, int) and 0 <= chosen <= UNDO_SECONDS_MOST:
        return chosen
    return int(settings.UNDO_SEND_SECONDS)


THEMES = ("light", "dark")
DENSITIES = ("compact", "cosy")
#: Widths a person may give the zones by dragging, in CSS pixels: name -> (least, most).
ZONE_WIDTHS: dict[str, tuple[int, int]] = {"nav": (160, 320), "list": (260, 560), "context": (240, 480)}


def theme_of(user: User) -> str:
    """The theme chosen for all devices, "" to follow the system. A device may have one of its own, in a cookie."""
    return _one_of(user.desk_settings.get("theme"), THEMES)


def density_of(user: User) -> str:
    """How tall controls and rows are; "" is ours."""
    return _one_of(user.desk_settings.get("density"), DENSITIES)


def wants_contrast(user: User) -> bool:
    """Whether he asked for high contrast; else the system's setting holds."""
    return user.desk_settings.get("contrast") is True


def is_quiet(user: User) -> bool:
    """Whether new offers make no sound; they come up all the same."""
    return user.desk_settings.get("quiet_offers") is True


def has_single_keys(user: User) -> bool:
    """Whether keys without Ctrl or ⌘ do something."""
    return user.desk_settings.get("single_keys") is not False


def keys_of(user: User) -> dict[str, str]:
    """What differs from the table of keys: action -> key, "" for none."""
    chosen = user.desk_settings.get("keys")
    if not isinstance(chosen, dict):
        return {}
    return changed_keys({str(name): str(key) for name, key in chosen.items()})


def widths_of(user: User) -> dict[str, int]:
    """The widths he gave the zones, in CSS pixels; only those he changed."""
    chosen = user.desk_settings.get("zones")
    return clean_widths(chosen) if isinstance(chosen, dict) else {}


def clean_widths(chosen: Mapping[str, object]) -> dict[str, int]:
    """What of `chosen` are zones, each within its limits."""
    return {
        name: min(most, max(least, width))
        for name, (least, most) in ZONE_WIDTHS.items()
        if isinstance(width := chosen.get(name), int) and not isinstance(width, bool)
    }


def recently_read(actor: Actor, seen: QuerySet[Ticket]) -> list[Ticket]:
    """The tickets this person read last, newest first; only those among `seen`, what he may see now."""
    marks = (
        TicketRead.objects.filter(user=actor.user).order_by("-at").values_list("ticket_id", flat=True)[: _RECENT * 2]
    )
    rows = {row.pk: row for row in seen.filter(pk__in=list(marks)).select_related("customer")}
    return [rows[key] for key in marks if key in rows][:_RECENT]


def _one_of(chosen: object, known: tuple[str, ...]) -> str:
    return chosen if isinstance(chosen, str) and chosen in known else ""
