"""Kill -9 while events are numbered; and every declared fault point has a test that reaches it."""

from __future__ import annotations

import signal
import time

import pytest

from helpdesk import faults
from helpdesk.models import TicketEvent
from tests.factories import make_world
from tests.faults import test_mail_in_killed, test_mail_out_killed, test_route_killed
from tests.processes import running

POINTS = ["feed.numbered"]


@pytest.mark.django_db(transaction=True)
def test_positions_stay_whole_when_the_feed_is_killed() -> None:
    make_world()

    with running("dispatcher", "--only", "feed", HELPDESK_FAULT="feed.numbered:kill") as killed:
        killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert not TicketEvent.objects.filter(position__isnull=False).exists()
    with running("dispatcher", "--only", "feed"):
        end = time.monotonic() + 60
        while TicketEvent.objects.filter(position__isnull=True).exists() and time.monotonic() < end:
            time.sleep(0.1)

    positions = list(TicketEvent.objects.order_by("position").values_list("position", flat=True))
    assert positions == list(range(1, len(positions) + 1))


def test_every_declared_point_is_reached_by_a_test() -> None:
    tested = {*POINTS, *test_mail_in_killed.POINTS, *test_mail_out_killed.POINTS, *test_route_killed.POINTS}

    assert set(faults.POINTS) == tested
