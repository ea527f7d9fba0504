"""Rules of the house that the linter cannot say, read off the syntax tree. Each failure says what to do instead."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("helpdesk", "routing", "chat", "surveys", "escalation")
SOURCES = sorted(
    path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts
)
#: Models that belong to a ticket, a team or a customer: outside the ground they are reached through `visible_to`.
_GUARDED = {"Ticket", "Message", "Attachment", "Customer", "TicketEvent", "Queue"}
_ROOF = ("views", "api", "consumers", "admin")
_OPENERS = {"get", "all", "filter", "exclude", "first", "last", "in_bulk"}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def broken_rules(name: str, source: str) -> list[str]:
    """Every breach in one file, each with its remedy."""
    tree = ast.parse(source)
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            words = [alias.name for alias in node.names]
            module = getattr(node, "module", "") or ""
            if "async_task" in words and name != "helpdesk/jobs.py":
                found.append(f"{name}:{node.lineno} imports async_task: use helpdesk.jobs.enqueue")
            if "get_channel_layer" in words and name != "helpdesk/realtime.py":
                found.append(f"{name}:{node.lineno} imports get_channel_layer: use helpdesk.realtime.publish")
            if module.startswith("django.db.models.signals") or "receiver" in words:
                found.append(f"{name}:{node.lineno} uses a Django signal: put the reaction into flow.py")
    for call in _calls(tree):
        text = ast.unparse(call.func)
        if _is_roof(name) and _opens_guarded(call):
            found.append(f"{name}:{call.lineno} {text}: reach it through .visible_to(actor)")
        if (
            text in {"TicketEvent.objects.create", "TicketEvent.objects.bulk_create", "TicketEvent"}
            and name != "helpdesk/events.py"
        ):
            found.append(f"{name}:{call.lineno} writes a TicketEvent: use helpdesk.events.record")
        if text in {"datetime.now", "timezone.now", "time.time"} and name not in _CLOCKS:
            found.append(f"{name}:{call.lineno} {text}: use helpdesk.now.now")
        if text in {"os.environ.get", "os.getenv"} and name != "helpdesk/env.py":
            found.append(f"{name}:{call.lineno} {text}: read it in helpdesk/settings.py by helpdesk.env")
    return found


_CLOCKS = {"helpdesk/now.py", "helpdesk/logs.py"}


def _is_roof(name: str) -> bool:
    parts = name.split("/")
    return len(parts) > 1 and parts[1] in _ROOF


def _opens_guarded(call: ast.Call) -> bool:
    """`Model.objects.get(...)` and its like on a guarded model."""
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in _OPENERS
        and isinstance(function.value, ast.Attribute)
        and function.value.attr == "objects"
        and isinstance(function.value.value, ast.Name)
        and function.value.value.id in _GUARDED
    )


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_the_rules_of_the_house_hold(path: Path) -> None:
    assert broken_rules(_name(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("helpdesk/views/a.py", "Ticket.objects.get(pk=1)"),
        ("helpdesk/api/a.py", "Message.objects.filter(ticket=1)"),
        ("helpdesk/actions/a.py", "from django_q.tasks import async_task"),
        ("helpdesk/actions/a.py", "from channels.layers import get_channel_layer"),
        ("helpdesk/actions/a.py", "TicketEvent.objects.create(seq=1)"),
        ("helpdesk/actions/a.py", "from django.dispatch import receiver"),
        ("helpdesk/actions/a.py", "timezone.now()"),
        ("helpdesk/actions/a.py", "os.environ.get('X')"),
    ],
)
def test_each_rule_can_fail(name: str, source: str) -> None:
    assert len(broken_rules(name, source)) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("helpdesk/views/a.py", "Ticket.objects.visible_to(actor).get(pk=1)"),
        ("helpdesk/actions/a.py", "Ticket.objects.get(pk=1)"),
        ("helpdesk/events.py", "TicketEvent.objects.bulk_create(rows)"),
    ],
)
def test_what_the_house_allows_passes(name: str, source: str) -> None:
    assert broken_rules(name, source) == []
