"""Mail that a crash left between storing and writing: the sweep takes it on, and leaves what is in somebody's hands."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest

from helpdesk.mail.store import Fetched, store
from helpdesk.mail_pipeline import Pipeline, is_left_behind
from helpdesk.models import RawMail, Ticket
from helpdesk.now import now
from tests.factories import World, mail

pytestmark = pytest.mark.django_db


def test_the_sweep_takes_on_what_has_lain_for_a_minute_and_nothing_younger(world: World) -> None:
    old, young = store([Fetched(mail("Old")), Fetched(mail("Young"))], world.mailbox)
    assert not is_left_behind()
    RawMail.objects.filter(pk=old.pk).update(received_at=now() - timedelta(minutes=2))

    assert is_left_behind()
    with closing(Pipeline()) as pipeline:
        assert pipeline.run_pending() == 1

    assert RawMail.objects.get(pk=young.pk).state == RawMail.State.PENDING
    assert Ticket.objects.filter(subject="Old").exists()
    assert not is_left_behind()


def test_two_pipelines_at_the_same_rows_write_each_mail_once(world: World) -> None:
    (row,) = store([Fetched(mail("Both have it"))], world.mailbox)
    with closing(Pipeline()) as one, closing(Pipeline()) as two:
        first, second = one.begin([row]), two.begin([RawMail.objects.select_related("mailbox__queue").get(pk=row.pk)])
        row.mailbox = world.mailbox
        one.finish(first)
        (late,) = two.finish(second)

    assert Ticket.objects.filter(subject="Both have it").count() == 1
    assert "another process" in late.reason
