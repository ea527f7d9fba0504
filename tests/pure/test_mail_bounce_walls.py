"""What is no failure notice although it speaks of one, what broken mail may do, and the public corpora."""

from __future__ import annotations

import email
import json
from email.message import Message
from pathlib import Path

import pytest

from helpdesk.mail.bounce import find_bounce
from helpdesk.mail.bounce_parts import take_apart
from helpdesk.mail.bounce_signs import read_signs
from tests.corpora import CORPORA, needs_corpora
from tests.pure.test_mail_bounce import REPORT_HEAD, RETURNED, parse

# --- what is no bounce ---

NO_BOUNCE = {
    "forward of a notice": (
        "From: Ines <ines@orchard.example>\nSubject: Fwd: Undelivered Mail Returned to Sender\n\n"
        "What does this mean?\n\n---------- Forwarded message ----------\nFrom: MAILER-DAEMON@mx.example\n"
        "Subject: failure notice\n\nI could not deliver your message to:\n\n<desk@shop.example>:\n550 no such user\n"
    ),
    "forward of a report with its parts as they were": (
        "From: Ines <ines@orchard.example>\nSubject: Undelivered Mail Returned to Sender\n"
        'Content-Type: multipart/mixed; boundary="cut"\n\n'
        "--cut\nContent-Type: text/plain\n\nHello, I cannot reach you, see below.\n\n--cut\n"
        "Content-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; desk@shop.example\nAction: failed\nStatus: 5.1.1\n\n"
        "--cut--\n"
    ),
    "forward of a whole report as a file": (
        "From: Ines <ines@orchard.example>\nSubject: your mail bounces\n"
        'Content-Type: multipart/mixed; boundary="out"\n\n'
        "--out\nContent-Type: text/plain\n\nPlease look at this.\n\n--out\nContent-Type: message/rfc822\n\n"
        + REPORT_HEAD
        + "Final-Recipient: rfc822; desk@shop.example\nAction: failed\nStatus: 5.1.1\n"
        + RETURNED
        + "\n--out--\n"
    ),
    "customer who writes about a failed delivery of mail": (
        "From: Ines <ines@orchard.example>\nSubject: Mail delivery failed\n\n"
        "My message could not be delivered to desk@shop.example: user unknown.\nCan you help?\n"
    ),
    "customer who pastes the notice at once": (
        "From: Ines <ines@orchard.example>\nSubject: Undeliverable mail\n\n"
        "Your message could not be delivered to:\n\ndesk@shop.example\n550 no such user\n\nI get this all the time.\n"
    ),
    "answer to a notice": (
        "From: Ines <ines@orchard.example>\nSubject: Re: Undelivered Mail Returned to Sender\n"
        "In-Reply-To: <x@mx.example>\n\n"
        "> I could not deliver your message to:\n> <desk@shop.example>: 550 no such user\n\n"
        "That is our old address.\n"
    ),
    "parcel that was not delivered": (
        "From: Parcels <no-reply@parcels.example>\nSubject: Delivery failed\nAuto-Submitted: auto-generated\n\n"
        "Your parcel could not be delivered.\n\nRecipient: ines@orchard.example\nWe try again tomorrow.\n"
    ),
    "postmaster who writes as a person": (
        "From: Otto <postmaster@orchard.example>\nSubject: Mail delivery problem with your domain\n\n"
        "Hello,\n\nour users could not send mail to desk@shop.example since Monday.\n\nOtto\n"
    ),
    "vacation with a null path": (
        "From: Ines <ines@orchard.example>\nSubject: Automatic reply: Your order\nReturn-Path: <>\n"
        "Auto-Submitted: auto-replied\n\n"
        "I am away. Your message was not delivered to anybody else; write to omar@orchard.example.\n"
    ),
    "null path alone": "From: Ines <ines@orchard.example>\nSubject: My order 4711\nReturn-Path: <>\n\n"
    "Where is it? ines@orchard.example\n",
    "abuse report": (
        "From: feedback@isp.example\nSubject: Abuse report\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="cut"\n\n'
        "--cut\nContent-Type: text/plain\n\nThis is an abuse report.\n--cut\n"
        "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n" + RETURNED
    ),
    "read receipt": (
        "From: Ines <ines@orchard.example>\nSubject: Read: Your order\n"
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="cut"\n\n'
        "--cut\nContent-Type: text/plain\n\nYour message was displayed.\n--cut\n"
        "Content-Type: message/disposition-notification\n\n"
        "Final-Recipient: rfc822; ines@orchard.example\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n--cut--\n"
    ),
    "mail deleted unread": (
        "From: Ines <ines@orchard.example>\nSubject: Not read: Your order\n"
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="cut"\n\n'
        "--cut\nContent-Type: text/plain\n\nYour message was deleted without being read.\n--cut\n"
        "Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; ines@orchard.example\n"
        "Disposition: manual-action/MDN-sent-manually; deleted\n--cut--\n"
    ),
    "complaint as JSON": (
        "From: no-reply@sns.amazonaws.com\nSubject: AWS Notification Message\nx-amz-sns-message-id: 1\n\n"
        '{"notificationType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"ines@orchard.example"}]}}'
    ),
    "ordinary order": "From: Ines <ines@orchard.example>\nSubject: Order 4711\nTo: desk@shop.example\n\n"
    "Please send two lamps.\n",
}


@pytest.mark.parametrize("shape", NO_BOUNCE)
def test_what_only_speaks_of_failure_is_no_bounce(shape: str) -> None:
    raw = NO_BOUNCE[shape]
    message = parse(raw)
    text = raw.partition("\n\n")[2]
    assert find_bounce(message, text) is None


def test_ordinary_mail_does_not_pass_the_gate() -> None:
    assert read_signs(parse(NO_BOUNCE["ordinary order"])) is None


# --- robustness ---


@pytest.mark.parametrize(
    "raw",
    [
        "From: MAILER-DAEMON\x00@x\nSubject: failure notice\n\n<a@x.example>:\n550 \x00\udce4 no such user\n",
        "Content-Type: multipart/report; report-type=delivery-status\n\nno border at all",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="c"\n\n--c\n'
        "Content-Type: message/delivery-status\n\n\n--c--\n",
        "From: =?bad?x?=?=\nSubject: =?utf-8?b?////?= failure notice\nReturn-Path: <>\n\n=?",
        "From: <>\nSubject: failure notice\nContent-Type: text/plain; charset=no-such-set\n\n"
        "\udcff<a@x.example>: 550\n",
        "From: mailer-daemon@x\nSubject: failure notice\nx-amz-sns-message-id: 1\n\n"
        + '{"bouncedRecipients":'
        + "[" * 5000,
        "Content-Type: message/delivery-status\nSubject: failure notice\n\n" + "\n" * 5000,
    ],
)
def test_broken_mail_never_raises_and_never_yields_text_a_database_refuses(raw: str) -> None:
    bounce = find_bounce(parse(raw), "")
    if bounce:
        for text in (bounce.original_message_id, *(r.email + r.diagnostic + r.status for r in bounce.recipients)):
            assert "\x00" not in text
            text.encode("utf-8")


# --- the public corpora ---


def test_a_charset_name_with_a_nul_in_it_is_read_all_the_same() -> None:
    part = email.message_from_string("Content-Type: text/plain; charset*=us-ascii''x%00y\n\nHello.\n")

    assert part.get_content_charset() == "x\x00y"  # else this tests nothing
    assert take_apart(part).plain == ["Hello.\n"]


@needs_corpora
def test_public_failure_notices_are_found_and_judged_as_their_collectors_did() -> None:
    folder = CORPORA / "mail" / "sisimai-set-of-emails"
    expectations = json.loads((folder / "expectations.json").read_text())
    found = total = agreed = judged = 0
    for path in sorted(folder.glob("data/maildir/*/*")):
        expected = [
            one for one in expectations.get(path.name, []) if one["reason"] not in ("feedback", "vacation", "delivered")
        ]
        bounce = find_bounce(_read(path), "")
        if not expected:
            assert path.name not in expectations or bounce is None, path.name
            continue
        total += 1
        found += bounce is not None
        if bounce is not None and len(bounce.recipients) == len(expected):
            judged += len(expected)
            pairs = zip(bounce.recipients, expected, strict=True)
            agreed += sum(recipient.permanent == one["hard_bounce"] for recipient, one in pairs)
    assert found / total >= 0.989
    assert agreed / judged >= 0.90


@needs_corpora
def test_public_failure_notices_give_the_expected_addresses() -> None:
    folder = CORPORA / "mail" / "flufl.bounce"
    expected = {one["file"]: one["addresses"] for one in json.loads((folder / "expectations.json").read_text())}
    right = 0
    for name, addresses in expected.items():
        bounce = find_bounce(_read(folder / "data/tests/data" / name), "")
        assert bounce is not None, name
        right += {r.email.lower() for r in bounce.recipients} >= {address.lower() for address in addresses}
    assert right / len(expected) >= 0.95


def _read(path: Path) -> Message:
    return email.message_from_bytes(path.read_bytes())
