"""Changes of a ticket from its page: status, owner, queue, priority, subject, tags, type. Each calls one action."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from helpdesk.access import actor_of
from helpdesk.actions import BadInput
from helpdesk.actions.assignment import assign_ticket, move_ticket, unassign_ticket
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.own_fields import entered_values
from helpdesk.actions.triage import classify_ticket
from helpdesk.models import CustomField, IssueType, Priority, Queue, Status, Ticket, User
from helpdesk.queries.snoozing import preset_moment
from helpdesk.views.answers import in_sentences, is_partial, toast
from helpdesk.views.checklist_question import question_before
from helpdesk.views.ticket import changed, ticket_or_404
from helpdesk.views.undoing import undo_address


def seq_of(request: HttpRequest) -> int:
    """The `seq` the page shows, sent along by its script; everything after it belongs into the answer."""
    seen = request.POST.get("seq", "") or request.headers.get("X-Ticket-Seq", "")
    return int(seen) if seen.isdecimal() else 0


def answer(request: HttpRequest, ticket: Ticket, words: str = "", *, templates: tuple[str, ...] = ()) -> HttpResponse:
    """The changed fragments with a toast to take it back, or the page again for a browser without script.

    `ticket` is as it was read before the change.
    """
    if not is_partial(request):
        return HttpResponseRedirect(reverse("ticket", args=[ticket.number]))
    said = toast(words, undo_url=undo_address(request, [ticket])) if words else ""
    response = changed(request, ticket, seq_of(request), templates=templates, extra=said)
    response["HX-Trigger"] = "inbox-changed"
    return response


@require_POST
@in_sentences
def status(request: HttpRequest, number: int) -> HttpResponse:
    """Moves the ticket to another status; snoozing takes `until`: a preset or a local time."""
    found = ticket_or_404(request, number)
    wanted = request.POST.get("status", "")
    until = snooze_until(request.POST.get("until", ""), found) if wanted == Status.SNOOZED else None
    if question := question_before(request, found, wanted):
        return question
    set_status(ticket=found, actor=actor_of(request), status=wanted, snoozed_until=until)
    label = Status(wanted).label if wanted in Status.values else wanted
    closed = ("desk/_joining_closed.html",) if request.POST.get("confirmed") else ()
    words = _("#%(number)s is now: %(status)s") % {"number": number, "status": label}
    return answer(request, found, words, templates=closed)


def snooze_until(choice: str, ticket: Ticket | None = None) -> datetime | None:
    """The moment a preset or a local date and time stands for; "" waits for the customer. Raises BadInput.

    With a ticket, a preset outside the hours of its queue means the opening after it.
    """
    if choice in {"", "customer"}:
        return None
    calendar = ticket.queue.calendar if ticket is not None else None
    zone = timezone.get_current_timezone()
    return preset_moment(choice, calendar) or local_moment(choice, zone if isinstance(zone, ZoneInfo) else None)


def local_moment(text: str, zone: ZoneInfo | None = None) -> datetime:
    """The value of a datetime-local input in the reader's zone. Raises BadInput."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(_("Give a day and a time.")) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone or timezone.get_current_timezone())


@require_POST
@in_sentences
def owner(request: HttpRequest, number: int) -> HttpResponse:
    """Gives the ticket to somebody ("me", the key of a user) or to nobody ("")."""
    found, actor, wanted = ticket_or_404(request, number), actor_of(request), request.POST.get("owner", "")
    if wanted in {"", "none"}:
        unassign_ticket(ticket=found, actor=actor)
        return answer(request, found, _("#%(number)s has no owner now.") % {"number": number})
    person = request.user if wanted == "me" else _user_or_404(wanted)
    if not isinstance(person, User):
        raise Http404
    assign_ticket(ticket=found, actor=actor, owner=person)
    return answer(request, found, _("#%(number)s belongs to %(name)s.") % {"number": number, "name": person})


def _user_or_404(key: str) -> User:
    if not key.isdecimal():
        raise Http404
    return get_object_or_404(User, pk=int(key), is_active=True)


@require_POST
@in_sentences
def queue(request: HttpRequest, number: int) -> HttpResponse:
    """Moves the ticket to another queue."""
    found, actor = ticket_or_404(request, number), actor_of(request)
    key = request.POST.get("queue", "")
    if not key.isdecimal():
        raise Http404
    target = get_object_or_404(Queue.objects.visible_to(actor), pk=int(key))
    move_ticket(ticket=found, actor=actor, queue=target)
    return answer(request, found, _("#%(number)s moved to %(queue)s.") % {"number": number, "queue": target})


@require_POST
@in_sentences
def priority(request: HttpRequest, number: int) -> HttpResponse:
    """Sets the priority."""
    found, level = ticket_or_404(request, number), request.POST.get("priority", "")
    if not level.isdecimal() or int(level) not in Priority.values:
        raise BadInput(_("Choose one of the four priorities."))
    classify_ticket(ticket=found, actor=actor_of(request), priority=int(level))
    return answer(request, found, _("Priority: %(level)s") % {"level": Priority(int(level)).label})


@require_POST
@in_sentences
def subject(request: HttpRequest, number: int) -> HttpResponse:
    """Changes the subject."""
    found = ticket_or_404(request, number)
    classify_ticket(ticket=found, actor=actor_of(request), subject=request.POST.get("subject", ""))
    return answer(request, found, _("The subject is changed."))


@require_POST
@in_sentences
def tags(request: HttpRequest, number: int) -> HttpResponse:
    """Adds (`add`) or removes (`remove`) tags by name; commas separate several."""
    found = ticket_or_404(request, number)
    add = [name.strip() for field in request.POST.getlist("add") for name in field.split(",") if name.strip()]
    remove = request.POST.getlist("remove")
    if not add and not remove:
        raise BadInput(_("A tag needs at least one letter."))
    classify_ticket(ticket=found, actor=actor_of(request), add_tags=add, remove_tags=remove)
    return answer(request, found, _("The tags are changed."))


@require_POST
@in_sentences
def issue_type(request: HttpRequest, number: int) -> HttpResponse:
    """Sets what the ticket is about."""
    found, key = ticket_or_404(request, number), request.POST.get("issue_type", "")
    if not key.isdecimal():
        raise BadInput(_("Choose an issue type."))
    chosen = get_object_or_404(IssueType, pk=int(key))
    classify_ticket(ticket=found, actor=actor_of(request), issue_type=chosen)
    return answer(request, found, _("Issue type: %(type)s") % {"type": chosen})


@require_POST
@in_sentences
def fields(request: HttpRequest, number: int) -> HttpResponse:
    """Sets the company's own fields of the ticket; only those that differ are changed."""
    found = ticket_or_404(request, number)
    known = list(CustomField.objects.filter(on=CustomField.On.TICKET))
    sent = {f.key: request.POST.get(f"own-{f.key}", "") for f in known}
    values = entered_values(known, sent)
    changes = {key: value for key, value in values.items() if found.fields.get(key, "") != value}
    classify_ticket(ticket=found, actor=actor_of(request), fields=changes)
    return answer(request, found, _("The fields are kept."))
