"""Tokens, calendars, customers, labels: what the forms take, what they refuse, and what the audit book learns."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from helpdesk.actions.tokens import live_token
from helpdesk.admin.calendar_form import day_words, windows_of
from helpdesk.models import (
    ApiToken,
    AuditEntry,
    BusinessCalendar,
    Customer,
    CustomerAddress,
    CustomField,
    Organisation,
    StatusLabel,
    Tag,
)
from tests.factories import World, make_customer

pytestmark = pytest.mark.django_db


def test_a_token_is_shown_once_and_kept_as_a_digest(world: World, manager: Client) -> None:
    form = {"name": "web shop", "owner": world.agent.pk, "scope": "read", "days": "90"}
    answer = manager.post("/admin/helpdesk/apitoken/add/", form, follow=True)

    (shown,) = [str(message) for message in answer.context["messages"] if "<code" in str(message)]
    secret = shown[shown.index("hd_") :].partition("<")[0]
    token = live_token(secret)
    assert token is not None
    assert (token.owner, token.scopes, token.name) == (world.agent, ["read"], "web shop")
    again = manager.get(f"/admin/helpdesk/apitoken/{token.pk}/change/").content.decode()
    assert secret not in again
    assert token.digest not in again
    assert secret not in str(list(AuditEntry.objects.values()))


def test_a_manager_issues_no_token_with_an_administrators_rights(world: World, manager: Client) -> None:
    form = {"name": "shop", "owner": world.admin.pk, "scope": "write", "days": "90"}
    answer = manager.post("/admin/helpdesk/apitoken/add/", form)

    assert answer.status_code == 200
    assert not ApiToken.objects.exists()


def test_a_token_is_revoked_and_never_edited(world: World, manager: Client) -> None:
    manager.post(
        "/admin/helpdesk/apitoken/add/", {"name": "shop", "owner": world.agent.pk, "scope": "write", "days": "30"}
    )
    token = ApiToken.objects.get()

    assert manager.post(f"/admin/helpdesk/apitoken/{token.pk}/change/", {"name": "other"}).status_code == 403
    assert manager.post(f"/admin/helpdesk/apitoken/{token.pk}/do/revoke/").status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert manager.post(f"/admin/helpdesk/apitoken/{token.pk}/do/revoke/").status_code == 403


def _calendar(**changes: str) -> dict[str, str]:
    rows = {"days_off-TOTAL_FORMS": "1", "days_off-INITIAL_FORMS": "0", "days_off-0-date": "", "days_off-0-name": ""}
    return {"name": "Office", "time_zone": "Europe/Berlin", "mon": "9-12, 13:00-17:00", **rows, **changes}


def _add(client: Client, **changes: str) -> dict[str, list[str]]:
    answer = client.post("/admin/helpdesk/businesscalendar/add/", _calendar(**changes))
    return {} if answer.status_code == 302 else dict(answer.context["adminform"].form.errors)


def test_a_calendar_is_written_as_people_write_it(manager: Client) -> None:
    errors = _add(
        manager,
        fri="22:00-06:00",
        overrides="2026-12-24 08:00-12:00\n2026-12-31 closed",
    )

    assert errors == {}
    row = BusinessCalendar.objects.get(name="Office")
    assert row.weekly == {"mon": [["09:00", "12:00"], ["13:00", "17:00"]], "fri": [["22:00", "06:00"]]}
    assert row.overrides == {"2026-12-24": [["08:00", "12:00"]], "2026-12-31": []}
    page = manager.get(f"/admin/helpdesk/businesscalendar/{row.pk}/change/").content.decode()
    assert "09:00-12:00, 13:00-17:00" in page
    assert "2026-12-31 closed" in page


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"mon": "9 to 5"}, "mon", "no stretch of hours"),
        ({"mon": "25:00-26:00"}, "__all__", "no time of day"),
        ({"mon": "09:00-12:00, 11:00-15:00"}, "__all__", "overlap"),
        ({"holidays": "Christmas"}, "holidays", "no date"),
        ({"holidays": "2026-02-30"}, "__all__", "no date"),
        ({"overrides": "2026-12-24 sometimes"}, "overrides", "no stretch of hours"),
    ],
)
def test_hours_the_clocks_could_not_read_are_refused(
    changes: dict[str, str], field: str, words: str, manager: Client
) -> None:
    errors = _add(manager, **changes)

    assert any(words in error for error in errors[field]), errors
    assert not BusinessCalendar.objects.exists()


def test_days_off_without_a_name_stay_where_a_calendar_has_them(manager: Client) -> None:
    row = BusinessCalendar.objects.create(name="Office", time_zone="UTC", holidays=["2026-12-25"])
    page = f"/admin/helpdesk/businesscalendar/{row.pk}/change/"
    assert "2026-12-25" in manager.get(page).content.decode()

    assert manager.post(page, _calendar(holidays="2026-12-25 Christmas\n2026-01-01")).status_code == 302

    row.refresh_from_db()
    assert row.holidays == ["2026-01-01", "2026-12-25"]


def test_hours_are_read_with_the_commas_and_digits_of_other_scripts() -> None:
    assert windows_of("۹-۱۲:۳۰، 13-17") == [["09:00", "12:30"], ["13:00", "17:00"]]


def test_hours_read_back_as_written() -> None:
    for words in ("", "09:00-17:00", "09:00-12:00, 13:00-17:00", "22:00-06:00"):
        assert day_words(windows_of(words)) == words


def _no_addresses(**changes: Any) -> dict[str, Any]:
    forms = {"TOTAL_FORMS": 0, "INITIAL_FORMS": 0, "MIN_NUM_FORMS": 0, "MAX_NUM_FORMS": 1000}
    known = {"name": "Ann", "tier": "gold", "fields": "{}", "initial-fields": "{}"}
    return {**known, **{f"addresses-{name}": value for name, value in forms.items()}, **changes}


def test_the_audit_book_learns_which_fields_of_a_customer_changed_and_not_to_what(manager: Client) -> None:
    customer = make_customer("ann@home.example", "Secret Name")
    form = _no_addresses(notes="private words")
    assert manager.post(f"/admin/helpdesk/customer/{customer.pk}/change/", form).status_code == 302

    entry = AuditEntry.objects.get(object_type="customer")
    assert not LogEntry.objects.exists()
    assert entry.data == {"fields": ["name", "notes", "tier"]}
    assert "private words" not in str(entry.__dict__)


def test_addresses_are_kept_as_they_are_compared(manager: Client) -> None:
    rows = {
        "addresses-TOTAL_FORMS": 2,
        "addresses-0-kind": "email",
        "addresses-0-value": "New@Example.COM",
        "addresses-1-kind": "phone",
        "addresses-1-value": "+49 (30) 1234-567",
    }
    assert manager.post("/admin/helpdesk/customer/add/", _no_addresses(**rows)).status_code == 302

    values = CustomerAddress.objects.filter(customer__name="Ann").values_list("value", flat=True)
    assert set(values) == {"new@example.com", "+49301234567"}


def test_blocking_a_customer_is_written_down_once(manager: Client) -> None:
    customer = make_customer()
    for _again in range(2):
        manager.post("/admin/helpdesk/customer/", {"action": "block", "_selected_action": [customer.pk]})

    assert Customer.objects.get(pk=customer.pk).is_blocked
    assert AuditEntry.objects.filter(action="customer.blocked").count() == 1


def test_domains_of_an_organisation_are_lines(manager: Client) -> None:
    form = {"name": "Acme", "domains": "@Acme.example\nacme.test\n\nacme.test", "tier": "standard"}
    assert manager.post("/admin/helpdesk/organisation/add/", form).status_code == 302
    refused = manager.post("/admin/helpdesk/organisation/add/", {**form, "name": "B", "domains": "not a domain"})

    assert Organisation.objects.get().domains == ["acme.example", "acme.test"]
    assert refused.status_code == 200


def test_a_choice_field_needs_choices_and_keeps_its_key(manager: Client) -> None:
    form = {"on": "ticket", "key": "colour", "label": "Colour", "kind": "choice", "position": 0}
    assert manager.post("/admin/helpdesk/customfield/add/", form).status_code == 200
    assert manager.post("/admin/helpdesk/customfield/add/", {**form, "choices": "red\nblue"}).status_code == 302
    field = CustomField.objects.get()
    manager.post(f"/admin/helpdesk/customfield/{field.pk}/change/", {**form, "choices": "red", "key": "other"})

    field.refresh_from_db()
    assert (field.key, field.choices) == ("colour", ["red"])


def test_a_setting_leaves_old_and_new_value_and_its_deletion_a_line(manager: Client) -> None:
    tag = Tag.objects.create(name="audio")
    manager.post(f"/admin/helpdesk/tag/{tag.pk}/change/", {"name": "sound", "description": ""})
    manager.post(f"/admin/helpdesk/tag/{tag.pk}/delete/", {"post": "yes"})

    lines = list(
        AuditEntry.objects.filter(object_type="tag").order_by("pk").values_list("action", "data", "actor_name")
    )
    assert lines == [
        ("tag.changed", {"name": ["audio", "sound"]}, "Max Manager"),
        ("tag.deleted", {"name": f"{tag.pk} sound"}, "Max Manager"),
    ]


def test_a_categorys_own_label_stays(admin: Client) -> None:
    label = StatusLabel.objects.filter(is_default=True).first() or StatusLabel.objects.create(
        category="open", label_agent="Open", label_customer="Open", is_default=True
    )

    assert admin.post(f"/admin/helpdesk/statuslabel/{label.pk}/delete/", {"post": "yes"}).status_code == 403
    manager_list = {"action": "delete_selected", "_selected_action": [label.pk], "post": "yes"}
    admin.post("/admin/helpdesk/statuslabel/", manager_list)
    assert StatusLabel.objects.filter(pk=label.pk).exists()
