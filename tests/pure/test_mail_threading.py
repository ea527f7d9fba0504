"""Threading as a table: what a mail says, what is known, where it goes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.mail.message import Address, ParsedMail
from helpdesk.mail.threading import Placement, Pointer, Rule, mentioned_identifiers, place, pointers


def _mail(**fields: Any) -> ParsedMail:
    return ParsedMail(sender=Address("ann@shop.example"), **fields)


def _place(
    mail: ParsedMail,
    known: dict[str, str],
    *,
    belongs: bool = True,
    closed: bool = False,
    failed: bool = False,
    staff: bool = False,
) -> Placement[str]:
    """Tickets are words here; `known` maps numbers (as text) and identifiers to them."""
    found = pointers(
        mail,
        lambda address: int(address.split("+")[1].split("@")[0]) if "+" in address else None,
        lambda identifier: int(identifier[1:]) if identifier.startswith("s") and identifier[1:].isdecimal() else None,
    )
    return place(
        mail,
        found,
        ticket_at=lambda p: known.get(p.identifier if p.rule == Rule.KNOWN_ID else str(p.number)),
        belongs=lambda ticket: belongs,
        is_closed=lambda ticket: closed,
        authentication_failed=failed,
        is_staff=staff,
    )


_KNOWN = {"1": "by plus", "2": "by signed id", "k1": "by known id", "k2": "by older id", "4": "by subject"}
_ALL = {
    "to": (Address("support+1@halden.example"),),
    "in_reply_to": ("s2",),
    "references": ("k2", "k1"),
    "subject": "Re: [#4] dock",
}


@pytest.mark.parametrize(
    ("without", "rule", "ticket"),
    [
        ((), Rule.PLUS_ADDRESS, "by plus"),
        (("to",), Rule.SIGNED_ID, "by signed id"),
        (("to", "in_reply_to"), Rule.KNOWN_ID, "by known id"),
        (("to", "in_reply_to", "references"), Rule.SUBJECT_TAG, "by subject"),
        (("to", "in_reply_to", "references", "subject"), Rule.NEW, None),
    ],
)
def test_the_strongest_sign_decides(without: tuple[str, ...], rule: Rule, ticket: str | None) -> None:
    mail = _mail(**{key: value for key, value in _ALL.items() if key not in without})

    placement = _place(mail, _KNOWN)

    assert (placement.rule, placement.ticket) == (rule, ticket)


def test_the_newest_reference_wins() -> None:
    assert _place(_mail(references=("k2", "k1")), _KNOWN).ticket == "by known id"


@pytest.mark.parametrize("key", list(_ALL))
def test_no_sign_lets_a_stranger_in(key: str) -> None:
    placement = _place(_mail(**{key: _ALL[key]}), _KNOWN, belongs=False)

    assert (placement.ticket, placement.rule, placement.related is not None) == (None, Rule.STRANGER, True)


@pytest.mark.parametrize("key", list(_ALL))
def test_no_sign_lets_a_failed_sender_in(key: str) -> None:
    placement = _place(_mail(**{key: _ALL[key]}), _KNOWN, failed=True)

    assert (placement.ticket, placement.rule) == (None, Rule.FAILED_SENDER)


def test_an_answer_to_a_closed_ticket_is_a_follow_up() -> None:
    placement = _place(_mail(references=("k1",)), _KNOWN, closed=True)

    assert (placement.ticket, placement.rule, placement.related) == (None, Rule.TICKET_CLOSED, "by known id")


def test_a_forward_with_old_references_opens_a_ticket_but_one_to_the_plus_address_joins() -> None:
    forwarded = _place(_mail(references=("k1",), is_forward=True), _KNOWN)
    addressed = _place(_mail(references=("k1",), to=_ALL["to"], is_forward=True), _KNOWN)

    assert (forwarded.ticket, forwarded.rule, forwarded.related) == (None, Rule.FORWARDED, "by known id")
    assert addressed.ticket == "by plus"


def test_empty_identifiers_point_nowhere() -> None:
    mail = _mail(in_reply_to=("", " "), references=("",))

    assert mentioned_identifiers(mail) == []
    assert _place(mail, {"": "everything", " ": "everything"}).ticket is None


def test_a_mail_does_not_answer_itself() -> None:
    assert mentioned_identifiers(_mail(message_id="a", references=("a", "b"))) == ["b"]


@pytest.mark.parametrize("subject", ["Ticket 4", "#4", "Re: 4", "[4]", "Order [A#4]", "[#]", "[#four]"])
def test_numbers_that_are_no_tag_do_not_thread(subject: str) -> None:
    assert _place(_mail(subject=subject), _KNOWN).rule == Rule.NEW


@given(st.lists(st.text(max_size=8), max_size=6), st.lists(st.text(max_size=8), max_size=6))
def test_nobody_who_does_not_belong_ever_joins(replies: list[str], references: list[str]) -> None:
    mail = _mail(in_reply_to=tuple(replies), references=tuple(references), subject="[#4]")
    everything = dict.fromkeys([*replies, *references, "4"], "t")

    assert _place(mail, everything, belongs=False).ticket is None


def test_pointers_keep_the_order_of_the_specification() -> None:
    found = pointers(_mail(**_ALL), lambda a: 1, lambda i: 2 if i.startswith("s") else None)

    assert [p.rule for p in found] == [
        Rule.PLUS_ADDRESS,
        Rule.SIGNED_ID,
        Rule.KNOWN_ID,
        Rule.KNOWN_ID,
        Rule.KNOWN_ID,
        Rule.SUBJECT_TAG,
    ]
    assert found[0] == Pointer(Rule.PLUS_ADDRESS, number=1)
