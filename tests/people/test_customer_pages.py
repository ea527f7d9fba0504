"""A third party beside the ticket, seen from the customer's own pages: nothing of it is there."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from helpdesk.actions.customer_merging import merge_customers
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.side_threads import forward
from helpdesk.models import Actor, Attachment, Ticket
from helpdesk.now import now
from tests.factories import World, mail, make_customer, make_ticket, receive
from tests.portal.conftest import by_code, page_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _limits_begin_anew() -> None:
    cache.clear()


def test_no_word_no_file_and_no_change_of_a_side_thread_is_on_the_customers_pages(world: World) -> None:
    ann, sara = by_code(world.customer), Actor.of(world.agent)
    sent = forward(
        ticket=world.ticket,
        actor=sara,
        recipients=[{"kind": "to", "email": "sven@supplier.example", "name": "Sven"}],
        text="SECRETWORD",
    )
    file = Attachment.objects.create(
        message=sent, name="secret.txt", content_type="text/plain", size=1, sha256="0" * 64, created_at=now()
    )
    set_status(ticket=world.ticket, actor=sara, status="on_hold")
    before = ann.get(page_of(world.ticket)).content.decode()
    answer = mail("Re", "SECRETWORD again", "Sven <sven@supplier.example>", In_Reply_To=f"<{sent.message_id}>")
    receive(answer, mailbox=world.mailbox)
    assert Ticket.objects.get(pk=world.ticket.pk).status == "open"
    for path in ("/portal/", page_of(world.ticket)):
        page = ann.get(path).content.decode()
        for word in ("SECRETWORD", "supplier", "Sven", "secret.txt", "third party"):
            assert word not in page, word
    assert before.count("<article") == ann.get(page_of(world.ticket)).content.decode().count("<article")
    assert ann.get(f"/portal/files/{file.public_id}/").status_code == 404


def test_after_a_merge_both_sign_in_anew_and_see_what_is_theirs_together(world: World) -> None:
    twin = make_customer("ann@home.example", "Ann at home")
    theirs = make_ticket(world.queue_a, twin, subject="From home")
    ann = by_code(twin)
    assert ann.get(page_of(theirs)).status_code == 200
    assert ann.get(page_of(world.ticket)).status_code == 404
    merge_customers(target=world.customer, source=twin, actor=Actor.of(world.agent))
    assert ann.get(page_of(theirs)).status_code == 302
    again = by_code(world.customer, Client())
    assert [again.get(page_of(ticket)).status_code for ticket in (theirs, world.ticket)] == [200, 200]
