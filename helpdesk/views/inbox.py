"""The inbox: the list of views, one list of tickets, and its rows as they change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from helpdesk.access import actor_of, may
from helpdesk.models import Actor, Channel, Priority, Role, Status, StatusLabel, Ticket
from helpdesk.queries.found import found_page
from helpdesk.queries.inbox import TicketFilter, inbox_page
from helpdesk.queries.shelves import Shelf, Shelves, shelves_of
from helpdesk.views.answers import bundle, is_partial
from helpdesk.views.found_rows import today, with_marks
from helpdesk.views.rows import row_words

_SEARCH = "search"


@dataclass(frozen=True)
class Place:
    """Where somebody is in the inbox: the view and the address parameters that lead back to it."""

    shelf: Shelf
    shelves: Shelves
    query: str

    @property
    def is_search(self) -> bool:
        """Whether this is a filter made by hand instead of a view."""
        return self.shelf.slug == _SEARCH


def door_of(request: HttpRequest) -> QuerySet[Ticket]:
    """The tickets this person may see, made once a request: making it asks for his queues."""
    door: QuerySet[Ticket] | None = getattr(request, "_ticket_door", None)
    if door is None:
        door = Ticket.objects.visible_to(actor_of(request))
        request._ticket_door = door  # type: ignore[attr-defined]
    return door


def place_of(request: HttpRequest, slug: str, params: QueryDict, *, counted: bool = True) -> Place:
    """The view called `slug`, or the address's filter for "search". Raises Http404 for a view one does not have."""
    shelves = shelves_of(actor_of(request), door=door_of(request), counted=counted)
    if slug == _SEARCH:
        wanted = filter_of(params)
        shelf = Shelf(
            _SEARCH, _("Found"), "search", wanted, _("Nothing found. Try fewer words, or only the beginning of one.")
        )
        query = urlencode({"in": _SEARCH, **query_of(wanted)}, doseq=True)
        return Place(shelf, shelves, query)
    shelf_found = shelves.find(slug)
    if shelf_found is None:
        raise Http404
    return Place(shelf_found, shelves, urlencode({"in": slug}))


def filter_of(params: QueryDict) -> TicketFilter:
    """The filter a form or address describes."""
    return TicketFilter.from_dict(
        {
            "statuses": params.getlist("status"),
            "queue": params.get("queue", ""),
            "owner": params.get("owner", ""),
            "tag": params.get("tag", ""),
            "channel": params.get("channel", ""),
            "priority": params.get("priority", ""),
            "text": params.get("q", ""),
        }
    )


def query_of(wanted: TicketFilter) -> dict[str, Any]:
    """The filter as address parameters."""
    fields = wanted.to_dict()
    if "statuses" in fields:
        fields["status"] = fields.pop("statuses")
    if "text" in fields:
        fields["q"] = fields.pop("text")
    return fields


def home_slug(actor: Actor) -> str:
    """Where somebody starts: an agent at what needs him, others at everything there is to do."""
    user = actor.user
    return "needs-me" if user is not None and user.role == Role.AGENT else "team"


def status_names() -> dict[str, str]:
    """Our own word for each status, in the reader's language."""
    return {str(value): str(label) for value, label in Status.choices}


def status_words() -> dict[str, str]:
    """The word for each status: the category's own label if a manager wrote one, in the reader's language if we know it."""
    written = StatusLabel.objects.filter(is_default=True).values_list("category", "label_agent")
    return {**status_names(), **{category: _(label) for category, label in written}}


def list_context(request: HttpRequest, place: Place, cursor: str = "") -> dict[str, Any]:
    """Everything the list zone and the views zone show."""
    actor, wanted, frame = actor_of(request), place.shelf.filter, list_frame(request, place)
    if wanted.text:
        found = found_page(actor, wanted, cursor, door=door_of(request), today=today())
        rows = row_words(found.tickets, query=place.query, may_bulk=frame["may_bulk"])
        return {**frame, "page": found, "rows": with_marks(rows, found)}
    page = inbox_page(actor, wanted, cursor, door=door_of(request))
    return {**frame, "page": page, "rows": row_words(page.tickets, query=place.query, may_bulk=frame["may_bulk"])}


def list_frame(request: HttpRequest, place: Place) -> dict[str, Any]:
    """The two zones without rows: a ticket opened by its own address comes at once, the script fetches its list then."""
    actor = actor_of(request)
    return {
        "place": place,
        "shelf": place.shelf,
        "shelves": place.shelves,
        "filter": place.shelf.filter,
        "status_choices": Status.choices,
        "channel_choices": Channel.choices,
        "priority_choices": Priority.choices,
        "rows_url": f"{reverse('inbox_rows', args=[place.shelf.slug])}?{place.query}",
        "may_bulk": may(actor, "ticket.update"),
        "may_share": may(actor, "view.share"),
    }


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The start page: straight to the first view."""
    return HttpResponseRedirect(reverse("inbox", args=[home_slug(actor_of(request))]))


@require_GET
def inbox(request: HttpRequest, slug: str) -> HttpResponse:
    """A view with no ticket open yet."""
    place = place_of(request, slug, request.GET)
    context = list_context(request, place)
    if is_partial(request):
        return bundle(
            request,
            [
                "desk/_title.html",
                "desk/_nav_body.html",
                "desk/_list.html",
                "desk/_talk_empty.html",
                "desk/_context_empty.html",
            ],
            context,
        )
    return render(request, "desk/desk.html", {**context, "zone": "list"})


@require_GET
def rows(request: HttpRequest, slug: str) -> HttpResponse:
    """The rows alone: the next page after a cursor, or the first page again with fresh counts."""
    place = place_of(request, slug, request.GET)
    cursor = request.GET.get("after", "")
    context = list_context(request, place, cursor)
    if cursor:
        return render(request, "desk/_rows.html", context)
    return bundle(request, ["desk/_nav_body.html", "desk/_rows_box.html"], context)
