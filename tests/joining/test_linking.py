"""Links people make between tickets: both streams tell, families stay trees, rights hold on both ends."""

from __future__ import annotations

import pytest

from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.actions.linking import link_tickets, unlink_tickets
from helpdesk.models import Actor, LinkKind, Ticket, TicketEvent, TicketLink
from tests.factories import World, make_ticket
from tests.state import verify_action

pytestmark = pytest.mark.django_db


@pytest.fixture
def second(world: World) -> Ticket:
    """Another ticket of the same customer."""
    return make_ticket(world.queue_a, world.customer)


@pytest.mark.parametrize("kind", [LinkKind.RELATED, LinkKind.CHILD, LinkKind.DUPLICATE])
def test_a_link_is_made_and_removed_and_both_streams_tell(
    world: World, agent: Actor, second: Ticket, kind: LinkKind
) -> None:
    with verify_action(world.ticket), verify_action(second):
        link_tickets(ticket=second, other=world.ticket, kind=kind, actor=agent)
        unlink_tickets(ticket=second, other=world.ticket, kind=kind, actor=agent)
    assert not TicketLink.objects.exists()
    for one, other, is_here in ((second, world.ticket, False), (world.ticket, second, True)):
        told = TicketEvent.objects.filter(ticket=one, kind__in=["linked", "unlinked"]).order_by("seq")
        data = {"other": other.pk, "number": other.number, "kind": str(kind), "is_here": is_here}
        assert [(e.kind, e.data) for e in told] == [("linked", data), ("unlinked", data)]


def test_the_same_link_is_made_once_in_either_direction(world: World, agent: Actor, second: Ticket) -> None:
    link_tickets(ticket=second, other=world.ticket, kind=LinkKind.RELATED, actor=agent)
    with pytest.raises(BadInput, match="already"):
        link_tickets(ticket=world.ticket, other=second, kind=LinkKind.RELATED, actor=agent)
    link_tickets(ticket=world.ticket, other=second, kind=LinkKind.DUPLICATE, actor=agent)
    assert TicketLink.objects.count() == 2


def test_a_ticket_has_one_parent_and_is_no_part_of_itself(world: World, agent: Actor, second: Ticket) -> None:
    third = make_ticket(world.queue_a, world.customer)
    link_tickets(ticket=second, other=world.ticket, kind=LinkKind.CHILD, actor=agent)
    link_tickets(ticket=third, other=second, kind=LinkKind.CHILD, actor=agent)
    with pytest.raises(BadInput, match="already part of"):
        link_tickets(ticket=third, other=world.ticket, kind=LinkKind.CHILD, actor=agent)
    with pytest.raises(BadInput, match="part of itself"):
        link_tickets(ticket=world.ticket, other=third, kind=LinkKind.CHILD, actor=agent)
    with pytest.raises(BadInput, match="itself"):
        link_tickets(ticket=third, other=third, kind=LinkKind.RELATED, actor=agent)


def test_links_nobody_makes_by_hand_are_refused_and_missing_ones_named(
    world: World, agent: Actor, second: Ticket
) -> None:
    with pytest.raises(BadInput):
        link_tickets(ticket=second, other=world.ticket, kind=LinkKind.TWIN, actor=agent)
    with pytest.raises(BadInput, match="no longer"):
        unlink_tickets(ticket=second, other=world.ticket, kind=LinkKind.RELATED, actor=agent)


def test_links_need_the_right_on_both_ends(world: World, agent: Actor, second: Ticket) -> None:
    for actor, other in ((Actor.of(world.light), world.ticket), (agent, world.foreign)):
        with pytest.raises(NotAllowed):
            link_tickets(ticket=second, other=other, kind=LinkKind.RELATED, actor=actor)
