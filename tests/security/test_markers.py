"""A marker in every text a row can hold, then every page: not one shows it as markup.

Most stored cross-site scripting of helpdesks sat outside the mail body: in a subject, a name, a file name, a MIME type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
import pytest_django
from django.apps import apps
from django.contrib import admin
from django.db import models, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from helpdesk.models import Attachment, AuditEntry, Message, Ticket, User
from tests.security.rooms import Rooms, furnish, picture

pytestmark = pytest.mark.django_db  # it also tells pytest-django, before the module begins, to make the test database
MARKER = "\"'><img src=x onerror=hit()>"
#: What a database or another program reads, and no person wrote; each is set by the house alone.
_NOT_PROSE = {
    "password", "role", "language", "time_zone", "digest", "hint", "sha256", "blob", "mime_sha256", "state", "key",
    "request_digest", "identifier", "correlation_id", "verdict", "imap_host", "smtp_host", "email",
    "oauth_client_secret", "oauth_refresh_token", "oauth_access_token", "smtp_password", "html", "reply_html", "country",
}  # fmt: skip
_PAGES_AT_LEAST = 60


def _prose_of(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField)
        and not field.choices
        and field.name not in _NOT_PROSE
        and not field.primary_key
    ]


def _plant() -> int:
    """Writes the marker into every prose field of every row of ours; returns how many fields that were."""
    count = 0
    for model in apps.get_app_config("helpdesk").get_models():
        if model is AuditEntry:
            continue  # append-only; what it holds is planted through the names of the others
        for row in model._default_manager.all():
            values = {}
            for field in _prose_of(model):
                room = field.max_length or 10_000
                if room < len(MARKER):
                    continue
                values[field.name] = (f"{row.pk:d}{MARKER}" if isinstance(row.pk, int) else MARKER)[:room]
                count += 1
            if values:
                model._default_manager.filter(pk=row.pk).update(**values)
    return count


@pytest.fixture(scope="module")
def planted(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[Rooms]:
    """A whole world whose every text is hostile, in a transaction that is taken back."""
    with django_db_blocker.unblock(), transaction.atomic():
        rooms = furnish()
        assert _plant() > 80
        hostile = {"email": f"{MARKER}@evil.test", "name": MARKER}
        Message.objects.update(recipients=[{"kind": kind, **hostile} for kind in ("to", "cc", "reply_to")])
        yield rooms
        transaction.set_rollback(True)


class _Attributes(HTMLParser):
    """Collects event attributes and images of the marker: the first oracle; the second is the plain text search."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An attribute that runs, or the marker's picture, is the marker come alive."""
        for name, value in attrs:
            if name.startswith("on") or (name == "src" and value == "x"):
                self.found.append(f"<{tag} {name}={value}>")


def _alive(response: Any) -> list[str]:
    if not response.headers.get("Content-Type", "").startswith("text/html"):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        return []
    text = response.content.decode("utf-8", "replace")
    reader = _Attributes()
    reader.feed(text)
    return reader.found + re.findall(r".{0,40}<img src=x.{0,20}", text)


def _desk_pages(rooms: Rooms) -> list[str]:
    pages = [
        "/",
        "/profile/",
        "/bulk/",
        "/accounts/2fa/",
        "/accounts/password/change/",
        "/no/such/page/",
        "/api/v1/docs/",
    ]
    for slug in (
        "needs-me",
        "mine",
        "unassigned",
        "team",
        "pending",
        "resolved",
        "closed",
        f"view-{rooms.shared_view}",
    ):
        pages += [f"/inbox/{slug}/", f"/inbox/{slug}/rows/", f"/inbox/{slug}/?q={MARKER}"]
    for ticket in Ticket.objects.visible_to(_anybody(rooms)):
        base = f"/tickets/{ticket.number}/"
        pages += [base, f"{base}changes/?since=0", f"{base}earlier/?before=999", f"{base}recipients/?q=a"]
        pages.append(f"{base}customer/{ticket.customer.public_id}/")
    for message in Message.objects.all():
        pages += [f"/messages/{message.public_id}/{what}/" for what in ("whole", "source", "frame")]
    pages += [f"/files/{file.public_id}/" for file in Attachment.objects.all()]
    return pages


def _anybody(rooms: Rooms) -> Any:
    from helpdesk.models import Actor

    return Actor.of(User.objects.get(pk=rooms.world.admin.pk))


def _admin_pages() -> list[str]:
    pages = ["/admin/", "/admin/helpdesk/"]
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        pages += [reverse(f"admin:{name}_changelist"), reverse(f"admin:{name}_changelist") + f"?q={MARKER}"]
        pages.append(reverse(f"admin:{name}_add"))
        for row in model._default_manager.all()[:2]:
            pages += [reverse(f"admin:{name}_{what}", args=[row.pk]) for what in ("change", "history", "delete")]
    return pages


@pytest.mark.parametrize("role", ["agent", "manager", "admin"])
def test_no_page_of_the_desk_shows_a_text_as_markup(role: str, planted: Rooms) -> None:
    _walk(planted.client(role), _desk_pages(planted), shown_at_least=8)


@pytest.mark.parametrize("role", ["manager", "admin"])
def test_no_page_of_the_admin_shows_a_text_as_markup(role: str, planted: Rooms) -> None:
    pages = _admin_pages()
    assert len(pages) > _PAGES_AT_LEAST
    _walk(planted.client(role), pages, shown_at_least=20)


def _walk(client: Client, pages: list[str], shown_at_least: int) -> None:
    alive, shown, failed = [], 0, []
    client.raise_request_exception = False
    for page in pages:
        response = client.get(page, follow=False)
        if getattr(response, "streaming", False):
            continue
        found = _alive(response)
        if found:
            alive.append(f"{page}: {found[:2]}")
        shown += b"&lt;img src=x onerror=hit()&gt;" in response.content
        if response.status_code >= 500:
            failed.append(page)
    assert alive == []
    assert failed == []
    assert shown >= shown_at_least, f"the marker was shown on {shown} pages only: the walk does not reach the texts"


def test_no_file_is_opened_by_the_browser_on_our_origin(planted: Rooms) -> None:
    picture()
    for file in Attachment.objects.all():
        response = planted.client("admin").get(f"/files/{file.public_id}/")

        assert response["Content-Disposition"].startswith("attachment;")
        assert response["Content-Type"] == "application/octet-stream"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response["Content-Security-Policy"]
        assert "\n" not in response["Content-Disposition"]


def test_every_prose_field_of_a_model_is_planted() -> None:
    """A field left out by name is one of the list above, which names real fields only."""
    known = {
        field.name for model in apps.get_app_config("helpdesk").get_models() for field in model._meta.concrete_fields
    }

    assert known >= _NOT_PROSE, _NOT_PROSE - known


def test_the_oracle_sees_a_marker_that_lives() -> None:
    assert _alive(HttpResponse(f"<p>{MARKER}</p>")) != []
    assert _alive(HttpResponse("<p>&lt;img src=x onerror=hit()&gt;</p>")) == []
