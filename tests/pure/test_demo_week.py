"""The demo's cast and week hold together: everybody named exists and may do what the story says."""

import re
from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from demo.accounts import ACCOUNTS, MAILBOXES, QUEUES, TEAMS, account_named
from demo.cast import CAST, member
from demo.week import CUSTOMER, TAGS, WEEK, Conversation

BY_SUBJECT = pytest.mark.parametrize("conversation", WEEK, ids=lambda conversation: conversation.subject[:40])


def test_week_speaks_four_languages_and_some_german() -> None:
    languages = Counter(conversation.language for conversation in WEEK)

    assert set(languages) == {"en", "ar", "fa", "zh", "de"}
    assert min(languages[code] for code in ("en", "ar", "fa", "zh")) >= 10
    assert 55 <= len(WEEK) <= 70


def test_every_status_priority_queue_and_tag_occurs() -> None:
    assert {conversation.queue for conversation in WEEK} == set(QUEUES)
    assert {conversation.priority for conversation in WEEK} == {"low", "normal", "high", "urgent"}
    assert {conversation.status for conversation in WEEK} == {
        *("new", "open", "pending", "on_hold", "snoozed", "resolved", "closed", "spam")
    }
    assert {tag for conversation in WEEK for tag in conversation.tags} == set(TAGS)


@BY_SUBJECT
def test_turns_are_in_order_and_none_lies_in_the_future(conversation: Conversation) -> None:
    hours = [turn.hours for turn in conversation.turns]

    assert hours == sorted(set(hours))
    assert hours[0] == 0
    assert conversation.turns[0].author == CUSTOMER
    assert hours[-1] < conversation.hours_ago <= 168


@BY_SUBJECT
def test_staff_works_its_own_queues_and_speaks_the_customers_language(conversation: Conversation) -> None:
    teams = {team.name for team in TEAMS if conversation.queue in team.queues}
    for turn in conversation.turns:
        if turn.author == CUSTOMER:
            assert turn.kind == "public"
        elif turn.kind == "public":
            account = account_named(turn.author)
            assert account.role != "light_agent"
            assert teams & set(account.teams)
            assert conversation.language in account.languages
    if conversation.owner:
        assert teams & set(account_named(conversation.owner).teams)


@BY_SUBJECT
def test_status_fits_the_last_word(conversation: Conversation) -> None:
    public = [turn for turn in conversation.turns if turn.kind == "public"]
    if conversation.status in ("new", "spam"):
        assert conversation.owner == ""
        assert len(public) == 1
    else:
        assert conversation.owner
    if conversation.status == "pending":
        assert public[-1].author != CUSTOMER
    if conversation.status == "open":
        assert public[-1].author == CUSTOMER


@BY_SUBJECT
def test_texts_are_in_the_script_of_their_language(conversation: Conversation) -> None:
    script = {"ar": r"[\u0600-\u06ff]", "fa": r"[\u0600-\u06ff]", "zh": r"[\u4e00-\u9fff]"}.get(conversation.language)
    for turn in conversation.turns:
        assert turn.text == turn.text.strip()
        if script and turn.kind == "public":
            assert re.search(script, turn.text)
    assert member(conversation.customer).email.endswith(".example")
    assert set(conversation.tags) <= set(TAGS)


def test_cast_is_forty_people_of_their_own_with_real_time_zones() -> None:
    assert len(CAST) >= 40
    assert len({person.key for person in CAST}) == len(CAST)
    addresses = [email for person in CAST for email in (person.email, *person.other_emails)]
    assert len(set(addresses)) == len(addresses)
    assert all(email == email.lower() and email.endswith(".example") for email in addresses)
    assert {person.tier for person in CAST} == {"standard", "silver", "gold"}
    for person in CAST:
        ZoneInfo(person.time_zone)
    assert {person.language for person in CAST if person.on_page} == {"en", "ar", "fa", "zh", "de"}


def test_every_role_has_an_account_and_every_queue_a_team_with_a_lead() -> None:
    assert {account.role for account in ACCOUNTS} == {"light_agent", "agent", "lead", "manager", "admin"}
    assert (
        len({account.email for account in ACCOUNTS}) == len({account.password for account in ACCOUNTS}) == len(ACCOUNTS)
    )
    names = {team.name for team in TEAMS}
    assert {team for account in ACCOUNTS for team in account.teams} == names
    assert {team for account in ACCOUNTS for team in account.leads} == names
    assert sorted(queue for team in TEAMS for queue in team.queues) == sorted(QUEUES)
    assert {mailbox.queue for mailbox in MAILBOXES} <= set(QUEUES)
