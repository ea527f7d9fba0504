"""The managers' pages for what is not: a simulation, staffing, a dry run; and how forecasts of waits came true."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from helpdesk import access
from helpdesk.access import actor_of
from helpdesk.actions import BadInput
from helpdesk.models import Customer, CustomerAddress, Queue
from helpdesk.now import now
from helpdesk.said import said
from routing.core import reading
from routing.core.scenario import expected_contacts, read
from routing.core.simulation import run
from routing.core.staffing import Question, Staffing, staff
from routing.queries.dry_run import CHANNELS, Contact, path_of
from routing.queries.traffic import scenario_of
from routing.queries.waits import accuracies

#: Contacts simulated while a page is waited for: some seconds. More is for `manage.py simulate`.
MOST_CONTACTS = 20_000
_EXAMPLE: dict[str, Any] = {
    "seed": 1,
    "hours": 24,
    "queues": [
        {
            "name": "Sales",
            "arrivals_per_hour": 60,
            "handle_seconds": {"dist": "exponential", "mean": 180},
            "patience_seconds": {"dist": "exponential", "mean": 240},
            "service_level": {"share": 0.8, "seconds": 20},
        }
    ],
    "agents": [{"count": 5, "queues": ["Sales"]}],
    "strategy": "longest_idle",
}
View = Callable[[HttpRequest], HttpResponseBase]


def for_managers(view: View) -> View:
    """Only managers and administrators come in."""

    @functools.wraps(view)
    def guarded(request: HttpRequest) -> HttpResponseBase:
        access.ensure(actor_of(request), "what_if.run")
        return view(request)

    return guarded


def _page(request: HttpRequest, name: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return render(
        request, f"routing/whatif/{name}.html", {**admin.site.each_context(request), **context}, status=status
    )


def _queues(request: HttpRequest) -> list[Queue]:
    return list(Queue.objects.visible_to(actor_of(request)).filter(is_active=True).order_by("position", "name"))


@require_GET
@for_managers
def front(request: HttpRequest) -> HttpResponse:
    """The three tools, and the accuracy of what customers were told."""
    rows = accuracies([(queue.pk, queue.name) for queue in _queues(request)], now())
    return _page(request, "front", {"title": _("What if"), "rows": rows})


# --- simulation ---------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@for_managers
def simulate(request: HttpRequest) -> HttpResponse:
    """The form (GET); a scenario made of queues and a day (`do=make`), or run as it stands (`do=run`)."""
    queues = _queues(request)
    yesterday = timezone.localtime(now()).date() - timedelta(days=1)
    context: dict[str, Any] = {
        "title": _("Simulation"),
        "queues": queues,
        "chosen": {str(queue.pk) for queue in queues},
        "day": yesterday.isoformat(),
        "more": "0",
        "scenario": _pretty(_EXAMPLE),
        "most": MOST_CONTACTS,
    }
    if request.method == "GET":
        return _page(request, "simulate", context)
    context |= {
        "chosen": set(request.POST.getlist("queue")),
        "day": request.POST.get("day", "")[:10],
        "more": request.POST.get("more", "0")[:6],
        "scenario": request.POST.get("scenario", ""),
    }
    try:
        if request.POST.get("do") == "make":
            picked = [queue for queue in queues if str(queue.pk) in context["chosen"]]
            context["scenario"] = _pretty(_made(picked, context["day"], context["more"]))
        else:
            context["answer"] = _ran(context["scenario"])
    except (BadInput, ValueError) as problem:
        return _page(request, "simulate", {**context, "problem": said(problem)}, status=422)
    return _page(request, "simulate", context)


def _made(queues: list[Queue], day: str, more: str) -> dict[str, Any]:
    if not queues:
        raise BadInput(_("Choose at least one queue."))
    try:
        begins = datetime.combine(date.fromisoformat(day), datetime.min.time())
        factor = 1 + float(more.replace(",", ".") or 0) / 100
    except ValueError as problem:
        raise BadInput(_("Choose a day, and write the change of traffic as a number of per cent.")) from problem
    if not 0 < factor <= 20:
        raise BadInput(_("The change of traffic must be above -100 % and at most 1900 %."))
    return scenario_of(queues, timezone.make_aware(begins), factor=factor)


def _ran(text: str) -> dict[str, Any]:
    """The answer, with shares for the bars. Raises ValueError with a sentence."""
    try:
        plain = json.loads(text, parse_constant=_no_number)
    except (json.JSONDecodeError, RecursionError) as problem:
        raise BadInput(_("This is not JSON: %(problem)s") % {"problem": problem}) from problem
    scenario = read(plain)
    expected = expected_contacts(scenario)
    if expected > MOST_CONTACTS:
        raise BadInput(
            _(
                "About %(n)s contacts would arrive; here %(most)s are the most. Take fewer hours, or use manage.py simulate."
            )
            % {"n": f"{expected:,.0f}", "most": f"{MOST_CONTACTS:,}"}
        )
    answer = run(scenario).answer()
    longest = max((queue["wait_p90"] or 0.0 for queue in answer["queues"]), default=0.0)
    for queue in answer["queues"]:
        queue["bars"] = {
            "level": _share(queue["service_level"]),
            "target": _share(queue["service_level_target"]["share"]),
            "occupancy": _share(queue["occupancy"]),
            "wait": _share((queue["wait_p90"] or 0.0) / longest if longest else 0.0),
        }
    return answer


def _no_number(word: str) -> float:
    raise BadInput(_("%(word)s is no number that a scenario can use.") % {"word": word})


def _share(value: float | None) -> str:
    return f"{max(0.0, min(1.0, value or 0.0)) * 100:.1f}"


def _pretty(plain: dict[str, Any]) -> str:
    """JSON that stays readable: recorded contacts on one line each queue."""
    queues = []
    for queue in plain["queues"]:
        rest = {key: value for key, value in queue.items() if key != "recorded"}
        lines = json.dumps(rest, ensure_ascii=False, indent=1)
        if "recorded" in queue:
            lines = lines[:-2] + ',\n "recorded": ' + json.dumps(queue["recorded"], separators=(",", ":")) + "\n}"
        queues.append(lines)
    agents = ",\n  ".join(json.dumps(group, ensure_ascii=False) for group in plain["agents"])
    head = {key: value for key, value in plain.items() if key not in {"queues", "agents"}}
    first = json.dumps(head, ensure_ascii=False)[1:-1]
    return "{" + first + ',\n"agents": [\n  ' + agents + '\n],\n"queues": [' + ",\n".join(queues) + "]}"


# --- staffing -----------------------------------------------------------------------------------------------------------

_FIELDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "contacts_per_hour": ("100", float),
    "handle_seconds": ("180", float),
    "service_level": ("80", lambda typed: float(typed) / 100),
    "answer_within": ("20", float),
    "patience_seconds": ("240", float),
    "max_occupancy": ("100", lambda typed: float(typed) / 100),
    "shrinkage": ("30", lambda typed: float(typed) / 100),
    "concurrency": ("1", int),
}
_MAY_BE_EMPTY = frozenset({"patience_seconds"})


@require_GET
@for_managers
def staffing(request: HttpRequest) -> HttpResponse:
    """How many agents a traffic takes, by both laws, with one agent more and one less."""
    typed = {name: request.GET.get(name, usual)[:12] for name, (usual, _read) in _FIELDS.items()}
    context: dict[str, Any] = {"title": _("Staffing"), "typed": typed}
    try:
        values = {
            name: read_as(typed[name].replace(",", ".").strip())
            for name, (_usual, read_as) in _FIELDS.items()
            if typed[name].strip() or name not in _MAY_BE_EMPTY
        }
    except ValueError:
        return _page(request, "staffing", {**context, "problem": _("Write numbers in all fields.")}, status=422)
    try:
        found = staff(Question(**values))
    except ValueError as problem:
        return _page(request, "staffing", {**context, "problem": said(problem)}, status=422)
    models = [(_("Erlang C: nobody leaves"), found.patient)]
    if found.with_leaving is not None:
        models.append((_("Erlang A: people leave"), found.with_leaving))
    return _page(request, "staffing", {**context, "models": [_model(title, model) for title, model in models]})


def _model(title: str, model: Staffing) -> dict[str, Any]:
    return {
        "title": title,
        "agents": model.agents,
        "scheduled": model.scheduled,
        "lines": [
            {"line": line, "is_chosen": line.agents == model.agents, "level": _share(line.law.service_level)}
            for line in model.lines
        ],
    }


# --- dry run ------------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@for_managers
def dry_run(request: HttpRequest) -> HttpResponse:
    """A pasted contact (POST) and its path through today's rules. Nothing is written."""
    queues = _queues(request)
    sent = request.POST
    names = ("queue", "channel", "language", "tags", "page", "answers", "customer")
    typed = {name: sent.get(name, "")[:2000] for name in names}
    context: dict[str, Any] = {"title": _("Dry run"), "queues": queues, "channels": CHANNELS, "typed": typed}
    if request.method == "GET":
        return _page(request, "dry_run", context)
    try:
        path = path_of(_contact(typed, queues), now())
    except (BadInput, ValueError) as problem:
        return _page(request, "dry_run", {**context, "problem": said(problem)}, status=422)
    return _page(request, "dry_run", {**context, "path": path})


def _contact(typed: dict[str, str], queues: list[Queue]) -> Contact:
    queue = next((one for one in queues if str(one.pk) == typed["queue"]), None)
    if queue is None or typed["channel"] not in dict(CHANNELS):
        raise BadInput(_("Choose a queue and a channel."))
    answers: dict[str, object] = {}
    for line in typed["answers"].splitlines():
        if not line.strip():
            continue
        key, sign, value = line.partition("=")
        if not sign or not key.strip():
            raise BadInput(_("Write each answer on a line of its own, such as topic=bill."))
        answers[key.strip()] = value.strip()
    return Contact(
        queue=queue,
        channel=typed["channel"],
        language=typed["language"].strip(),
        tags=frozenset(reading.listed(typed["tags"])),
        page=typed["page"].strip(),
        answers=answers,
        customer=_customer(typed["customer"].strip()),
    )


def _customer(typed: str) -> Customer | None:
    if not typed:
        return None
    row = CustomerAddress.objects.filter(value__iexact=typed).select_related("customer").first()
    if row is None:
        raise BadInput(_("No customer has the address “%(typed)s”.") % {"typed": typed})
    return row.customer
