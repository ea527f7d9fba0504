"""Addresses in other scripts before the @: reached where the server knows SMTPUTF8, refused for themselves alone where not."""

from __future__ import annotations

from typing import Any

import pytest

from helpdesk.actions import BadInput
from helpdesk.actions.conversation import reply
from helpdesk.actions.delivery import deliver_due
from helpdesk.models import Actor, Mailbox, OutgoingMail
from helpdesk.now import now
from tests.factories import World
from tests.mailservers.sink import Sink

pytestmark = pytest.mark.django_db
JOSE, ANN = "josé.用户@example.com", "ann@shop.example"


def sent(world: World, server: Sink, settings: Any) -> OutgoingMail:
    settings.MAIL_TIMEOUT_SECONDS = 5
    Mailbox.objects.filter(pk=world.mailbox.pk).update(smtp_port=server.port)
    world.ticket.refresh_from_db()
    people = [{"kind": "to", "email": JOSE, "name": "José"}, {"kind": "cc", "email": ANN, "name": ""}]
    message = reply(ticket=world.ticket, actor=Actor.of(world.agent), text="Hello.", recipients=people)
    OutgoingMail.objects.filter(message=message).update(due_at=now())
    deliver_due()
    return OutgoingMail.objects.get(message=message)


def test_a_server_that_knows_smtputf8_is_given_the_address(world: World, settings: Any) -> None:
    with Sink(smtputf8=True) as server:
        outgoing = sent(world, server, settings)

    (caught,) = server.caught
    assert (outgoing.state, caught.recipients) == (OutgoingMail.State.SENT, [JOSE, ANN])
    assert caught.content.isascii()
    assert "josé.用户@example.com" in str(caught.mail["To"])


def test_another_server_reaches_the_others_and_he_is_told_as_failed(world: World, settings: Any) -> None:
    with Sink() as server:
        outgoing = sent(world, server, settings)

    assert [caught.recipients for caught in server.caught] == [[ANN]]
    assert {r["email"]: r["state"] for r in outgoing.recipients} == {JOSE: "failed", ANN: "sent"}
    assert "only ASCII letters" in outgoing.recipients[0]["answer"]


@pytest.mark.parametrize("email", ["jo sé@example.com", "é..a@example.com", "é\u2028a@example.com", "é@", "@é.example"])
def test_what_is_no_address_in_any_script_is_refused(email: str, world: World) -> None:
    with pytest.raises(BadInput):
        reply(ticket=world.ticket, actor=Actor.of(world.agent), text="x", recipients=[{"kind": "to", "email": email}])
