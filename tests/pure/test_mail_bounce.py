"""What counts as a failure notice, whom it speaks of and how it is judged, in mails written here."""

from __future__ import annotations

import base64
import email
import json
from email.message import Message

import pytest

from helpdesk.mail.bounce import find_bounce
from helpdesk.mail.bounce_dsn import Action, read_report
from helpdesk.mail.bounce_phrases import judge
from helpdesk.mail.message import Bounce

REPORT_HEAD = """\
From: Mail Delivery System <MAILER-DAEMON@mx.lantern.example>
To: desk@shop.example
Subject: Undelivered Mail Returned to Sender
Return-Path: <>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="cut"

--cut
Content-Type: text/plain

The message you handed us did not arrive.

--cut
Content-Type: message/delivery-status

"""
RETURNED = """
--cut
Content-Type: message/rfc822

From: desk@shop.example
To: ines@orchard.example
Message-ID: <t-4711.abc@shop.example>
Subject: Your order

Good morning
--cut--
"""


def parse(raw: str) -> Message:
    return email.message_from_bytes(raw.encode("utf-8", "surrogateescape"))


def bounce_of(raw: str, text: str = "") -> Bounce:
    bounce = find_bounce(parse(raw), text)
    assert bounce is not None
    return bounce


def report(fields: str) -> Bounce:
    return bounce_of(REPORT_HEAD + fields + RETURNED)


def verdicts(bounce: Bounce) -> list[tuple[str, str, bool]]:
    return [(recipient.email, recipient.status, recipient.permanent) for recipient in bounce.recipients]


# --- reports ---


def test_report_names_the_recipient_the_reason_and_the_message_that_came_back() -> None:
    bounce = report(
        "Reporting-MTA: dns; mx.lantern.example\n\n"
        "Final-Recipient: rfc822; ines@orchard.example\n"
        "Action: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 5.1.1 nobody of that name: no such user\n"
    )
    assert verdicts(bounce) == [("ines@orchard.example", "5.1.1", True)]
    assert bounce.recipients[0].diagnostic == "550 5.1.1 nobody of that name: no such user"
    assert bounce.original_message_id == "t-4711.abc@shop.example"
    assert (bounce.permanent, bounce.delayed) == (True, False)


def test_report_prefers_the_address_we_wrote_to_over_where_it_was_forwarded() -> None:
    bounce = report(
        "Reporting-MTA: dns; mx\n\nOriginal-Recipient: rfc822;ines@orchard.example\n"
        "Final-Recipient: rfc822;ines77@far.example\nX-Actual-Recipient: rfc822; x@y.example\n"
        "Action: failed\nStatus: 5.1.1\n"
    )
    assert [recipient.email for recipient in bounce.recipients] == ["ines@orchard.example"]


def test_two_recipients_are_judged_each_for_himself_and_the_delivered_one_is_left_out() -> None:
    bounce = report(
        "Reporting-MTA: dns; mx\n\n"
        "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.0.0\n"
        "Diagnostic-Code: smtp; 550 unknown user\n\n"
        "Final-Recipient: rfc822; b@x.example\nAction: failed\nStatus: 5.0.0\n"
        "Diagnostic-Code: smtp; 552 over quota\n\n"
        "Final-Recipient: rfc822; c@x.example\nAction: relayed\nStatus: 2.0.0\n"
    )
    assert verdicts(bounce) == [("a@x.example", "5.1.1", True), ("b@x.example", "5.2.2", False)]


def test_groups_that_lost_their_blank_line_are_still_two_recipients() -> None:
    bounce = report(
        "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n"
        "Final-Recipient: rfc822; b@x.example\nAction: failed\nStatus: 5.1.2\n"
    )
    assert verdicts(bounce) == [("a@x.example", "5.1.1", True), ("b@x.example", "5.1.2", True)]


def test_group_torn_by_blank_lines_is_still_one_recipient() -> None:
    bounce = report(
        "Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; a@x.example\n\nAction: failed\n\nStatus: 5.1.1\n"
    )
    assert verdicts(bounce) == [("a@x.example", "5.1.1", True)]


def test_report_in_base64_is_read() -> None:
    fields = b"Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n"
    raw = REPORT_HEAD.replace(
        "Content-Type: message/delivery-status\n",
        "Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n",
    )
    bounce = bounce_of(raw + base64.encodebytes(fields).decode() + RETURNED)
    assert verdicts(bounce) == [("a@x.example", "5.1.1", True)]


def test_report_outside_multipart_report_counts_when_a_mail_system_sent_it() -> None:
    raw = REPORT_HEAD.replace("multipart/report; report-type=delivery-status;", "multipart/mixed;")
    bounce = bounce_of(raw + "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n" + RETURNED)
    assert verdicts(bounce) == [("a@x.example", "5.1.1", True)]


def test_report_fields_printed_into_the_text_are_read() -> None:
    bounce = bounce_of(
        "From: mailer-daemon@mx.example\nSubject: Delivery Status Notification (Failure)\n\n"
        "It could not be delivered. Technical report:\n\n"
        "Action: failed\nFinal-Recipient: rfc822; a@x.example\nDiagnostic-Code: smtp; 550 mailbox full\n"
        "Status: 5.2.2\n"
    )
    assert verdicts(bounce) == [("a@x.example", "5.2.2", False)]


def test_delay_is_no_failure_yet() -> None:
    bounce = report(
        "Final-Recipient: rfc822; a@x.example\nAction: delayed\nStatus: 4.4.1\nDiagnostic-Code: smtp; unknown host\n"
    )
    assert (bounce.delayed, bounce.permanent) == (True, False)
    assert verdicts(bounce)[0][2] is False


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded", "deliverable"])
def test_notice_of_success_is_no_bounce(action: str) -> None:
    raw = REPORT_HEAD + f"Final-Recipient: rfc822; a@x.example\nAction: {action}\nStatus: 2.1.5\n" + RETURNED
    assert find_bounce(parse(raw), "") is None


def test_report_without_an_address_takes_it_from_the_prose() -> None:
    raw = REPORT_HEAD.replace("did not arrive.", "did not arrive, it was not delivered to:\n\n  ines@orchard.example\n")
    bounce = bounce_of(raw + "Final-Recipient: rfc822;\nAction: failed\nStatus: 5.1.1\n" + RETURNED)
    assert verdicts(bounce) == [("ines@orchard.example", "5.1.1", True)]


def test_border_that_differs_from_the_declared_one_does_not_hide_the_report() -> None:
    raw = (REPORT_HEAD + "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n" + RETURNED).replace(
        'boundary="cut"', 'boundary="other"'
    )
    bounce = bounce_of(raw)
    assert verdicts(bounce) == [("a@x.example", "5.1.1", True)]
    assert bounce.original_message_id == "t-4711.abc@shop.example"


def test_mail_with_bare_carriage_returns_is_read() -> None:
    raw = (REPORT_HEAD + "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n" + RETURNED).replace(
        "\n", "\r"
    )
    assert verdicts(bounce_of(raw)) == [("a@x.example", "5.1.1", True)]


def test_returned_headers_alone_give_the_message_id() -> None:
    raw = REPORT_HEAD + "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n" + RETURNED
    raw = raw.replace("Content-Type: message/rfc822", "Content-Type: text/rfc822-headers")
    assert bounce_of(raw).original_message_id == "t-4711.abc@shop.example"


def test_words_are_heard_before_numbers() -> None:
    bounce = report(
        "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 mailbox is full\n"
    )
    assert verdicts(bounce) == [("a@x.example", "5.2.2", False)]


def test_fields_of_a_report_survive_lost_indents_and_odd_types() -> None:
    read = read_report(
        "Final-Recipient: RFC822 ; <a@x.example>\nAction: FAILED (cannot)\nStatus: 5.1.1 (unknown)\n"
        "Diagnostic-Code: X-Local; no such\nuser here\n"
    )
    (recipient,) = read.recipients
    assert (recipient.email, recipient.action, recipient.status) == ("a@x.example", Action.FAILED, "5.1.1")
    assert recipient.diagnostic == "no such user here"


# --- prose ---

PROSE: dict[str, tuple[str, list[tuple[str, str, bool]]]] = {
    "address and colon at the beginning of a line": (
        "From: MAILER-DAEMON@mx.example\nSubject: failure notice\nReturn-Path: <>\n\n"
        "This is the post office of mx.example. I could not deliver what you sent.\n\n"
        "<ines@orchard.example>:\n192.0.2.9 does not like recipient.\nRemote host said: 550 no such user here\n\n"
        "--- Below this line is a copy of the message.\n\n"
        "Return-Path: <desk@shop.example>\nMessage-ID: <m1@shop.example>\nTo: ines@orchard.example\n"
        "Subject: x\n\nHello\n",
        [("ines@orchard.example", "5.1.1", True)],
    ),
    "indented address and its reason below": (
        "From: Mail Delivery System <Mailer-Daemon@mx.example>\nSubject: Mail delivery failed\n\n"
        "A message of yours could not be delivered. These addresses failed:\n\n"
        "  ines@orchard.example\n    host mx.orchard.example [192.0.2.1]: 552 5.2.2 quota exceeded\n"
        "  omar@orchard.example\n    Unrouteable address\n",
        [("ines@orchard.example", "5.2.2", False), ("omar@orchard.example", "5.1.1", True)],
    ),
    "transcript": (
        "From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example>\nSubject: Returned mail: see transcript\n\n"
        "   ----- The following addresses had permanent fatal errors -----\n<ines@orchard.example>\n"
        "   ----- Transcript of session follows -----\n... while talking to mx.orchard.example.:\n"
        ">>> RCPT To:<ines@orchard.example>\n<<< 550 5.1.1 <ines@orchard.example>... User unknown\n",
        [("ines@orchard.example", "5.1.1", True)],
    ),
    "sentence with the address behind 'to'": (
        "From: mailer-daemon@mx.example\nSubject: Mail delivery failed\n\n"
        "There was an error delivering your mail to <ines@orchard.example>.\nDNS lookup failure: host not found\n\n"
        "Message headers follow.\n\nReceived: from desk\nMessage-Id: <m2@shop.example>\nFrom: desk@shop.example\n",
        [("ines@orchard.example", "5.1.2", True)],
    ),
    "office server that lists To and Subject of the original first": (
        "From: System Administrator <postmaster@x.example>\nSubject: Undeliverable: hello\nReturn-Path: <>\n\n"
        "Your message\n\n  To:      everyone@lists.example\n  Subject: hello\n  Sent:    Mon, 1 Jan 2024 10:00\n\n"
        "did not reach the following recipient(s):\n\nines@orchard.example on Mon, 1 Jan 2024 10:01\n"
        "    The recipient name is not recognized\n",
        [("ines@orchard.example", "5.1.1", True)],
    ),
    "Japanese carrier, full mailbox": (
        "From: no-reply@carrier.example\nSubject: =?utf-8?b?"
        + base64.b64encode("メール送信エラー".encode()).decode()
        + "?=\nAuto-Submitted: auto-generated\nContent-Type: text/plain; charset=utf-8\n\n"
        "送信先のメールボックスが一杯のため、送信できませんでした。\n\n宛先: ines@orchard.example\n",
        [("ines@orchard.example", "5.2.2", False)],
    ),
    "German": (
        "From: Postmaster <postmaster@x.example>\nSubject: Unzustellbar: Rechnung\nReturn-Path: <>\n"
        "Content-Type: text/plain; charset=utf-8\n\n"
        "Ihre Nachricht konnte nicht zugestellt werden an:\n\n  ines@orchard.example\n\n"
        "Das Postfach existiert nicht.\n",
        [("ines@orchard.example", "5.1.1", True)],
    ),
    "Arabic": (
        "From: postmaster@x.example\nSubject: =?utf-8?b?"
        + base64.b64encode("تعذر التسليم".encode()).decode()
        + "?=\nReturn-Path: <>\nContent-Type: text/plain; charset=utf-8\n\n"
        "تعذر تسليم رسالتك إلى:\n\nines@orchard.example\n\nالعنوان غير موجود\n",
        [("ines@orchard.example", "5.1.1", True)],
    ),
    "Persian": (
        "From: MAILER-DAEMON@x.example\nSubject: =?utf-8?b?"
        + base64.b64encode("پیام تحویل نشد".encode()).decode()
        + "?=\nContent-Type: text/plain; charset=utf-8\n\n"
        "پیام شما تحویل داده نشد.\n\nines@orchard.example\nصندوق پر است\n",
        [("ines@orchard.example", "5.2.2", False)],
    ),
    "Chinese": (
        "From: postmaster@x.example\nSubject: =?utf-8?b?"
        + base64.b64encode("系统退信".encode()).decode()
        + "?=\nReturn-Path: <>\nContent-Type: text/plain; charset=utf-8\n\n"
        "您的邮件无法投递到：\n\nines@orchard.example\n\n用户不存在\n",
        [("ines@orchard.example", "5.1.1", True)],
    ),
    "the recipients' header of mail hosts": (
        "From: Mail Delivery Subsystem <mailer-daemon@big.example>\nSubject: Delivery Status Notification (Failure)\n"
        "X-Failed-Recipients: ines@orchard.example, omar@orchard.example\n\nThe domain does not exist.\n",
        [("ines@orchard.example", "5.1.2", True), ("omar@orchard.example", "5.1.2", True)],
    ),
    "nobody named but the returned message went to one": (
        "From: ndr@x.example\nSubject: Mail delivery failed: returning message to sender\nReturn-Path: <>\n"
        'Content-Type: multipart/mixed; boundary="cut"\n\n--cut\nContent-Type: text/plain\n\n'
        "Your mail could not be delivered, the mailbox is full.\n\n" + RETURNED.lstrip("\n"),
        [("ines@orchard.example", "5.2.2", False)],
    ),
    "notification as JSON": (
        "From: Feedback <no-reply@sns.amazonaws.com>\nSubject: AWS Notification Message\nx-amz-sns-message-id: 1\n\n"
        + json.dumps(
            {
                "notificationType": "Bounce",
                "bounce": {
                    "bounceType": "Permanent",
                    "bouncedRecipients": [
                        {
                            "emailAddress": "ines@orchard.example",
                            "status": "5.1.1",
                            "diagnosticCode": "smtp; 550 user unknown",
                        }
                    ],
                },
                "mail": {"messageId": "0102-abc"},
            }
        ),
        [("ines@orchard.example", "5.1.1", True)],
    ),
    "refusal dressed as a read receipt": (
        "From: Mail Delivery Subsystem <mailer-daemon@x.example>\nSubject: Automatically rejected mail\n"
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="cut"\n\n'
        "--cut\nContent-Type: text/plain\n\n"
        "Your message to <ines@orchard.example> was automatically rejected:\nQuota exceeded\n"
        "--cut\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; ines@orchard.example\n"
        "Disposition: automatic-action/MDN-sent-automatically; deleted\n--cut--\n",
        [("ines@orchard.example", "5.2.2", False)],
    ),
}


@pytest.mark.parametrize("shape", PROSE)
def test_prose_of_many_servers_is_understood(shape: str) -> None:
    raw, expected = PROSE[shape]
    assert verdicts(bounce_of(raw)) == expected


@pytest.mark.parametrize(
    ("shape", "original"),
    [(next(iter(PROSE)), "m1@shop.example"), ("sentence with the address behind 'to'", "m2@shop.example")],
)
def test_message_quoted_below_the_notice_gives_its_id(shape: str, original: str) -> None:
    assert bounce_of(PROSE[shape][0]).original_message_id == original


def test_warning_that_the_server_still_tries_is_a_delay() -> None:
    bounce = bounce_of(
        "From: Mailer-Daemon@x.example\nSubject: Warning: message delayed 24 hours\n\n"
        "Your message has not yet been delivered to:\n\n  ines@orchard.example\n\n"
        "No action is required. Delivery attempts will continue for 3 days.\n"
    )
    assert (bounce.delayed, bounce.permanent) == (True, False)


def test_text_of_an_html_notice_is_taken_from_the_reader_of_bodies() -> None:
    raw = (
        "From: postmaster@x.example\nSubject: Undeliverable: x\nReturn-Path: <>\nContent-Type: text/html\n\n<p>gone</p>"
    )
    bounce = bounce_of(raw, "Your message couldn't be delivered to:\n\nines@orchard.example\n\nAddress not found\n")
    assert verdicts(bounce) == [("ines@orchard.example", "5.1.1", True)]


def test_notice_that_names_nobody_is_a_bounce_without_recipients() -> None:
    bounce = bounce_of("From: MAILER-DAEMON@x.example\nSubject: failure notice\nReturn-Path: <>\n\nDelivery failed.\n")
    assert (bounce.recipients, bounce.permanent) == ((), False)


# --- verdicts ---


@pytest.mark.parametrize(
    ("words", "status", "expected"),
    [
        ("550 5.1.1 user unknown", "5.1.1", ("5.1.1", True)),
        ("550 no such user here", "5.0.0", ("5.1.1", True)),
        ("550 Unknown recipient", "", ("5.1.1", True)),
        ("Host or domain name not found", "5.4.4", ("5.1.2", True)),
        ("551 user has moved, try new@x.example", "", ("5.1.6", True)),
        ("521 this host does not accept mail", "5.3.2", ("5.3.2", True)),
        ("552 5.2.2 mailbox full", "5.2.2", ("5.2.2", False)),
        ("452 mailbox over quota", "", ("4.2.2", False)),
        ("550 account is disabled", "5.2.1", ("5.2.1", False)),
        ("554 5.7.1 blocked using a block list", "5.7.1", ("5.7.1", False)),
        ("550 5.7.26 fails DMARC", "5.7.26", ("5.7.26", False)),
        ("553 5.1.8 domain of sender address does not exist", "5.1.8", ("5.1.8", False)),
        ("552 message size exceeds limit", "", ("5.3.4", False)),
        ("delivery retry timeout exceeded", "", ("4.4.7", False)),
        ("450 4.1.1 recipient unknown, try later", "4.1.1", ("4.1.1", False)),
        ("", "5.1.1", ("5.1.1", True)),
        ("", "5.0.0", ("5.0.0", False)),
    ],
)
def test_hard_means_that_the_address_is_dead(words: str, status: str, expected: tuple[str, bool]) -> None:
    verdict = judge(words, status)
    assert (verdict.status, verdict.permanent) == expected


def test_unknown_user_said_only_after_the_whole_message_is_not_believed() -> None:
    assert judge("550 unknown user", "5.0.0", after_data=True).permanent is False
    assert judge("550 5.1.1 unknown user", "5.1.1", after_data=True).permanent is True
