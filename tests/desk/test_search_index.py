"""The search rows stay in step: with what is said, taken back, renamed, moved; and sweeps find what was missed."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from helpdesk.actions import search_index
from helpdesk.actions.assignment import move_ticket
from helpdesk.actions.conversation import note, reply
from helpdesk.actions.merging import merge_tickets, unmerge_ticket
from helpdesk.actions.triage import classify_ticket
from helpdesk.models import Actor, Audience, Customer, Message, Organisation, SearchRow, Ticket
from helpdesk.queries.found import found_page
from helpdesk.queries.inbox import TicketFilter
from tests.admin.conftest import sign_in
from tests.factories import World, mail, make_customer, make_ticket, receive

TODAY = date(2026, 11, 22)


def numbers(actor: Actor, text: str) -> list[int]:
    """The numbers of the tickets found."""
    page = found_page(actor, TicketFilter(text=text), door=Ticket.objects.visible_to(actor), today=TODAY)
    return sorted(ticket.number for ticket in page.tickets)


def test_replies_and_notes_are_found_at_once(world: World, agent: Actor) -> None:
    reply(ticket=world.ticket, actor=agent, text="Please press the grommet.")
    note(ticket=world.ticket, actor=agent, text="He sounds perplexed.")

    assert numbers(agent, "grommet") == [world.ticket.number]
    assert numbers(agent, "perplexed") == [world.ticket.number]


def test_a_reply_taken_back_is_found_no_more(world: World, agent: Actor) -> None:
    message = reply(ticket=world.ticket, actor=agent, text="Please press the grommet.")

    from helpdesk.actions.sending import withdraw_reply

    withdraw_reply(message=message, actor=agent)

    assert numbers(agent, "grommet") == []
    assert not SearchRow.objects.filter(message=message).exists()


def test_what_a_ticket_is_called_is_found_by_its_newest_name_only(world: World, agent: Actor) -> None:
    classify_ticket(ticket=world.ticket, actor=agent, subject="The hinge squeaks", add_tags=["mechanics"])

    assert numbers(agent, "hinge mechanics") == [world.ticket.number]
    Message.objects.filter(ticket=world.ticket).update(subject="")  # what a mail of his was called stays with the mail
    search_index.index_ticket(world.ticket.pk)
    assert numbers(agent, '"dock does not"') == []

    classify_ticket(ticket=world.ticket, actor=agent, remove_tags=["mechanics"])
    assert numbers(agent, "hinge") == [world.ticket.number]
    assert numbers(agent, "mechanics") == []


def test_a_renamed_customer_is_found_by_his_new_name(world: World, agent: Actor) -> None:
    from helpdesk.actions.customers import edit_customer

    edit_customer(customer=world.customer, actor=agent, name="Anneliese Vogelsang", tier="gold")

    assert numbers(agent, "vogelsang") == [world.ticket.number]


def test_addresses_and_names_changed_in_the_admin_are_found(world: World, agent: Actor) -> None:
    client = sign_in(world.admin)
    page = f"/admin/helpdesk/customer/{world.customer.pk}/change/"
    address = world.customer.addresses.get()
    form = {
        "name": "Ann Vogelsang",
        "tier": "standard",
        "fields": "{}",
        "addresses-TOTAL_FORMS": "2",
        "addresses-INITIAL_FORMS": "1",
        "addresses-0-id": str(address.pk),
        "addresses-0-customer": str(world.customer.pk),
        "addresses-0-kind": "email",
        "addresses-0-value": address.value,
        "addresses-0-is_primary": "on",
        "addresses-1-customer": str(world.customer.pk),
        "addresses-1-kind": "email",
        "addresses-1-value": "ann@elsewhere.example",
    }

    answer = client.post(page, form)

    assert answer.status_code == 302, answer.content.decode()
    assert numbers(agent, "vogelsang") == [world.ticket.number]
    assert numbers(agent, "ann@elsewhere.example") == [world.ticket.number]


def test_a_renamed_organisation_is_found_by_its_customers_tickets(world: World, agent: Actor) -> None:
    organisation = Organisation.objects.create(name="Quarry Works")
    Customer.objects.filter(pk=world.customer.pk).update(organisation=organisation)
    search_index.index_customers_of(organisation.pk)

    assert numbers(agent, "quarry works") == [world.ticket.number]


def test_a_merge_takes_the_words_along_and_back(world: World, agent: Actor) -> None:
    second = make_ticket(world.queue_a, world.customer, subject="Cog", text="The cogwheel slips.")
    assert numbers(agent, "cogwheel") == [second.number]

    merge_tickets(survivor=world.ticket, sources=[second], actor=agent)
    assert numbers(agent, "cogwheel") == [world.ticket.number]

    unmerge_ticket(source=second, actor=agent)
    assert numbers(agent, "cogwheel") == [second.number]


def test_a_moved_ticket_is_found_by_its_new_team_and_not_by_its_old_one(world: World, agent: Actor) -> None:
    other = Actor.of(world.other_agent)
    assert numbers(other, "dock") == []

    move_ticket(ticket=world.ticket, actor=Actor.of(world.manager), queue=world.queue_b)

    assert numbers(other, "dock") == [world.ticket.number]
    assert numbers(agent, "dock") == []


def test_nobody_finds_what_he_may_not_see(world: World, agent: Actor) -> None:
    customer = Actor.of_customer(Customer.objects.get(pk=world.customer.pk))
    nobody = Actor.of(world.agent)
    world.agent.memberships.all().delete()

    assert numbers(customer, "charge") == []
    assert numbers(nobody, "charge") == []
    assert numbers(Actor.of(world.light), "charge") == [world.ticket.number]
    assert numbers(Actor.of(world.manager), "charged") == [world.foreign.number]


def test_a_stale_row_does_not_open_the_door(world: World, agent: Actor) -> None:
    Ticket.objects.filter(pk=world.ticket.pk).update(queue=world.queue_b)  # behind the back of the index

    assert numbers(agent, "charge") == []


def test_whispers_are_not_indexed(world: World, agent: Actor) -> None:
    Message.objects.filter(ticket=world.ticket).update(audience=Audience.WHISPER)

    SearchRow.objects.all().delete()
    search_index.sweep_recent()

    assert numbers(agent, "charge") == []


@pytest.mark.parametrize("count", [1, 5])
def test_a_batch_of_mails_is_indexed_in_two_statements(world: World, count: int) -> None:
    mails = [mail(subject=f"Batch {n}", sender=f"p{n}@batch.example") for n in range(count)]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        receive(*mails, mailbox=world.mailbox)

    touching = [q["sql"] for q in queries if "helpdesk_searchrow" in q["sql"] or "tt.tag_id" in q["sql"]]
    assert len(touching) == 2
    assert SearchRow.objects.filter(message__subject__startswith="Batch").count() == count


def test_sweeps_write_what_is_missing_and_leave_the_rest(world: World, agent: Actor) -> None:
    for n in range(3):
        make_ticket(world.queue_a, make_customer(), subject=f"Missing {n}")
    kept = SearchRow.objects.order_by("pk")[0].pk
    SearchRow.objects.exclude(pk=kept).delete()
    missing = Message.objects.count() - 1

    assert search_index.sweep_recent() == missing
    assert search_index.sweep_recent() == 0
    SearchRow.objects.all().delete()
    assert search_index.sweep_all() == missing + 1
    assert len(numbers(agent, "missing")) == 3


@pytest.mark.django_db(transaction=True)
def test_the_command_fills_what_is_missing_or_all(world: World, agent: Actor) -> None:
    SearchRow.objects.all().delete()
    call_command("reindex_search")
    assert numbers(agent, "charge") == [world.ticket.number]

    SearchRow.objects.update(words="'wrong'")
    call_command("reindex_search", "--all")
    assert numbers(agent, "charge") == [world.ticket.number]
    assert numbers(agent, "wrong") == []
