"""Place and wait: told as a range that can be kept, or not at all; logged, scored, and judged by its own record."""

from __future__ import annotations

from datetime import timedelta

import pytest

from helpdesk.models import Actor, BusinessCalendar, Queue
from helpdesk.now import now
from routing.actions.callbacks import ask_callback
from routing.actions.forecasting import keep_log, log_entries, log_shown, score_forecasts
from routing.core.estimate import Hidden
from routing.models import AgentPresence, Assignment, WaitForecast, WorkItem
from routing.queries.live import live_pool
from routing.queries.waits import Wait, accuracies, callback_is_offered, held_back, wait_of
from routing.router import Router
from routing.words import wait_words
from tests.factories import make_queue, make_team, make_user
from tests.portal.conftest import by_code
from tests.routing.people import make_offering, make_ready, make_waiting

pytestmark = pytest.mark.django_db


def _offering(**fields: object) -> Queue:
    queue = make_queue()
    make_offering(queue, **fields)
    return queue


def _handled(queue: Queue, seconds: int, times: int = 5) -> None:
    """Contacts of the last days, each handled for so long by somebody."""
    agent = make_user(teams=(queue.team,))
    for n in range(times):
        item = make_waiting(queue)
        at = now() - timedelta(days=1, minutes=n)
        WorkItem.objects.filter(pk=item.pk).update(
            state="done", entered_at=at, answered_at=at, done_at=at + timedelta(seconds=seconds), outcome="handled"
        )
        Assignment.objects.create(
            item=item, agent=agent, channel="mail", units=10, begun_at=at, done_at=at + timedelta(seconds=seconds)
        )


def _busy(*queues: Queue) -> None:
    """One agent of these teams, whose one place is taken."""
    agent = make_ready(*{queue.team for queue in queues})
    item = make_waiting(queues[0])
    AgentPresence.objects.filter(user=agent).update(units=10)
    WorkItem.objects.filter(pk=item.pk).update(state="assigned")
    Assignment.objects.create(item=item, agent=agent, channel="mail", units=10, begun_at=now())


def _wait(item: WorkItem) -> Wait:
    return wait_of(live_pool([item.queue_id], now()), item.pk)


def test_the_place_counts_those_before_it_in_its_queue() -> None:
    queue = _offering()
    _busy(queue)
    first, second = make_waiting(queue), make_waiting(queue)

    assert (_wait(first).place, _wait(second).place) == (1, 2)


def test_the_wait_grows_with_the_contacts_ahead_and_their_handling_time() -> None:
    queue = _offering()
    _handled(queue, 180)
    _busy(queue)
    items = [make_waiting(queue) for _n in range(4)]

    means = [wait.estimate.mean for item in items if (wait := _wait(item)).estimate is not None]

    assert means == pytest.approx([180, 360, 540, 720], rel=0.02)
    said = _wait(items[0]).said
    assert said is not None and (said.low, said.high) == (3, 5)


def test_contacts_of_another_queue_count_where_it_shares_the_agents() -> None:
    queue, other = _offering(), _offering()
    apart = _offering()
    _handled(queue, 100)
    _busy(queue, other)
    make_ready(apart.team)
    for _n in range(3):
        make_waiting(other)
        make_waiting(apart)
    item = make_waiting(queue)

    wait = _wait(item)

    assert wait.place == 4
    assert wait.estimate is not None and wait.estimate.mean == pytest.approx(400, rel=0.02)


def test_nothing_is_told_that_cannot_be_trusted() -> None:
    queue = _offering()
    item = make_waiting(queue)
    assert _wait(item).hidden == Hidden.NOBODY
    _busy(queue)
    assert _wait(item).hidden == Hidden.NO_DATA
    _handled(queue, 60)
    assert _wait(item).hidden == ""
    at = now()
    WaitForecast.objects.bulk_create(
        WaitForecast(
            item=item,
            queue=queue,
            at=at,
            ahead=0,
            low_seconds=20,
            high_seconds=30,
            waited_seconds=900,
            was_answered=True,
        )
        for _n in range(40)
    )

    assert _wait(item).hidden == Hidden.ERRATIC
    assert wait_words(_wait(item)) == "You are next."


def test_a_closed_queue_tells_when_it_opens_instead_of_a_wait() -> None:
    queue = _offering(closed={"drain_seconds": 0})
    day = (now() + timedelta(days=2)).strftime("%a").lower()
    queue.calendar = BusinessCalendar.objects.create(name="Rare", weekly={day: [["09:00", "10:00"]]})
    queue.save()
    _busy(queue)
    item = make_waiting(queue)

    wait = _wait(item)

    assert (wait.place, wait.hidden) == (None, "closed")
    assert wait.opens_at is not None and "We are closed now and open" in wait_words(wait)


def test_a_forecast_is_logged_once_at_entry_and_scored_when_the_wait_is_over() -> None:
    queue = _offering()
    _handled(queue, 120)
    _busy(queue)
    item = make_waiting(queue)

    assert (log_entries(), log_entries()) == (1, 0)
    forecast = WaitForecast.objects.get()
    assert (forecast.ahead, forecast.is_shown, forecast.waited_seconds) == (0, False, None)
    assert score_forecasts() == 0
    WorkItem.objects.filter(pk=item.pk).update(answered_at=forecast.at + timedelta(seconds=90))

    assert score_forecasts() == 1
    forecast.refresh_from_db()
    assert (forecast.waited_seconds, forecast.was_answered) == (90, True)
    assert score_forecasts() == 0


def test_who_gave_up_is_scored_as_having_waited_at_least_so_long() -> None:
    queue = _offering()
    _handled(queue, 120)
    _busy(queue)
    item = make_waiting(queue)
    log_entries()
    at = WaitForecast.objects.get().at
    WorkItem.objects.filter(pk=item.pk).update(state="done", outcome="left", done_at=at + timedelta(seconds=40))

    keep_log()

    forecast = WaitForecast.objects.get()
    assert (forecast.waited_seconds, forecast.was_answered) == (40, False)


def test_pulled_mail_is_not_forecast() -> None:
    queue = make_queue()
    make_ready(queue.team)
    make_waiting(queue)

    assert log_entries() == 0


def test_a_customer_who_looks_again_is_one_reading() -> None:
    queue = _offering()
    _handled(queue, 120)
    _busy(queue)
    item = make_waiting(queue)

    log_shown(item, _wait(item))
    log_shown(item, _wait(item))

    assert WaitForecast.objects.get().is_shown


def test_what_a_customer_read_grows_by_a_fifth_at_most() -> None:
    queue = _offering()
    _handled(queue, 600)
    _busy(queue)
    item = make_waiting(queue)
    WaitForecast.objects.create(
        item=item, queue=queue, at=now(), ahead=0, low_seconds=60, high_seconds=100, is_shown=True
    )

    plain = _wait(item)
    told = held_back(item, plain, now())

    assert plain.estimate is not None and plain.estimate.p80 > 900
    assert told.estimate is not None and told.estimate.p80 == pytest.approx(120, abs=2)


def test_a_callback_is_offered_once_the_wait_is_long_enough() -> None:
    queue = _offering()
    _handled(queue, 300)
    _busy(queue)
    item = make_waiting(queue)
    wait = _wait(item)

    assert callback_is_offered(item, wait, 100, now())
    assert not callback_is_offered(item, wait, 10_000, now())
    assert not callback_is_offered(item, wait, None, now())
    assert callback_is_offered(item, None, 60, now() + timedelta(seconds=61))


def test_the_accuracy_is_told_by_queue() -> None:
    queue, silent = make_queue(), make_queue()
    item = make_waiting(queue)
    for waited in (50, 100):
        WaitForecast.objects.create(
            item=item,
            queue=queue,
            at=now(),
            ahead=1,
            low_seconds=60,
            high_seconds=90,
            waited_seconds=waited,
            was_answered=True,
        )

    rows = accuracies([(queue.pk, "Bills"), (silent.pk, "Silent")], now())

    assert [(row.name, row.score.outcomes, row.score.kept) for row in rows] == [("Bills", 2, 0.5)]


def test_the_customer_reads_place_and_range_on_his_page_and_nothing_of_others() -> None:
    queue = _offering(callback_from_seconds=60)
    _handled(queue, 300)
    _busy(queue)
    make_waiting(queue)
    item = make_waiting(queue)
    ann = by_code(item.ticket.customer)

    page = ann.get(f"/portal/tickets/{item.ticket.public_id}/").content.decode()

    assert "Place in the queue: 2." in page and "minutes of waiting" in page and "Call me back" in page
    assert WaitForecast.objects.filter(item=item, is_shown=True).count() == 1
    eve = by_code(make_waiting(make_queue()).ticket.customer)
    assert eve.get(f"/portal/tickets/{item.ticket.public_id}/wait/").status_code == 404


def test_the_page_of_a_ticket_that_waits_for_nobody_says_nothing_of_waiting() -> None:
    queue = make_queue()
    item = make_waiting(queue)
    ann = by_code(item.ticket.customer)

    page = ann.get(f"/portal/tickets/{item.ticket.public_id}/").content.decode()

    assert "Place in the queue" not in page and "Call me back" not in page


def test_a_reserved_callback_keeps_its_place_in_the_count() -> None:
    queue = _offering(callback_from_seconds=0)
    _busy(queue)
    AgentPresence.objects.update(units=100)
    first, second = make_waiting(queue), make_waiting(queue)
    ask_callback(ticket=first.ticket, actor=Actor.of(make_user(teams=(queue.team,))), phone="+49301234567")

    assert (_wait(first).place, _wait(second).place) == (1, 2)


def test_the_dispatcher_and_the_page_count_the_same_place() -> None:
    queue = _offering()
    _busy(queue)
    make_ready(make_team())
    items = [make_waiting(queue) for _n in range(3)]
    router = Router()
    router.turn()

    assert [router.pool.ahead_of(item.pk) + 1 for item in items] == [_wait(item).place for item in items]
