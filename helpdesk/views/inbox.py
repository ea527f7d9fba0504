"""The inbox: the list of views, one list of tickets, and its rows as they change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from helpdesk.access import actor_of, may
from helpdesk.models import Actor, Role, SavedView, Status, StatusLabel, Team, Ticket
from helpdesk.queries.filters import SORTS, TicketFilter, from_address, to_address
from helpdesk.queries.found import found_page
from helpdesk.queries.inbox import inbox_page
from helpdesk.queries.reading import unread_among
from helpdesk.queries.shelves import Shelf, Shelves, shelves_of
from helpdesk.views.answers import bundle, is_partial
from helpdesk.views.found_rows import today, with_marks
from helpdesk.views.rows import row_words
from helpdesk.views.viewers import viewers_shown

SEARCH = "search"


@dataclass(frozen=True)
class Place:
    """Where somebody is in the inbox: the view and the address parameters that lead back to it."""

    shelf: Shelf
    shelves: Shelves
    query: str
    problems: tuple[str, ...] = ()

    @property
    def is_search(self) -> bool:
        """Whether this is a filter made by hand instead of a view."""
        return self.shelf.slug == SEARCH


def door_of(request: HttpRequest) -> QuerySet[Ticket]:
    """The tickets this person may see, made once a request: making it asks for his queues."""
    door: QuerySet[Ticket] | None = getattr(request, "_ticket_door", None)
    if door is None:
        door = Ticket.objects.visible_to(actor_of(request))
        request._ticket_door = door  # type: ignore[attr-defined]
    return door


def place_of(request: HttpRequest, slug: str, params: QueryDict, *, counted: bool = True) -> Place:
    """The view called `slug`, or the address's filter for "search". Raises Http404 for a view one does not have.

    `sort` in the address is an order chosen for this view.
    """
    shelves = shelves_of(actor_of(request), door=door_of(request), counted=counted)
    if slug == SEARCH:
        wanted, problems = filter_of(params)
        shelf = Shelf(
            SEARCH, _("Found"), "search", wanted, _("Nothing found. Try fewer words, or only the beginning of one.")
        )
        query = urlencode({"in": SEARCH, **to_address(wanted)}, doseq=True)
        return Place(shelf, shelves, query, tuple(problems))
    shelf_found = shelves.find(slug)
    if shelf_found is None:
        raise Http404
    chosen = TicketFilter.from_dict({"sort": params.get("sort", "")}).sort
    if not chosen:
        return Place(shelf_found, shelves, urlencode({"in": slug}))
    shelf_found.filter = replace(shelf_found.filter, sort=chosen)
    return Place(shelf_found, shelves, urlencode({"in": slug, "sort": chosen}))


def filter_of(params: QueryDict) -> tuple[TicketFilter, list[str]]:
    """The filter a form or address describes, with a sentence for each part of it that makes no sense."""
    return from_address({name: params.getlist(name) for name in params})


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
        unread = unread_among(actor, [row.pk for row in found.tickets])
        rows = row_words(
            found.tickets,
            query=place.query,
            may_bulk=frame["may_bulk"],
            unread=unread,
            viewers=viewers_shown(actor, found.tickets),
        )
        return {**frame, "page": found, "rows": with_marks(rows, found)}
    page = inbox_page(actor, wanted, cursor, door=door_of(request))
    rows = row_words(
        page.tickets,
        query=place.query,
        may_bulk=frame["may_bulk"],
        unread=unread_among(actor, [row.pk for row in page.tickets]),
        viewers=viewers_shown(actor, page.tickets),
        order=wanted.order,
        group=request.GET.get("group", "") if cursor else "",
    )
    return {**frame, "page": page, "rows": rows, "last_group": rows[-1]["group"] if rows else ""}


def list_frame(request: HttpRequest, place: Place) -> dict[str, Any]:
    """The two zones without rows: a ticket opened by its own address comes at once, the script fetches its list then."""
    actor, shelf = actor_of(request), place.shelf
    return {
        "place": place,
        "shelf": shelf,
        "shelves": place.shelves,
        "filter": shelf.filter,
        "sorts": [(name, SORTS[name]) for name in shelf.filter.orders] if not shelf.filter.text else [],
        "rows_url": f"{reverse('inbox_rows', args=[shelf.slug])}?{place.query}",
        "sort_query": f"{urlencode(_unsorted(place), doseq=True)}&" if place.is_search else "",
        "next_title": next((s.title for s in place.shelves.standing if s.slug == shelf.next_slug), ""),
        "may_bulk": may(actor, "ticket.update"),
        "may_share": may(actor, "view.share"),
        "may_change_view": (may_change := shelf.saved is not None and _may_change(actor, shelf.saved)),
        "teams": teams_of(actor) if may_change and may(actor, "view.share") else [],
    }


def _unsorted(place: Place) -> dict[str, Any]:
    """The parameters of a filter made by hand without its order."""
    return to_address(replace(place.shelf.filter, sort=""))


def _may_change(actor: Actor, view: SavedView) -> bool:
    return may(actor, "view.save") if view.owner_id else may(actor, "view.share")


def teams_of(actor: Actor) -> list[Team]:
    """The teams the actor may name: his own, all for those who see everything."""
    teams = Team.objects.order_by("name")
    return list(teams if actor.sees_everything else teams.filter(pk__in=actor.team_ids()))


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
