"""For those who run it: liveness, readiness, metrics."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from helpdesk import blobs
from helpdesk.metrics import Figures

_migrated = False


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; it asks nothing else."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Database, migrations and storage; 503 with the names of what is missing."""
    problems = [name for name, fine in (("database", _database()), ("storage", blobs.writable())) if not fine]
    if "database" not in problems and not _migrations_applied():
        problems.append("migrations")
    return JsonResponse(
        {"status": "not ready" if problems else "ok", "problems": problems}, status=503 if problems else 200
    )


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for loopback or for who shows HELPDESK_METRICS_TOKEN as bearer."""
    offered = request.headers.get("Authorization", "").removeprefix("Bearer ")
    token = settings.METRICS_TOKEN
    by_token = bool(token) and hmac.compare_digest(offered.encode(), token.encode())
    local = (
        not token
        and request.META.get("REMOTE_ADDR") in {"127.0.0.1", "::1"}
        and "X-Forwarded-For" not in request.headers
    )
    if not (by_token or local):
        return HttpResponseForbidden(
            "Set HELPDESK_METRICS_TOKEN and send it as a bearer token.\n", content_type="text/plain"
        )
    return HttpResponse(generate_latest(Figures.registry()), content_type=CONTENT_TYPE_LATEST)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _migrations_applied() -> bool:
    """Asked until once true: migrations do not vanish under a running process."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated
