"""Snoozing by presets: by the reader's clock, within the hours of the ticket's queue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from helpdesk.models import BusinessCalendar, Queue, Ticket, User
from helpdesk.queries import snoozing
from tests.factories import World

pytestmark = pytest.mark.django_db
_HEADERS = {"HX-Request": "true"}


@pytest.fixture
def friday_evening(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Friday, 20 November 2026, 18:30 in Oslo."""
    at = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)
    monkeypatch.setattr(snoozing, "now", lambda: at)
    return at


def _office() -> BusinessCalendar:
    days = {day: [["10:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    return BusinessCalendar.objects.create(name="Office", time_zone="Europe/Oslo", weekly=days)


def test_presets_follow_the_readers_clock(friday_evening: datetime) -> None:
    with timezone.override("Europe/Oslo"):
        found = {key: snoozing.preset_moment(key, None) for key in snoozing.PRESETS}
    assert found == {
        "later": datetime(2026, 11, 20, 20, 30, tzinfo=UTC),
        "tomorrow": datetime(2026, 11, 21, 8, tzinfo=UTC),
        "monday": datetime(2026, 11, 23, 8, tzinfo=UTC),
        "week": datetime(2026, 11, 27, 8, tzinfo=UTC),
    }
    assert snoozing.preset_moment("2026-12-01T07:00", None) is None


def test_a_preset_outside_the_hours_of_the_queue_means_their_opening(friday_evening: datetime) -> None:
    office = _office()
    with timezone.override("Europe/Oslo"):
        found = {key: snoozing.preset_moment(key, office) for key in snoozing.PRESETS}
    monday, next_friday = datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 27, 9, tzinfo=UTC)
    assert found == {"later": monday, "tomorrow": monday, "monday": monday, "week": next_friday}


def test_the_menu_shows_the_moment_it_means_and_keeps_to_it(
    world: World, agent_client: Client, friday_evening: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helpdesk.actions.lifecycle.now", lambda: friday_evening)
    User.objects.filter(pk=world.agent.pk).update(time_zone="Europe/Oslo")
    Queue.objects.filter(pk=world.queue_a.pk).update(calendar=_office())
    path = f"/tickets/{world.ticket.number}/"
    assert "10:00" in agent_client.get(path).content.decode()
    body: dict[str, Any] = {"status": "snoozed", "until": "tomorrow"}
    assert agent_client.post(f"{path}status/", body, headers=_HEADERS).status_code == 200
    assert Ticket.objects.get(pk=world.ticket.pk).snoozed_until_at == datetime(2026, 11, 23, 9, tzinfo=UTC)
    body["until"] = "2026-11-21T07:15"
    agent_client.post(f"{path}status/", body, headers=_HEADERS)
    assert Ticket.objects.get(pk=world.ticket.pk).snoozed_until_at == datetime(2026, 11, 21, 6, 15, tzinfo=UTC)
