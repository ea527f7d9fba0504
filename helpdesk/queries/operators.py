"""What `status:`, `queue:`, `tag:`, `owner:` and dates mean here, and the sentences for those that mean nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from helpdesk.models import UNFINISHED, Actor, Queue, Status, Tag, Ticket, TicketTag, User
from helpdesk.search.normalise import fold
from helpdesk.search.query import Named, Problem, ProblemKind, Question
from helpdesk.search.tokens import sought
from helpdesk.search.vectors import FROM

_ME, _NOBODY, _UNFINISHED = "me", ("none", "nobody"), "unfinished"
_NAMED_AT_MOST = 50


@dataclass(frozen=True)
class Narrowed:
    """The tickets that the operators leave, and what was wrong with some of them."""

    tickets: QuerySet[Ticket]
    problems: tuple[str, ...]


def narrowed_by(question: Question, tickets: QuerySet[Ticket], actor: Actor) -> Narrowed:
    """`tickets` (visible ones) narrowed by the operators. One that names nothing we have leaves none, and says so."""
    problems = [in_words(problem) for problem in question.problems]
    if question.number is not None:
        tickets = tickets.filter(number=question.number)
    for named in question.named:
        conditions: list[Q] = []
        for value in named.values:
            condition = _MEANINGS[named.name](value, actor)
            if condition is None:
                problems.append(in_words(Problem(_KINDS[named.name], named.name, value)))
            else:
                conditions.append(condition)
        tickets = _applied(tickets, named, conditions)
    return Narrowed(tickets, tuple(dict.fromkeys(problems)))


def _applied(tickets: QuerySet[Ticket], named: Named, conditions: Sequence[Q]) -> QuerySet[Ticket]:
    if not conditions:
        return tickets if named.is_negated else tickets.none()
    any_of = conditions[0]
    for condition in conditions[1:]:
        any_of |= condition
    return tickets.filter(~any_of if named.is_negated else any_of)


def _status(value: str, actor: Actor) -> Q | None:
    wanted = _plain(value)
    if wanted == _UNFINISHED:
        return Q(status__in=UNFINISHED)
    for status in Status:
        if wanted in {_plain(status.value), _plain(str(status.label))}:
            return Q(status=status.value)
    return None


def _plain(word: str) -> str:
    return fold(word).replace("_", " ").replace("-", " ").strip()


def _queue(value: str, actor: Actor) -> Q | None:
    wanted = fold(value)
    queues = list(Queue.objects.visible_to(actor))
    keys = [q.pk for q in queues if fold(q.name) == wanted] or [q.pk for q in queues if fold(q.name).startswith(wanted)]
    return Q(queue_id__in=keys) if keys else None


def _tag(value: str, actor: Actor) -> Q | None:
    wanted = fold(value)
    tags = list(Tag.objects.filter(name__iexact=value).values_list("pk", flat=True))
    if not tags:
        tags = [key for key, name in Tag.objects.values_list("pk", "name") if fold(name) == wanted]
    if not tags:
        return None
    return Q(Exists(TicketTag.objects.filter(ticket_id=OuterRef("pk"), tag_id__in=tags)))


def _owner(value: str, actor: Actor) -> Q | None:
    wanted = fold(value)
    if wanted == _ME:
        return Q(owner_id=actor.user.pk) if actor.user else None
    if wanted in _NOBODY:
        return Q(owner__isnull=True)
    people = User.objects.values_list("pk", "name", "email")
    keys = [pk for pk, name, email in people if _is_called(fold(name), wanted) or fold(email).startswith(wanted)]
    return Q(owner_id__in=keys[:_NAMED_AT_MOST]) if keys else None


def _is_called(name: str, wanted: str) -> bool:
    return name.startswith(wanted) or any(word.startswith(wanted) for word in name.split())


_MEANINGS: dict[str, Callable[[str, Actor], Q | None]] = {
    "status": _status,
    "queue": _queue,
    "tag": _tag,
    "owner": _owner,
}
_KINDS: dict[str, ProblemKind] = {"status": "status", "queue": "queue", "tag": "tag", "owner": "owner"}


def with_me(question: Question, actor: Actor) -> Question:
    """The question with the actor's own name where it says `from:me`."""
    terms = []
    for term in question.terms:
        if term.prefix == FROM and [word for word, _place in term.words] == [_ME] and actor.name:
            term = replace(term, words=tuple(sought(actor.name)) or term.words, is_open=False)
        terms.append(term)
    return replace(question, terms=tuple(terms))


def start_of(day: date | None) -> datetime | None:
    """Midnight in the reader's zone."""
    return timezone.make_aware(datetime.combine(day, time.min)) if day else None


def in_words(problem: Problem) -> str:
    """What is wrong, and what would be right, in the reader's language."""
    values = {"name": problem.name, "value": problem.value[:60]}
    if problem.kind == "empty":
        return _("“%(name)s:” stands alone: write what you look for right after the colon.") % values
    if problem.kind == "person":
        return _("“%(value)s” is no name or address for “%(name)s:”.") % values
    if problem.kind == "date":
        return (
            _("“%(value)s” is not a date for “%(name)s:”. Write 2026-11-22, 2026-11, 2026, today, yesterday or 7d.")
            % values
        )
    if problem.kind == "status":
        words = ", ".join([*Status.values, _UNFINISHED])
        return _("There is no status “%(value)s”. Write one of: %(words)s.") % {**values, "words": words}
    if problem.kind == "queue":
        return _("None of your queues is called “%(value)s”.") % values
    if problem.kind == "tag":
        return _("There is no tag “%(value)s”.") % values
    return _("Nobody here is called “%(value)s”. Write a name, me or nobody.") % values
