"""Requests made up from the OpenAPI document, the same ones in every run: none breaks the server, and each answer is one
that the document describes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as how
from pytest_django.fixtures import Settings as SettingsWrapper
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from helpdesk.actions.feed import number_events
from helpdesk.api.examples import EXAMPLES
from helpdesk.blobs import put
from helpdesk.models import Attachment, Role
from helpdesk.now import now
from tests.api.conftest import Caller, secret_for
from tests.factories import make_mailbox, make_queue, make_team, make_ticket, make_user

_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
_REQUESTS_AN_OPERATION = 8
_DOCUMENT = "/api/schema/?format=json"


@functools.cache
def _operations() -> dict[str, Any]:
    """operationId -> the operation over the application in this process. Read once: it says nothing about rows."""
    schema = schemathesis.openapi.from_dict(Caller(secret_for(make_user(Role.MANAGER))).client.get(_DOCUMENT).json())
    schema.app = get_wsgi_application()
    found: Iterable[Any] = schema.get_all_operations()
    operations = [one.ok() for one in found]
    return {operation.definition.raw["operationId"]: operation for operation in operations}


@pytest.fixture
def document(db: None, settings: SettingsWrapper) -> Iterator[Any]:
    """The document as schemathesis reads it, a manager's token, and ids of rows that he finds."""
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"token": "1000000/min"}}
    queue = make_queue(make_team())
    make_mailbox(queue)
    ticket = make_ticket(queue)
    message = ticket.messages.get()
    file = Attachment.objects.create(
        message=message, ticket=ticket, name="a", content_type="a/b", size=1, sha256=put(b"x"), created_at=now()
    )
    number_events()
    manager = make_user(Role.MANAGER)
    secret = secret_for(manager)
    real = {
        "customers": ticket.customer.public_id,
        "attachments": file.public_id,
        "message": message.public_id,
        "id": ticket.public_id,
        "queue": queue.pk,
        "owner": manager.pk,
    }
    operations = _operations()  # before the next step, which a request of Django's own client would undo
    # the server would give the test's own connection back after each request, and the world with it
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield operations, secret, real
    for signal in signals:
        signal.connect(close_old_connections)


def _aim(case: Any, real: dict[str, Any]) -> None:
    """Puts ids of rows that exist where invented ones would only ever find nothing."""
    noun = case.path.split("/")[3]
    for name in case.path_parameters or {}:
        case.path_parameters[name] = str(real.get(noun if name == "id" else name, real["id"]))
    if isinstance(case.body, dict):
        case.body.update({name: real[name] for name in ("queue", "owner") if name in case.body})


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_invented_requests_are_answered_as_the_document_says(document: Any, name: str) -> None:
    operations, secret, real = document
    operation = operations[name]

    @how(
        max_examples=_REQUESTS_AN_OPERATION,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        _aim(case, real)
        case.call_and_validate(headers={"Authorization": f"Bearer {secret}"}, checks=_CHECKS)

    send()
