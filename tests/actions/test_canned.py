"""Canned responses: who sees them, what they put into a draft, what may be kept."""

from __future__ import annotations

import pytest

from helpdesk import blobs
from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.actions.canned import Entry, delete_response, exported, save_response, take_over, use_response
from helpdesk.models import Actor, Attachment, CannedFile, CannedResponse, Customer, CustomField, Ticket
from helpdesk.queries.canned import responses_for, values_for
from tests.factories import make_ticket, make_world

pytestmark = pytest.mark.django_db


def _response(shortcut: str, **fields: object) -> CannedResponse:
    values = {"name": shortcut.title(), "text": f"Text of {shortcut}", **fields}
    return CannedResponse.objects.create(shortcut=shortcut, **values)


def test_a_response_is_filled_in_counted_and_brings_its_files() -> None:
    world = make_world()
    response = _response("dock", text="Dear {{customer.first_name}}, about #{{ticket.number}}. {{agent.first_name}}")
    CannedFile.objects.create(
        response=response, name="guide.pdf", content_type="application/pdf", size=3, sha256=blobs.put(b"pdf")
    )

    used = use_response(response=response, ticket=world.ticket, actor=Actor.of(world.agent))

    assert used.text == f"Dear Ann, about #{world.ticket.number}. Sara"
    assert used.missing == ()
    (upload,) = used.uploads
    assert (upload.name, upload.message, upload.uploaded_by) == ("guide.pdf", None, world.agent)
    response.refresh_from_db()
    assert (response.use_count, response.last_used_at is not None) == (1, True)


def test_a_response_used_twice_brings_its_files_once() -> None:
    world = make_world()
    response = _response("dock")
    CannedFile.objects.create(
        response=response, name="a.txt", content_type="text/plain", size=1, sha256=blobs.put(b"a")
    )

    for _time in range(2):
        use_response(response=response, ticket=world.ticket, actor=Actor.of(world.agent))

    assert Attachment.objects.filter(name="a.txt").count() == 1


def test_what_is_not_known_of_the_ticket_is_named_as_missing() -> None:
    world = make_world()
    CustomField.objects.create(on="ticket", key="order", label="Order")
    response = _response("order", text="{{ticket.fields.order}} of {{customer.organisation}}")

    used = use_response(response=response, ticket=world.ticket, actor=Actor.of(world.agent))

    assert used.missing == ("ticket.fields.order", "customer.organisation")
    Ticket.objects.filter(pk=world.ticket.pk).update(fields={"order": "A-17"})
    world.ticket.refresh_from_db()
    assert values_for(world.ticket, Actor.of(world.agent))["ticket.fields.order"] == "A-17"


def test_a_customers_words_are_never_code() -> None:
    world = make_world()
    Customer.objects.filter(pk=world.customer.pk).update(name="{{agent.name}} {% now 'Y' %}")
    world.ticket.refresh_from_db()

    used = use_response(
        response=_response("hi", text="Dear {{customer.name}}"), ticket=world.ticket, actor=Actor.of(world.agent)
    )

    assert used.text == "Dear {{agent.name}} {% now 'Y' %}"


def test_the_shortcut_typed_comes_first_then_the_tickets_language_then_its_team() -> None:
    world = make_world()
    Ticket.objects.filter(pk=world.ticket.pk).update(language="fa")
    world.ticket.refresh_from_db()
    _response("refund-de", language="de", text="refund", use_count=90)
    _response("refund-any", text="refund", use_count=50)
    _response("refund-fa", language="fa", text="refund")
    _response("refund-team", text="refund", team=world.team_a)
    _response("x", name="Other", text="a refund is mentioned here", language="fa", use_count=99)

    found = [row.shortcut for row in responses_for(world.ticket, Actor.of(world.agent), "refund")]

    assert found == ["refund-fa", "refund-team", "refund-any", "refund-de", "x"]
    assert next(r.shortcut for r in responses_for(world.ticket, Actor.of(world.agent), "refund-de")) == "refund-de"


def test_responses_of_other_people_and_teams_are_not_offered() -> None:
    world = make_world()
    _response("ours", team=world.team_a)
    _response("theirs", team=world.team_b)
    _response("private", owner=world.lead)
    _response("retired", is_active=False)

    assert [r.shortcut for r in responses_for(world.ticket, Actor.of(world.agent), "")] == ["ours"]
    assert [r.shortcut for r in responses_for(world.ticket, Actor.of(world.lead), "")] == ["private", "ours"]
    foreign = make_ticket(world.queue_b)
    assert [r.shortcut for r in responses_for(foreign, Actor.of(world.manager), "")] == ["theirs"]


def test_one_keeps_changes_and_deletes_responses_of_ones_own() -> None:
    world = make_world()
    actor = Actor.of(world.agent)

    response = save_response(actor=actor, entry=Entry(" My  thanks ", " Thank you. ", folder=" Polite / short "))
    assert (response.shortcut, response.folder, response.text) == ("my-thanks", "Polite/short", "Thank you.")
    with pytest.raises(BadInput, match="already"):
        save_response(actor=actor, entry=Entry("My thanks", "Other"))
    save_response(actor=actor, response=response, entry=Entry("My thanks", "Thanks a lot."))
    response.refresh_from_db()
    assert response.text == "Thanks a lot."
    with pytest.raises(NotAllowed):
        delete_response(response=response, actor=Actor.of(world.lead))
    with pytest.raises(NotAllowed):
        save_response(actor=Actor.of(world.lead), response=response, entry=Entry("Stolen", "x"))
    delete_response(response=response, actor=actor)
    assert not CannedResponse.objects.exists()


@pytest.mark.parametrize(
    ("entered", "sentence"),
    [
        ({"name": "", "text": "x"}, "name"),
        ({"name": "x", "text": " "}, "text"),
        ({"name": "x", "text": "{{customer.shoes}}"}, "no variable {{customer.shoes}}"),
        ({"name": "x", "text": "x", "language": "english!"}, "code"),
        ({"name": "!!!", "text": "x"}, "shortcut"),
    ],
)
def test_what_will_not_do_is_refused_with_a_sentence(entered: dict[str, str], sentence: str) -> None:
    world = make_world()

    with pytest.raises(BadInput, match=sentence):
        save_response(actor=Actor.of(world.agent), entry=Entry(**entered))


def test_responses_travel_in_a_file_and_come_back_the_same() -> None:
    world = make_world()
    _response("ours", team=world.team_a, language="fa", folder="A/B")
    _response("all")
    rows = exported(CannedResponse.objects.select_related("team"))
    CannedResponse.objects.filter(shortcut="all").delete()
    CannedResponse.objects.update(text="changed since")

    assert take_over(actor=Actor.of(world.manager), rows=rows) == (1, 1)
    assert exported(CannedResponse.objects.select_related("team")) == rows


def test_a_file_with_one_wrong_entry_changes_nothing() -> None:
    world = make_world()
    rows = [{"name": "Good", "text": "x"}, {"name": "Bad", "text": "x", "team": "Nobody's"}]

    with pytest.raises(BadInput, match=r"Entry 2.*Nobody's"):
        take_over(actor=Actor.of(world.manager), rows=rows)
    with pytest.raises(BadInput):
        take_over(actor=Actor.of(world.manager), rows={"not": "a list"})
    with pytest.raises(NotAllowed):
        take_over(actor=Actor.of(world.agent), rows=[])
    assert not CannedResponse.objects.exists()
