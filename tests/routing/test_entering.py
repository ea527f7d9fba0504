"""How a ticket comes to wait for an agent and stops waiting: the reactions of flow.py, and what they cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from helpdesk.actions.assignment import assign_ticket, move_ticket, unassign_ticket
from helpdesk.actions.conversation import reply
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.merging import merge_tickets, unmerge_ticket
from helpdesk.actions.splitting import move_messages, split_messages
from helpdesk.actions.triage import classify_ticket
from helpdesk.events import NewEvent, record_many, sentence
from helpdesk.models import SYSTEM, Actor, Channel, Kind, Priority, Queue, Role, Status, Ticket, TicketEvent
from helpdesk.now import now
from routing.actions.entering import enter, sweep_missing
from routing.actions.lost import lost
from routing.actions.offers import accept_offer
from routing.models import AgentPresence, Assignment, DemandRule, Handing, Offer, WorkItem
from routing.queries.waiting import known_to
from routing.router import Router
from tests.factories import World, mail, make_customer, make_queue, make_ticket, make_user, receive
from tests.routing.people import make_offering, make_ready, make_waiting

pytestmark = pytest.mark.django_db
Items = WorkItem.State
RULE = {"when": {"tag": ["vip"]}, "priority": 3}


def the_item(ticket: Ticket) -> WorkItem:
    """The one that is not done."""
    return WorkItem.objects.exclude(state=Items.DONE).get(ticket=ticket)


def manager() -> Actor:
    return Actor.of(make_user(Role.MANAGER))


def test_a_new_ticket_waits_in_its_queue_since_the_customer_waits() -> None:
    queue = make_queue()
    ticket = make_ticket(queue=queue, channel=Channel.MAIL)

    item = the_item(ticket)

    assert (item.queue, item.state, item.handing, item.channel) == (queue, Items.WAITING, Handing.PULL, "mail")
    assert item.entered_at == item.vtime == ticket.waiting_since_at


def test_a_chat_is_offered_and_mail_is_pulled() -> None:
    queue = make_queue()
    assert the_item(make_ticket(queue=queue, channel=Channel.CHAT)).handing == Handing.OFFER
    assert the_item(make_ticket(queue=queue)).handing == Handing.PULL


@pytest.mark.parametrize("status", [Status.PENDING, Status.ON_HOLD, Status.SNOOZED, Status.RESOLVED, Status.SPAM])
def test_a_ticket_put_aside_waits_no_more_and_waits_anew_when_it_is_opened(status: str) -> None:
    ticket = make_waiting(make_queue()).ticket
    set_status(ticket=ticket, actor=manager(), status=status)
    assert not WorkItem.objects.exclude(state=Items.DONE).exists()

    set_status(ticket=ticket, actor=manager(), status=Status.OPEN)

    item = the_item(ticket)
    assert item.state == Items.WAITING
    assert item.entered_at >= ticket.opened_at


def test_a_ticket_opened_by_hand_after_months_does_not_jump_the_line() -> None:
    ticket = make_waiting(make_queue()).ticket
    Ticket.objects.filter(pk=ticket.pk).update(opened_at=now() - timedelta(days=90))
    set_status(ticket=ticket, actor=manager(), status=Status.RESOLVED)
    before = now()

    set_status(ticket=ticket, actor=manager(), status=Status.OPEN)

    assert the_item(ticket).vtime >= before


def test_an_answer_of_the_customer_to_a_ticket_without_owner_makes_it_wait_again() -> None:
    item = make_waiting(make_queue())
    set_status(ticket=item.ticket, actor=manager(), status=Status.RESOLVED)

    set_status(ticket=item.ticket, actor=SYSTEM, status=Status.OPEN)

    assert the_item(item.ticket).pk != item.pk
    assert Ticket.objects.get().status == Status.OPEN


def test_a_ticket_with_an_owner_that_is_opened_again_is_his_and_waits_for_nobody() -> None:
    queue = make_queue()
    agent = make_user(teams=(queue.team,))
    ticket = make_waiting(queue).ticket
    assign_ticket(ticket=ticket, actor=Actor.of(agent), owner=agent)
    set_status(ticket=ticket, actor=Actor.of(agent), status=Status.RESOLVED)

    set_status(ticket=ticket, actor=Actor.of(agent), status=Status.OPEN)

    assert not WorkItem.objects.exclude(state=Items.DONE).exists()


def test_a_ticket_given_back_in_wrap_up_waits_at_once() -> None:
    queue = make_queue()
    make_offering(queue, wrapup_seconds=60)
    agent = make_ready(queue.team)
    ticket = make_waiting(queue).ticket
    Router().turn()
    accept_offer(offer=Offer.objects.get(), actor=Actor.of(agent))
    reply(ticket=ticket, actor=Actor.of(agent), text="Here it is.", recipients=[])
    set_status(ticket=ticket, actor=Actor.of(agent), status=Status.OPEN)
    assert the_item(ticket).state == Items.WRAPUP

    unassign_ticket(ticket=ticket, actor=Actor.of(agent))

    assert the_item(ticket).state == Items.WAITING
    assert not Assignment.objects.filter(done_at__isnull=True).exists()


def test_a_ticket_given_away_in_wrap_up_leaves_the_wrap_up_with_whoever_had_it() -> None:
    queue = make_queue()
    make_offering(queue, wrapup_seconds=60)
    agent, other = make_ready(queue.team), make_user(teams=(queue.team,))
    ticket = make_waiting(queue).ticket
    Router().turn()
    accept_offer(offer=Offer.objects.get(), actor=Actor.of(agent))
    reply(ticket=ticket, actor=Actor.of(agent), text="Here it is.", recipients=[])

    assign_ticket(ticket=ticket, actor=Actor.of(agent), owner=other)

    assert (the_item(ticket).state, Assignment.objects.get().agent) == (Items.WRAPUP, agent)


def test_a_moved_ticket_waits_by_the_rules_of_its_new_queue_at_its_place() -> None:
    queue, other = make_queue(), make_queue()
    make_offering(other)
    item = make_waiting(queue)

    move_ticket(ticket=item.ticket, actor=manager(), queue=other)

    moved = the_item(item.ticket)
    assert (moved.pk, moved.queue, moved.handing, moved.vtime) == (item.pk, other, Handing.OFFER, item.vtime)


def test_a_moved_ticket_takes_its_open_offer_back() -> None:
    queue, other = make_queue(), make_queue()
    make_offering(queue)
    make_ready(queue.team)
    item = make_waiting(queue)
    Router().turn()

    move_ticket(ticket=item.ticket, actor=manager(), queue=other)

    assert (Offer.objects.get().state, the_item(item.ticket).state) == (Offer.State.CANCELLED, Items.WAITING)


def test_a_higher_priority_stands_further_ahead() -> None:
    item = make_waiting(make_queue())

    classify_ticket(ticket=item.ticket, actor=manager(), priority=Priority.URGENT)

    assert the_item(item.ticket).vtime == item.entered_at - timedelta(seconds=1800)
    classify_ticket(ticket=item.ticket, actor=manager(), priority=Priority.LOW)
    assert the_item(item.ticket).vtime == item.entered_at + timedelta(seconds=300)


def test_a_ticket_merged_away_waits_no_more_and_the_survivor_takes_the_longer_wait() -> None:
    queue, customer = make_queue(), make_customer()
    early, late = make_waiting(queue, customer), make_waiting(queue, customer)
    assert early.entered_at < late.entered_at

    merge_tickets(survivor=late.ticket, sources=[early.ticket], actor=manager())

    (item,) = WorkItem.objects.exclude(state=Items.DONE)
    assert (item.pk, item.entered_at, item.vtime) == (late.pk, early.entered_at, early.vtime)
    early.refresh_from_db()
    assert (early.state, early.outcome) == (Items.DONE, "merged_away")


def test_parted_tickets_wait_each_at_its_own_place() -> None:
    queue, customer = make_queue(), make_customer()
    early, late = make_waiting(queue, customer), make_waiting(queue, customer)
    merge_tickets(survivor=late.ticket, sources=[early.ticket], actor=manager())

    unmerge_ticket(source=early.ticket, actor=manager())

    places = {item.ticket_id: item.vtime for item in WorkItem.objects.exclude(state=Items.DONE)}
    assert places == {early.ticket_id: early.vtime, late.ticket_id: late.vtime}


def test_a_survivor_put_aside_again_by_the_parting_waits_no_more() -> None:
    queue, customer = make_queue(), make_customer()
    put_aside, other = make_waiting(queue, customer), make_waiting(queue, customer)
    set_status(ticket=put_aside.ticket, actor=manager(), status=Status.RESOLVED)
    merge_tickets(survivor=put_aside.ticket, sources=[other.ticket], actor=manager())
    assert the_item(put_aside.ticket).entered_at == other.entered_at

    unmerge_ticket(source=other.ticket, actor=manager())

    assert [item.ticket for item in WorkItem.objects.exclude(state=Items.DONE)] == [other.ticket]


def test_a_split_off_ticket_waits_and_the_old_one_goes_on(world: World) -> None:
    (raw,) = receive(mail("The dock does not charge", "And another thing."), mailbox=world.mailbox)
    second = TicketEvent.objects.filter(kind=Kind.OPENED).latest("pk").ticket
    merge_tickets(survivor=world.ticket, sources=[second], actor=manager(), confirmed=True)
    message = world.ticket.messages.get(raw_mail=raw)

    new = split_messages(ticket=world.ticket, messages=[message], actor=manager())

    assert {the_item(world.ticket).state, the_item(new).state} == {Items.WAITING}
    assert the_item(new).entered_at == new.waiting_since_at


def test_messages_moved_to_a_finished_ticket_make_it_wait(world: World) -> None:
    receive(mail("The dock does not charge", "And another thing."), mailbox=world.mailbox)
    second = TicketEvent.objects.filter(kind=Kind.OPENED).latest("pk").ticket
    merge_tickets(survivor=world.ticket, sources=[second], actor=manager(), confirmed=True)
    target = make_ticket(world.queue_a, world.customer)
    set_status(ticket=target, actor=manager(), status=Status.RESOLVED)
    message = world.ticket.messages.order_by("-pk").first()
    assert message is not None

    move_messages(ticket=world.ticket, messages=[message], target=target, actor=manager(), confirmed=True)

    assert the_item(target).state == Items.WAITING


def test_a_ticket_taken_by_hand_and_given_back_keeps_its_place() -> None:
    queue = make_queue()
    agent = make_user(teams=(queue.team,))
    item = make_waiting(queue)
    assign_ticket(ticket=item.ticket, actor=Actor.of(agent), owner=agent)
    assert the_item(item.ticket).state == Items.ASSIGNED

    unassign_ticket(ticket=item.ticket, actor=Actor.of(agent))

    again = the_item(item.ticket)
    assert (again.pk, again.state, again.vtime) == (item.pk, Items.WAITING, item.vtime)
    assert not Assignment.objects.filter(done_at__isnull=True).exists()


def test_tickets_from_before_routing_get_their_items_by_the_sweep() -> None:
    queue = make_queue()
    make_offering(queue)
    waiting, done = make_ticket(queue=queue), make_ticket(queue=queue)
    set_status(ticket=done, actor=manager(), status=Status.RESOLVED)
    WorkItem.objects.all().delete()
    agent = make_ready(queue.team)

    assert sweep_missing() == 1
    assert sweep_missing() == 0

    Router().turn()
    assert Offer.objects.get().agent == agent
    assert the_item(waiting).state == Items.OFFERED


def test_who_answered_this_customer_last_is_preferred_if_he_is_still_in_the_team() -> None:
    queue, customer = make_queue(), make_customer()
    make_offering(queue)
    first, gone, last = (make_user(teams=(queue.team,)) for _ in range(3))
    for agent in (first, last, gone):
        ticket = make_ticket(queue=queue, customer=customer)
        reply(ticket=ticket, actor=Actor.of(agent), text="Here.", recipients=[])
    gone.is_active = False
    gone.save()

    item = make_waiting(queue, customer)

    assert known_to(item) == {"last_agent": [last.pk]}
    assert known_to(make_waiting(queue)) == {}
    make_offering(queue, sticky_days=0)
    assert known_to(make_waiting(queue, customer)) == {}


def test_who_did_best_on_the_tag_is_preferred_after_whoever_knows_the_customer(world: World) -> None:
    queue = world.queue_a
    good, poor = make_user(teams=(queue.team,)), make_user(teams=(queue.team,))
    for agent, opens_again in ((good, False), (poor, True)):
        for _n in range(3):
            ticket = make_ticket(queue)
            classify_ticket(ticket=ticket, actor=SYSTEM, add_tags=["refund"])
            assign_ticket(ticket=ticket, actor=SYSTEM, owner=agent)
            set_status(ticket=ticket, actor=SYSTEM, status=Status.RESOLVED)
            if opens_again:
                set_status(ticket=ticket, actor=SYSTEM, status=Status.OPEN)
                set_status(ticket=ticket, actor=SYSTEM, status=Status.RESOLVED)
    make_offering(queue)
    ticket = make_ticket(queue)
    classify_ticket(ticket=ticket, actor=SYSTEM, add_tags=["refund"])
    set_status(ticket=ticket, actor=SYSTEM, status=Status.RESOLVED)

    set_status(ticket=ticket, actor=SYSTEM, status=Status.OPEN)

    assert known_to(the_item(ticket)) == {"best_on_tag": [good.pk]}


def entered(count: int, queue_count: int = 1, **offering: Any) -> int:
    """Statements that the entering of so many new tickets takes."""
    queues = [make_queue() for _ in range(queue_count)]
    for queue in queues if offering else ():
        make_offering(queue, **offering)
    tickets = [make_ticket(queue=queues[n % queue_count]) for n in range(count)]
    WorkItem.objects.all().delete()
    events = list(TicketEvent.objects.filter(kind=Kind.OPENED, ticket__in=tickets).select_related("ticket"))
    with CaptureQueriesContext(connection) as queries:
        enter(events)
    assert WorkItem.objects.filter(ticket__in=tickets).count() == count
    return len(queries)


def test_pulled_mail_costs_two_statements_however_much_comes() -> None:
    assert [entered(1), entered(30)] == [2, 2]


def test_offered_mail_with_rules_costs_the_same_for_one_as_for_thirty() -> None:
    DemandRule.objects.create(name="Important", rule=RULE)
    assert entered(1, sticky_days=30) == entered(30, 3, sticky_days=30)


@pytest.mark.parametrize("kind", [Kind.RESOLVED, Kind.ASSIGNED, Kind.UNASSIGNED, Kind.MOVED, Kind.CLASSIFIED])
def test_each_reaction_costs_the_same_for_one_ticket_as_for_thirty(kind: Kind) -> None:
    def cost(count: int) -> int:
        queue, other = make_queue(), make_queue(name=f"Other {kind} {count}")
        make_offering(queue)
        agent = make_user(teams=(queue.team,))
        tickets = [make_ticket(queue=queue) for _ in range(count)]
        if kind in {Kind.RESOLVED, Kind.UNASSIGNED}:
            for ticket in tickets:
                assign_ticket(ticket=ticket, actor=Actor.of(agent), owner=agent)
        changes: dict[Kind, dict[str, Any]] = {
            Kind.RESOLVED: {"status": Status.RESOLVED},
            Kind.ASSIGNED: {"owner": agent},
            Kind.UNASSIGNED: {"owner": None},
            Kind.MOVED: {"queue": other},
            Kind.CLASSIFIED: {"priority": Priority.URGENT},
        }
        Ticket.objects.filter(queue=queue).update(**changes[kind])
        payloads: dict[Kind, dict[str, Any]] = {
            Kind.RESOLVED: {"previous": "open"},
            Kind.ASSIGNED: {"owner": agent.pk, "previous": None},
            Kind.UNASSIGNED: {"previous": agent.pk},
            Kind.MOVED: {"queue": other.pk, "previous": queue.pk},
            Kind.CLASSIFIED: {"changes": {}},
        }
        fresh = Ticket.objects.filter(pk__in=[t.pk for t in tickets]).select_related("queue", "owner", "customer")
        rows = [NewEvent(ticket, kind, SYSTEM, dict(payloads[kind])) for ticket in fresh.order_by("pk")]
        with CaptureQueriesContext(connection) as queries:
            record_many(rows)
        return sum("routing_" in query["sql"] for query in queries)

    assert cost(1) == cost(30)


def test_a_status_of_a_ticket_that_nobody_routes_costs_one_statement_more(world: World) -> None:
    WorkItem.objects.all().delete()
    with CaptureQueriesContext(connection) as queries:
        record_many([NewEvent(world.ticket, Kind.RESOLVED, SYSTEM, {"previous": "open"})])
    assert len([q for q in queries if "routing_" in q["sql"]]) == 1


def test_a_demand_for_another_queue_moves_the_new_contact_there_with_the_reason_in_the_history() -> None:
    front, billing = make_queue(), make_queue()
    make_offering(front)
    make_offering(billing)
    rule = {"when": {"channel": ["mail"]}, "queue": billing.pk, "skills": {}}
    DemandRule.objects.create(name="Bills", rule=rule)
    item = make_waiting(front, channel=Channel.MAIL)

    ticket = item.ticket
    assert (item.queue, ticket.queue) == (billing, billing)
    assert item.demand["because"][0]["rule"] == "Bills"
    kinds = list(TicketEvent.objects.filter(ticket=ticket).order_by("seq").values_list("kind", flat=True))
    assert kinds[-2:] == [Kind.MOVED, Kind.QUEUED]
    assert str(billing) in sentence(TicketEvent.objects.get(ticket=ticket, kind=Kind.QUEUED))


def test_people_overrule_the_rule_and_a_queue_that_is_gone_is_named_and_not_gone_to() -> None:
    front, billing = make_queue(), make_queue()
    make_offering(front)
    rule = DemandRule.objects.create(name="Bills", rule={"when": {"channel": ["mail"]}, "queue": billing.pk})
    ticket = make_waiting(front, channel=Channel.MAIL).ticket
    move_ticket(ticket=ticket, actor=SYSTEM, queue=front)
    assert WorkItem.objects.get(ticket=ticket).queue == front

    Queue.objects.filter(pk=billing.pk).update(is_active=False)
    item = make_waiting(front, channel=Channel.MAIL)
    assert item.queue == front
    assert [one["rule"] for one in item.demand["unknown"]] == [rule.name]


@pytest.mark.parametrize("how", ["abandoned", "left", "gave_up"])
def test_a_customer_who_goes_while_he_waits_is_counted_as_gone_and_offered_no_more(how: str) -> None:
    queue = make_queue()
    make_offering(queue)
    agent = make_ready(queue.team)
    item = make_waiting(queue)
    Router().turn()
    assert Offer.objects.get().agent == agent

    assert lost(item, how, now()) == "lost"

    item.refresh_from_db()
    assert (item.state, item.outcome, item.answered_at) == (WorkItem.State.DONE, how, None)
    assert Offer.objects.get().state == Offer.State.CANCELLED
    assert AgentPresence.objects.get(user=agent).missed == 0
    assert lost(item, how, now()) == ""


def test_a_customer_who_goes_while_he_is_served_leaves_his_agent_to_the_wrap_up() -> None:
    queue = make_queue()
    make_offering(queue, wrapup_seconds=30)
    agent = make_ready(queue.team)
    item = make_waiting(queue)
    Router().turn()
    accept_offer(offer=Offer.objects.get(), actor=Actor.of(agent))

    assert lost(item, "left", now()) == "ended"

    item.refresh_from_db()
    assert item.state == WorkItem.State.WRAPUP
    with pytest.raises(ValueError, match="none of them"):
        lost(item, "bored", now())
