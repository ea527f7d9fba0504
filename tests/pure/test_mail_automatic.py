"""Machines told from people, and whom our automatic answers must not reach."""

from __future__ import annotations

import pytest

from helpdesk.mail.automatic import LOOP_HEADER, classify, is_no_reply, may_answer
from helpdesk.mail.message import Address, MachineKind, ParsedMail

OURS = frozenset({"support@shop.example"})
JANE = Address("jane@customer.example", "Jane")


def kind_of(subject: str = "Order 5", sender: Address | None = JANE, **fields: str) -> MachineKind:
    named = {name.replace("_", "-"): [value] for name, value in fields.items()}
    return classify(named, sender=sender, subject=subject, our_addresses=OURS)[0]


def test_ordinary_mail_is_written_by_a_person() -> None:
    assert classify({}, sender=JANE, subject="Order 5", our_addresses=OURS) == (MachineKind.HUMAN, "")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"auto_submitted": "auto-replied"}, MachineKind.AUTO_REPLY),
        ({"auto_submitted": "auto-replied; owner-email=x"}, MachineKind.AUTO_REPLY),
        ({"auto_submitted": "auto-generated"}, MachineKind.AUTO_GENERATED),
        ({"auto_submitted": "auto-notified"}, MachineKind.AUTO_GENERATED),
        ({"auto_submitted": "no"}, MachineKind.HUMAN),
        ({"auto_submitted": ""}, MachineKind.HUMAN),
        ({"x_autoreply": "yes"}, MachineKind.AUTO_REPLY),
        ({"x_autoreply": "no"}, MachineKind.HUMAN),
        ({"x_autorespond": "Order 5"}, MachineKind.AUTO_REPLY),
        ({"precedence": "auto_reply"}, MachineKind.AUTO_REPLY),
        ({"precedence": "bulk"}, MachineKind.BULK),
        ({"precedence": "junk"}, MachineKind.BULK),
        ({"precedence": "list"}, MachineKind.LIST),
        ({"precedence": "first-class"}, MachineKind.HUMAN),
        ({"list_id": "<team.x.example>"}, MachineKind.LIST),
        ({"list_unsubscribe": "<mailto:x@x.example>"}, MachineKind.BULK),
        ({"x_auto_response_suppress": "All"}, MachineKind.AUTO_GENERATED),
        ({"x_auto_response_suppress": "DR, OOF, AutoReply"}, MachineKind.AUTO_GENERATED),
        ({"x_auto_response_suppress": "DR, RN, NRN"}, MachineKind.HUMAN),
        ({"x_loop": "support@shop.example"}, MachineKind.LOOP),
        ({"x_loop": "other@list.example"}, MachineKind.LIST),
        ({LOOP_HEADER.replace("-", "_"): "support@shop.example"}, MachineKind.LOOP),
        ({LOOP_HEADER.replace("-", "_"): "help@other-helpdesk.example"}, MachineKind.HUMAN),
        ({"return_path": "<>"}, MachineKind.HUMAN),
        ({"report_type": "disposition-notification"}, MachineKind.RECEIPT),
        ({"report_type": "feedback-report"}, MachineKind.FEEDBACK),
        ({"report_type": "delivery-status"}, MachineKind.AUTO_GENERATED),
    ],
)
def test_header_tells_the_kind_of_machine(fields: dict[str, str], expected: MachineKind) -> None:
    named = {name.replace("_", "-"): [value] for name, value in fields.items() if name != "report_type"}
    report_type = fields.get("report_type", "")
    verdict = classify(named, sender=JANE, subject="Order 5", report_type=report_type, our_addresses=OURS)
    assert verdict[0] is expected


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Order 5",
        "Automatische Antwort: Bestellung",
        "Réponse automatique : Commande",
        "Respuesta automática: Pedido",
        "Risposta automatica: Ordine",
        "Resposta automática: Pedido",
        "Automatisch antwoord: Bestelling",
        "Autosvar: Order",
        "Automaattinen vastaus: Tilaus",
        "Automatyczna odpowiedź: Zamówienie",
        "Автоответ: Заказ",
        "自動返信: 注文",
        "自动回复：订单",
        "رد تلقائي: طلب",
        "پاسخ خودکار: سفارش",
        "Otomatik Yanıt: Sipariş",
        "Out of Office: Order 5",
        "Abwesenheitsnotiz: Bestellung",
    ],
)
def test_form_that_mail_programs_give_an_absence_notice_is_enough(subject: str) -> None:
    assert kind_of(subject=subject) is MachineKind.AUTO_REPLY


@pytest.mark.parametrize(
    "subject",
    [
        "I am out of office",
        "Ich bin im Urlaub",
        "Absence jusqu'à lundi",
        "Estoy de vacaciones",
        "In ferie fino a lunedì",
        "休假中",
        "خارج المكتب",
        "مرخصی هستم",
        "В отпуске до понедельника",
        "Izinde - izinde olacağım",
    ],
)
def test_words_of_absence_count_only_with_a_second_hint(subject: str) -> None:
    assert kind_of(subject=subject) is MachineKind.HUMAN
    assert kind_of(subject=subject, return_path="<>") is MachineKind.AUTO_REPLY


@pytest.mark.parametrize(
    "subject",
    ["Vacation days are not booked", "Question about annual leave", "Re: Urlaub", "My auto reply does not work"],
)
def test_person_who_writes_about_absence_is_a_person(subject: str) -> None:
    assert kind_of(subject=subject) is MachineKind.HUMAN


def test_acknowledgement_of_another_ticket_system_is_an_automatic_reply() -> None:
    assert kind_of(subject="[#4711] Your request has been received", rt_ticket="x #4711") is MachineKind.AUTO_REPLY
    assert kind_of(subject="[#4711] Your request has been received") is MachineKind.HUMAN


def test_agent_who_writes_through_another_ticket_system_is_a_person() -> None:
    assert kind_of(subject="[#4711] About your order", rt_ticket="x #4711") is MachineKind.HUMAN


@pytest.mark.parametrize(
    "email",
    [
        "noreply@x.example",
        "no-reply@x.example",
        "do_not_reply@x.example",
        "donotreply@x.example",
        "shop-noreply@x.example",
        "nepasrepondre@x.example",
        "nicht-antworten@x.example",
        "no-responder@x.example",
        "naoresponda@x.example",
        "MAILER-DAEMON@x.example",
    ],
)
def test_sender_that_nobody_reads_is_a_machine(email: str) -> None:
    assert is_no_reply(email)
    assert kind_of(sender=Address(email)) is MachineKind.AUTO_GENERATED


@pytest.mark.parametrize(
    "email", ["noel@x.example", "nora.reply@x.example", "reply@x.example", "info@noreply.example", "jane@x.example"]
)
def test_address_that_only_looks_similar_is_a_person(email: str) -> None:
    assert kind_of(sender=Address(email)) is MachineKind.HUMAN


def test_mail_from_ourselves_is_a_loop_whatever_its_extension() -> None:
    assert kind_of(sender=Address("Support+t123@shop.example")) is MachineKind.LOOP


def test_reason_names_the_header_that_said_so() -> None:
    verdict = classify({"auto-submitted": ["auto-replied"]}, sender=JANE, subject="", our_addresses=OURS)
    assert verdict == (MachineKind.AUTO_REPLY, "Auto-Submitted: auto-replied")


def test_person_may_be_answered() -> None:
    assert may_answer(ParsedMail(sender=JANE, return_path="jane@customer.example"), OURS)


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        (ParsedMail(sender=JANE, machine=MachineKind.LIST, machine_reason="List-Id: x"), "List-Id: x"),
        (ParsedMail(sender=JANE, return_path=""), "null Return-Path"),
        (ParsedMail(sender=None), "no sender address"),
        (ParsedMail(sender=Address("root")), "no sender address"),
        (ParsedMail(sender=Address("postmaster@x.example")), "nobody reads postmaster@x.example"),
        (ParsedMail(sender=Address("team-request@x.example")), "nobody reads team-request@x.example"),
        (ParsedMail(sender=Address("support+1@shop.example")), "our own address support+1@shop.example"),
        (
            ParsedMail(sender=JANE, reply_to=(Address("support@shop.example"),)),
            "our own address support@shop.example",
        ),
    ],
)
def test_nobody_else_is_answered_and_the_reason_is_told(mail: ParsedMail, reason: str) -> None:
    answer = may_answer(mail, OURS)
    assert (bool(answer), answer.reason) == (False, reason)
