"""What counts as the reply in a plain mail: the rules one by one, each from both sides. Texts are our own."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk.mail.quotes import reply_delimiter, split_text

ATTRIBUTION = "On Tue, 5 Mar 2024 at 10:15, Ada Byron <ada@example.com> wrote:"
HEADERS = "From: Ada Byron <ada@example.com>\nSent: Tuesday, March 5, 2024 10:15 AM\nTo: Support\nSubject: A question"


def test_mail_without_history_is_all_reply() -> None:
    text = "Hello,\n\nnothing is quoted here.\n\nRegards\nAda"
    parts = split_text(text)
    assert (parts.reply, parts.quoted, parts.signature) == (text, "", "")


def test_empty_lines_around_the_reply_go_but_its_indentation_stays() -> None:
    assert split_text("\n\n    code()\ntext\n\n\n").reply == "    code()\ntext"


def test_carriage_returns_become_line_feeds() -> None:
    assert split_text("one\r\ntwo\rthree\r\n").reply == "one\ntwo\nthree"


@pytest.mark.parametrize("text", ["", "\n\n", " \t\n"])
def test_empty_mail_has_empty_parts(text: str) -> None:
    parts = split_text(text)
    assert (parts.reply, parts.quoted, parts.signature) == ("", "", "")


def test_quote_at_the_end_without_attribution_is_taken_off() -> None:
    parts = split_text("Yes.\n\n> Is it so?\n> Really?\n")
    assert parts.reply == "Yes."
    assert parts.quoted == "> Is it so?\n> Really?"


def test_answers_between_quotes_keep_the_quotes_they_answer() -> None:
    text = f"Hi,\n\n{ATTRIBUTION}\n> Which version?\n\nSeven.\n\n> Which system?\n\nLinux.\n\n> Thanks\n> Ada\n"
    parts = split_text(text)
    assert parts.reply == "Hi,\n\n> Which version?\n\nSeven.\n\n> Which system?\n\nLinux."
    assert parts.quoted.split() == f"{ATTRIBUTION} > Thanks > Ada".split()


def test_quote_before_a_single_answer_is_taken_off() -> None:
    parts = split_text(f"{ATTRIBUTION}\n> Which version?\n> And which system?\n\nSeven, on Linux.\n")
    assert parts.reply == "Seven, on Linux."


def test_quotes_answered_one_by_one_from_the_first_line_on_all_stay() -> None:
    text = f"{ATTRIBUTION}\n> Which version?\n\nSeven.\n\n> Which system?\n\nLinux."
    assert split_text(text).reply == "> Which version?\n\nSeven.\n\n> Which system?\n\nLinux."


def test_answer_under_the_quote_is_not_taken_for_a_signature() -> None:
    text = f"Dear Ada,\nthanks for writing.\n\n{ATTRIBUTION}\n> When can we meet?\n\nNext Tuesday would suit me.\n"
    assert "Next Tuesday would suit me." in split_text(text).reply


def test_name_under_the_quote_is_a_signature() -> None:
    text = f"It works now.\nThank you.\n\n{ATTRIBUTION}\n> Does it work?\n\nBo Lund\nSales\n+46 8 123 456 78\n"
    parts = split_text(text)
    assert parts.reply == "It works now.\nThank you."
    assert parts.signature == "Bo Lund\nSales\n+46 8 123 456 78"


@pytest.mark.parametrize("answer", ["no, that is not what I asked you for", "It failed. Regards", "Works?"])
def test_short_answer_under_the_quote_is_no_signature(answer: str) -> None:
    text = f"I tried it.\nSee below.\n\n{ATTRIBUTION}\n> Did you try?\n\n{answer}"
    assert split_text(text).reply.endswith(answer)


def test_words_under_a_quotation_of_ones_own_are_no_signature() -> None:
    text = "I tried\n\n    $ run\n\nand it fails\n> use the other\nbut it is missing"
    assert split_text(text).reply == text


def test_line_wrapped_out_of_a_quote_belongs_to_it() -> None:
    first = "> This line of the quote was so long that some server wrapped it again and so the"
    wrapped = f"{first}\nrest of it lost its mark.\n> End."
    assert split_text(f"Yes.\n\n{ATTRIBUTION}\n{wrapped}\n").reply == "Yes."


def test_short_answer_between_short_quotes_is_not_a_wrapped_line() -> None:
    text = f"{ATTRIBUTION}\n> Red?\nno, blue.\n> Big?\nno, small."
    assert "no, blue." in split_text(text).reply


def test_attribution_wrapped_over_four_lines_is_taken_off_whole() -> None:
    text = "Done.\n\nOn Tue, 5 Mar 2024,\nat 10:15,\nAda Byron\n<ada@example.com> wrote:\n\n> Please do it.\n"
    parts = split_text(text)
    assert parts.reply == "Done."
    assert parts.quoted.startswith("On Tue")


def test_attribution_glued_to_the_line_above_leaves_that_line() -> None:
    assert split_text(f"That is my answer.\n{ATTRIBUTION}\n> Please answer.\n").reply == "That is my answer."


def test_attribution_at_the_very_top_is_only_taken_off_itself() -> None:
    assert split_text(f"{ATTRIBUTION}\n\nMy answer stands under it.\n").reply == "My answer stands under it."


def test_address_broken_behind_its_end_is_not_a_quote() -> None:
    text = 'Danke!\n\nAm 21.04.2016 17:48 schrieb "Eins Zwei" <noreply@example.com\n>:\n\n> Gern.\n'
    assert split_text(text).reply == "Danke!"


@pytest.mark.parametrize(
    "line",
    [
        "On Tuesday I wrote:",
        "On 5 March 2024 at 10:15 I wrote:",
        "Am 5.3.2024 um 10:15 schrieb ich:",
        "This is what the manual says on page 2024:",
        "My colleague wrote:",
        "The order of 05.03.2024, 10:15, contained:",
    ],
)
def test_sentence_that_only_sounds_like_an_attribution_hides_nothing(line: str) -> None:
    text = f"Hello,\n\n{line}\n\nPlease send me the invoice.\n\nRegards"
    assert split_text(text).reply == text


def test_vague_attribution_counts_when_a_quote_follows() -> None:
    assert split_text("Thanks!\n\nAda Byron wrote:\n> Done.\n").reply == "Thanks!"


def test_header_block_ends_the_reply() -> None:
    parts = split_text(f"See below.\n\n{HEADERS}\n\nOld text.\n")
    assert parts.reply == "See below."
    assert parts.quoted == f"{HEADERS}\n\nOld text."


def test_header_block_with_double_spacing_and_a_wrapped_recipient_list_ends_the_reply() -> None:
    text = (
        "See below.\n\nFrom: Ada Byron <ada@example.com>\n\nSent: Tuesday\n\nTo: Bo <bo@example.org>;\n"
        "Cy <cy@example.org>\nSubject: X\n\nOld text."
    )
    assert split_text(text).reply == "See below."


def test_header_block_in_table_cells_ends_the_reply() -> None:
    header = "| 发件人 | 张三 <a@example.com> |\n| 日期 | 2024年3月5日 |\n| 收件人 | b@example.com |\n| 主题 | 你好 |"
    text = f"收到\n\n---- 回复的原邮件 ----\n{header}\n旧信"
    assert split_text(text).reply == "收到"


@pytest.mark.parametrize(
    "block",
    [
        "From: Berlin\nTo: Paris\nDate: 5 March 2024",
        "Name: Ada\nSubject: broken\nNumber: 5",
        "To: do\nFrom: monday",
    ],
)
def test_list_of_labels_that_is_no_mail_header_stays(block: str) -> None:
    text = f"I need a ticket:\n\n{block}\n\nPlease book it."
    assert split_text(text).reply == text


def test_bare_forward_keeps_what_was_forwarded() -> None:
    assert (
        split_text(f"---------- Forwarded message ---------\n{HEADERS}\n\nThe forwarded text.\n").reply
        == "The forwarded text."
    )


def test_words_original_message_in_a_sentence_or_alone_end_nothing() -> None:
    text = "Hello,\n\nOriginal message\n\nwas what I asked for."
    assert split_text(text).reply == text


def test_rule_above_the_history_goes_with_it() -> None:
    assert split_text(f"Yes.\n\n ------------------------------\n\n{HEADERS}\n\nOld").reply == "Yes."


def test_our_own_delimiter_line_ends_the_reply_in_any_language() -> None:
    for sentence in ("Please reply above this line", "请在此行上方回复", "يرجى الرد فوق هذا السطر"):
        assert split_text(f"My reply.\n\n{reply_delimiter(sentence)}\n\nTicket text").reply == "My reply."


def test_delimiter_of_another_helpdesk_ends_the_reply() -> None:
    assert split_text("My reply.\n\n##- Please type your reply above this line -##\n\nOld").reply == "My reply."


@pytest.mark.parametrize("delimiter", ["-- ", "--", "—", "__"])
def test_signature_under_its_delimiter_is_taken_off(delimiter: str) -> None:
    parts = split_text(f"It works.\n\n{delimiter}\nAda Byron\nAnalytical Engines, Ltd.\n")
    assert parts.reply == "It works."
    assert parts.signature.endswith("Ada Byron\nAnalytical Engines, Ltd.")


def test_dashes_inside_a_line_or_before_an_item_are_no_delimiter() -> None:
    text = "A fix -- this is no signature.\n\n-- first item\n-- second item\n\nBye"
    assert split_text(text).reply == text


def test_rule_over_contact_details_begins_a_signature() -> None:
    parts = split_text("It works.\n\n----------------\nAda Byron\nTel: +44 20 1234 5678\nwww.example.com\n")
    assert parts.reply == "It works."
    assert "Tel:" in parts.signature


def test_fields_of_a_form_under_a_rule_are_no_signature() -> None:
    fields = "Name: Ada Byron\nE-Mail: ada@example.com\nPhone: +44 20 1234 5678\nOrder: 17"
    text = f"A message from your site.\n\n----------\n{fields}"
    assert split_text(text).reply == text


def test_matter_that_only_mentions_a_virus_stays_under_its_rule() -> None:
    text = "My first problem.\n\n----------\nThe second one: a virus warning shows up, and it is confidential."
    assert split_text(text).reply == text


def test_rule_between_two_sections_of_a_letter_is_no_signature() -> None:
    second = "The second part says more than a name would, and ends like a sentence.\n\nIt goes on."
    text = f"First part.\n\n----------------\n\n{second}"
    assert split_text(text).reply == text


def test_legal_notice_under_its_heading_is_taken_off() -> None:
    text = "It works.\n\nDisclaimer\n\nThis mail is confidential and intended for its recipient."
    assert split_text(text).reply == "It works."


def test_disclaimer_as_the_subject_of_a_sentence_stays() -> None:
    text = "It works.\n\nThe disclaimer\n\nneeds a new wording."
    assert split_text(text).reply == text


def test_valediction_and_name_stay() -> None:
    text = "It works.\n\nBest regards,\nAda"
    assert split_text(f"{text}\n\n{ATTRIBUTION}\n> Does it?").reply == text


def test_mobile_line_before_the_quote_is_a_signature() -> None:
    parts = split_text(f"Yes.\n\nSent from my iPhone\n\n> {ATTRIBUTION}\n> \n> Is it?\n")
    assert parts.reply == "Yes."
    assert parts.signature == "Sent from my iPhone"


def test_fenced_code_is_never_taken_apart() -> None:
    text = "Look:\n\n```\n# a comment\n####\n--\n> out\n```\n\nThat is it."
    assert split_text(text).reply == text


def test_mail_that_is_nothing_but_quote_is_kept_whole() -> None:
    text = "> only\n> quoted"
    parts = split_text(text)
    assert (parts.reply, parts.quoted) == (text, "")


def test_history_past_the_lines_looked_at_is_taken_off_with_the_rest() -> None:
    old = "\n".join(f"> line {number}" for number in range(10_000))
    assert split_text(f"Yes.\n\n{ATTRIBUTION}\n{old}\n").reply == "Yes."


def test_long_log_is_kept_to_its_end() -> None:
    log = "\n".join(f"2024-03-05 10:15 worker {number} started" for number in range(10_000))
    assert split_text(log).reply == log


_LINES = st.sampled_from(
    [
        "",
        "Some words.",
        "more words without an end",
        "> quoted",
        ">> deeper",
        "-- ",
        "--",
        "____________",
        "Ada Byron",
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        ATTRIBUTION,
        "On Tue, 5 Mar 2024 at 10:15,",
        "Ada Byron <ada@example.com>",
        "wrote:",
        "在 2024年3月5日，10:15，Ada <ada@example.com> 写道：",
        "From: Ada <ada@example.com>",
        "Sent: Tuesday",
        "To: Bo",
        "Subject: X",
        "发件人: a@example.com",
        "主题: 你好",
        "-----Original Message-----",
        "Begin forwarded message:",
        "```",
        "\u200f> \u202a",
        ">:",
    ]
)
_MAILS = st.lists(st.one_of(_LINES, st.text(max_size=30)), max_size=40).map("\n".join)


def _filled(text: str) -> list[str]:
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return sorted(line.rstrip() for line in unified.split("\n") if line.strip())


@given(_MAILS)
@settings(max_examples=120, deadline=None)
def test_every_line_stands_in_exactly_one_part(text: str) -> None:
    parts = split_text(text)
    assert sorted(_filled(parts.reply) + _filled(parts.quoted) + _filled(parts.signature)) == _filled(text)


@given(_MAILS)
@settings(max_examples=120, deadline=None)
def test_splitting_a_reply_again_changes_nothing(text: str) -> None:
    reply = split_text(text).reply
    again = split_text(reply)
    assert (again.reply, again.quoted, again.signature) == (reply, "", "")


@given(_MAILS)
@settings(max_examples=80, deadline=None)
def test_mail_with_words_never_becomes_an_empty_reply(text: str) -> None:
    assert bool(split_text(text).reply) == bool(text.strip())


def _calls(text: str) -> int:
    """How many functions splitting calls: a measure of its work that no clock disturbs."""
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        split_text(text)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "line",
    [
        "words:\n",
        f"{ATTRIBUTION}\n",
        "On Tue, 5 Mar 2024\n",
        "From: ada@example.com\nwords\n",
        f"{HEADERS}\n",
        "> quote\n-- \nname\n",
        "words\n> quote\n",
        "words\n____\n",
        "Sent from my iPhone\nwords\n",
        "-----Original Message-----\n",
        "```\n",
        "wrote wrote wrote:\n\n",
        "\n",
    ],
)
def test_twice_the_mail_is_at_most_twice_the_work(line: str) -> None:
    once = _calls("Hi\n" + line * 400)
    assert _calls("Hi\n" + line * 800) <= 2.1 * once + 200
