"""The filter builder of the inbox, fetched when it is opened, and the number of tickets its conditions leave."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import get_language_info, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from helpdesk.access import actor_of, may
from helpdesk.models import Channel, CustomField, IssueType, Priority, Status, Tag, Tier
from helpdesk.queries.colleagues import colleagues_of
from helpdesk.queries.counts import COUNT_CAP, count_of
from helpdesk.queries.filters import ONLY, SORTS
from helpdesk.views.inbox import door_of, filter_of, place_of, teams_of

_OFFERED = 300
#: Languages offered in the builder; others can be written in an address.
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "ru", "uk", "ar", "fa", "zh-hans")
#: Hours offered, with their words.
_HOURS = (1, 4, 8, 24, 48, 72, 168, 336, 720)


@require_GET
def builder(request: HttpRequest, slug: str) -> HttpResponse:
    """The form with the conditions of the view one is in."""
    place = place_of(request, slug, request.GET, counted=False)
    actor, wanted, saved = actor_of(request), place.shelf.filter, place.shelf.saved
    own = dict(wanted.fields)
    context: dict[str, Any] = {
        "place": place,
        "shelf": place.shelf,
        "shelves": place.shelves,
        "filter": wanted,
        "tags_words": ", ".join(wanted.tags),
        "status_choices": Status.choices,
        "channel_choices": Channel.choices,
        "priority_choices": [c for c in Priority.choices if c[0] > Priority.LOW],
        "tier_choices": Tier.choices,
        "only_choices": [(name, words) for name, words in ONLY.items()],
        "sort_choices": [(name, words) for name, words in SORTS.items()],
        "hours": _hours({wanted.older, wanted.newer, wanted.waiting}),
        "languages": _languages(wanted.language),
        "people": colleagues_of(actor).order_by("name", "pk")[:_OFFERED],
        "teams": teams_of(actor),
        "known_tags": Tag.objects.values_list("name", flat=True)[:_OFFERED],
        "issue_types": IssueType.objects.select_related("parent").order_by(
            Coalesce("parent__name", "name"), F("parent__name").asc(nulls_first=True), "name"
        )[:_OFFERED],
        "own_fields": [
            {"key": field.key, "label": field.label, "choices": field.choices, "wanted": own.get(field.key, "")}
            for field in CustomField.objects.filter(on=CustomField.On.TICKET)
        ],
        "may_share": may(actor, "view.share"),
        "may_change_view": saved is not None and may(actor, "view.save" if saved.owner_id else "view.share"),
    }
    return render(request, "desk/_filter.html", context)


@require_GET
def number(request: HttpRequest) -> JsonResponse:
    """How many tickets the conditions leave, as words for the button; capped, and without a number where it would take long."""
    wanted, problems = filter_of(request.GET)
    count = None if problems else count_of(actor_of(request), wanted, door=door_of(request))
    if count is None:
        words = _("Show these")
    elif count >= COUNT_CAP:
        words = _("Show %(n)s+ tickets") % {"n": COUNT_CAP - 1}
    else:
        words = ngettext("Show %(n)s ticket", "Show %(n)s tickets", count) % {"n": count}
    return JsonResponse({"words": words, "count": count, "problems": problems})


def _hours(chosen: set[int | None]) -> list[tuple[int, str]]:
    """Durations with words; one chosen by hand in an address is among them."""
    return [(n, _hours_words(n)) for n in sorted({*_HOURS, *(n for n in chosen if n)})]


def _hours_words(hours: int) -> str:
    if hours % 168 == 0:
        return ngettext("%(n)s week", "%(n)s weeks", hours // 168) % {"n": hours // 168}
    if hours % 24 == 0:
        return ngettext("%(n)s day", "%(n)s days", hours // 24) % {"n": hours // 24}
    return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}


def _languages(chosen: str) -> list[tuple[str, str]]:
    """Codes as tickets hold them, with names."""
    named = [(code.partition("-")[0], str(get_language_info(code)["name_translated"])) for code in _LANGUAGES]
    return named if not chosen or chosen in dict(named) else [*named, (chosen, chosen)]
