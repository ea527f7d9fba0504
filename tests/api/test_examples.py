"""The OpenAPI document: its examples are sent as they stand and answered as it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from helpdesk.actions.conversation import note
from helpdesk.actions.customer_merging import merge_customers
from helpdesk.actions.feed import number_events
from helpdesk.actions.linking import link_tickets
from helpdesk.actions.merging import merge_tickets
from helpdesk.api import examples
from helpdesk.api.examples import EXAMPLES
from helpdesk.blobs import put
from helpdesk.models import (
    Actor,
    Attachment,
    Customer,
    CustomField,
    IssueType,
    LinkKind,
    Message,
    Queue,
    Role,
    Ticket,
    User,
)
from helpdesk.now import now
from tests.api.conftest import Caller, secret_for
from tests.factories import make_customer, make_mailbox, make_team, make_ticket, make_user

_METHODS = {"get", "post", "patch"}


@pytest.fixture
def seeded(db: None) -> User:
    """The world the examples speak of; returns the agent who owns the token."""
    team = make_team("Hardware")
    queue = Queue.objects.create(pk=examples.QUEUE, name="Hardware", team=team)
    Queue.objects.create(pk=examples.OTHER_QUEUE, name="Repairs", team=team)
    IssueType.objects.create(pk=examples.ISSUE_TYPE, name="Power")
    CustomField.objects.create(on=CustomField.On.TICKET, key="serial", label="Serial number")
    agent = make_user(Role.AGENT, teams=(team,), pk=examples.OWNER, name="Sara Agent")
    customer = make_customer("ann@shop.example", "Ann Example")
    customer.public_id = examples.CUSTOMER
    customer.save()
    ticket = make_ticket(queue, customer)
    Ticket.objects.filter(pk=ticket.pk).update(public_id=examples.TICKET, mailbox=make_mailbox(queue))
    Message.objects.filter(ticket=ticket).update(public_id=examples.MESSAGE)
    for key, message, owner in ((examples.ATTACHMENT, ticket.messages.get(), None), (examples.UPLOAD, None, agent)):
        Attachment.objects.create(
            public_id=key, ticket=ticket, message=message, uploaded_by=owner, name="photo.jpg", content_type="image/jpeg",
            size=5, sha256=put(b"bytes"), created_at=now(),
        )  # fmt: skip
    actor = Actor.of(agent)
    written = note(ticket=ticket, actor=actor, text="The second question is another matter.")
    Message.objects.filter(pk=written.pk).update(public_id=examples.NOTE)
    other, merged, parent = [make_ticket(queue, customer) for _n in range(3)]
    merge_tickets(survivor=other, sources=[merged], actor=actor)
    link_tickets(ticket=ticket, other=parent, kind=LinkKind.CHILD, actor=actor)
    keys = (examples.OTHER_TICKET, examples.MERGED_TICKET, examples.PARENT_TICKET)
    for one, key in zip((other, merged, parent), keys, strict=True):
        Ticket.objects.filter(pk=one.pk).update(public_id=key)
    for email, key in (("ann@home.example", examples.TWIN), ("ann@old.example", examples.MERGED_CUSTOMER)):
        person = make_ticket(queue, make_customer(email)).customer
        Customer.objects.filter(pk=person.pk).update(public_id=key)
    merged_away = Customer.objects.get(public_id=examples.MERGED_CUSTOMER)
    merge_customers(target=customer, source=merged_away, actor=actor)
    number_events()
    return agent


@pytest.fixture
def document(seeded: User) -> dict[str, Any]:
    """The OpenAPI document as a client gets it."""
    response = Caller(secret_for(seeded)).client.get("/api/schema/?format=json")
    assert response.status_code == 200
    decoded: dict[str, Any] = json.loads(response.content)
    return decoded


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in _METHODS:
                yield path, method, operation


def _validate(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> None:
    whole = {**schema, "components": document["components"]}
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(whole, format_checker=checker).validate(value)


def test_the_document_is_openapi_3_1_and_knows_no_delete(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert {m for methods in document["paths"].values() for m in methods} <= _METHODS
    assert set(document["components"]["securitySchemes"]) == {"bearer", "session"}


def test_the_document_is_for_those_who_are_signed_in(seeded: User) -> None:
    response = Client().get("/api/schema/")
    assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json")


def test_every_operation_has_an_example_and_every_example_an_operation(document: dict[str, Any]) -> None:
    assert {operation["operationId"] for _path, _method, operation in _operations(document)} == set(EXAMPLES)


def test_every_object_in_the_document_is_closed(document: dict[str, Any]) -> None:
    opened = [
        name
        for name, schema in document["components"]["schemas"].items()
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False
    ]
    assert opened == []


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_is_answered_as_the_document_says(document: dict[str, Any], seeded: User, name: str) -> None:
    path, method, operation = next(entry for entry in _operations(document) if entry[2]["operationId"] == name)
    query: list[tuple[str, str]] = []
    for parameter in operation.get("parameters", []):
        if "example" not in parameter:
            continue
        value = parameter["example"]
        _validate(value, parameter["schema"], document)
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", value)
        elif isinstance(value, list) and not parameter.get("explode", True):
            query.append((parameter["name"], ",".join(value)))
        else:
            query += [(parameter["name"], str(v)) for v in (value if isinstance(value, list) else [value])]
    assert "{" not in path
    api = Caller(secret_for(seeded))
    address = f"{path}?{urlencode(query)}" if query else path
    content = operation.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        response = api.client.post(address, {"file": SimpleUploadedFile("a.txt", b"bytes")})
    else:
        body = content.get("application/json", {}).get("example", {})
        if body:
            _validate(body, content["application/json"]["schema"], document)
        response = api.client.generic(method.upper(), address, json.dumps(body), content_type="application/json")
    assert response.status_code == EXAMPLES[name].status, response.content
    for kind, answer in operation["responses"][str(response.status_code)]["content"].items():
        assert response["Content-Type"] == kind
        if kind == "application/json":
            _validate(response.json(), answer["schema"], document)
            if "example" in answer:
                _validate(answer["example"], answer["schema"], document)
        else:
            assert b"".join(response) == b"bytes"


def test_the_page_about_the_api_names_every_address(document: dict[str, Any]) -> None:
    text = (settings.BASE_DIR / "docs" / "api.md").read_text()
    named = set(re.findall(r"`(?:GET|POST|PATCH) (/api/v1/[^`? ]*)", text))
    assert named == set(document["paths"])
