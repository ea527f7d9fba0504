"""Who wrote the mail that another mail passes on? Own cases, by program and language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from helpdesk.mail.forwards import address_of, date_of
from helpdesk.mail.message import Address
from helpdesk.mail.quotes import find_forwarded

ADA = Address("ada@example.com", "Ada Byron")

FORWARDS = {
    "Gmail": "---------- Forwarded message ---------\nFrom: Ada Byron <ada@example.com>\nDate: Tue, Mar 5, "
    "2024 at 10:15 AM\n"
    "Subject: Broken engine\nTo: Bo <bo@example.org>\n\n\nIt stopped.\n",
    "Apple en": "Begin forwarded message:\n\nFrom: Ada Byron <ada@example.com>\nSubject: Broken engine\n"
    "Date: March 5, 2024 at 10:15:00 AM GMT\nTo: Bo <bo@example.org>\n\nIt stopped.\n",
    "Apple de, quoted": "> Anfang der weitergeleiteten Nachricht:\n> \n> Von: Ada Byron <ada@example.com>\n"
    "> Betreff: Broken engine\n"
    "> Datum: 5. März 2024 um 10:15:00 GMT\n> An: Bo <bo@example.org>\n> \n> It stopped.\n",
    "Thunderbird fr": "-------- Message transféré --------\nSujet : \tBroken engine\nDate : \tTue, 5 Mar "
    "2024 10:15:00 +0000\n"
    "De : \tAda Byron <ada@example.com>\nPour : \tBo <bo@example.org>\n\nIt stopped.\n",
    "mail.ru": "-------- Пересылаемое сообщение --------\nОт: Ada Byron <ada@example.com>\nКому: Bo <bo@example.org>\n"
    "Дата: вторник, 5 марта 2024, 10:15\nТема: Broken engine\n\nIt stopped.\n",
    "163": "---- 转发的邮件 ----\n| 发件人 | Ada Byron<ada@example.com> |\n| 发送日期 | 2024年03月05日 "
    "10:15 |\n| 收件人 | Bo<bo@example.org> |\n"
    "| 主题 | Broken engine |\nIt stopped.\n",
    "Outlook desktop": "From: Ada Byron [mailto:ada@example.com]\nSent: Tuesday, March 5, 2024 10:15 AM\nTo: Bo\n"
    "Subject: Broken engine\n\nIt stopped.\n",
    "Outlook zh": "发件人: Ada Byron <ada@example.com>\n发送时间: 2024年3月5日 10:15\n收件人: Bo\n主题: "
    "Broken engine\n\nIt stopped.\n",
    "Outlook ar": "من: Ada Byron <ada@example.com>\nتم الإرسال: 5 مارس, 2024 10:15\nإلى: Bo\nالموضوع: "
    "Broken engine\n\nIt stopped.\n",
    "Outlook fa": "از: Ada Byron <ada@example.com>\nارسال شده: 5 مارس 2024 10:15\nبه: Bo\nموضوع: Broken "
    "engine\n\nIt stopped.\n",
    "Outlook nl": "Van: Ada Byron <ada@example.com>\nVerzonden: dinsdag 5 maart 2024 10:15\nAan: Bo\n"
    "Onderwerp: Broken engine\n\n"
    "It stopped.\n",
}


@pytest.mark.parametrize("forward", [pytest.param(text, id=name) for name, text in FORWARDS.items()])
class TestForwards:
    @pytest.mark.parametrize("comment", ["", "Please look at this.\n\n"])
    def test_original_sender_subject_date_and_text_are_read(self, forward: str, comment: str) -> None:
        found = find_forwarded(comment + forward, "")
        assert found is not None
        assert found.sender == ADA
        assert found.subject == "Broken engine"
        assert found.date == datetime(2024, 3, 5, 10, 15, tzinfo=UTC)
        assert found.text == "It stopped."

    def test_html_is_asked_when_the_text_shows_nothing(self, forward: str) -> None:
        escaped = forward.replace("<", "&lt;").replace("\n", "<br>")
        found = find_forwarded("FYI", f"<div>FYI<br>{escaped}</div>")
        assert found is not None
        assert found.sender == ADA


def test_first_of_two_nested_forwards_is_read() -> None:
    inner = FORWARDS["Gmail"].replace("Ada Byron <ada@", "Cy <cy@")
    found = find_forwarded(FORWARDS["Gmail"] + inner, "")
    assert found is not None
    assert found.sender == ADA
    assert "Cy <cy@example.com>" in found.text


def test_forward_line_is_preferred_to_a_block_above_it() -> None:
    text = "From: Cy <cy@example.com>\nSent: today\nTo: Bo\nSubject: old\n\nx\n\n" + FORWARDS["Gmail"]
    found = find_forwarded(text, "")
    assert found is not None
    assert found.sender == ADA


def test_mail_without_a_header_block_forwards_nothing() -> None:
    assert find_forwarded("Hello\n\nForwarded message\n\nnothing here", "<p>Hello</p>") is None
    assert find_forwarded("", "") is None
    assert find_forwarded("On Tue, 5 Mar 2024 at 10:15, Ada <ada@example.com> wrote:\n> x", "") is None


def test_hostile_html_forwards_nothing() -> None:
    assert find_forwarded("", "<div>" * 50_000) is None


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("Ada Byron <ada@example.com>", ADA),
        ('"Byron, Ada" <ada@Example.COM>', Address("ada@example.com", "Byron, Ada")),
        ("Ada Byron<mailto:ada@example.com>", ADA),
        ("Ada Byron [mailto:ada@example.com]", ADA),
        ("ada@example.com", Address("ada@example.com")),
        ("ada@example.com <ada@example.com>", Address("ada@example.com")),
        ("\u202aAda Byron\u202c <\u202aada@example.com\u202c>", ADA),
        ("Ada Byron", None),
        ("ada@localhost", None),
        ("", None),
    ],
)
def test_address_is_read_from_what_programs_show(value: str, address: Address | None) -> None:
    assert address_of(value) == address


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Tue, 5 Mar 2024 10:15:00 +0200", datetime(2024, 3, 5, 10, 15, tzinfo=timezone(timedelta(hours=2)))),
        ("Tuesday, March 5, 2024 2:15 PM", datetime(2024, 3, 5, 14, 15, tzinfo=UTC)),
        ("Tuesday, March 5, 2024 12:15 AM", datetime(2024, 3, 5, 0, 15, tzinfo=UTC)),
        ("March 24, 2016 at 20:16:25 GMT+1", datetime(2016, 3, 24, 20, 16, tzinfo=timezone(timedelta(hours=1)))),
        ("Dienstag, 5. März 2024 10:15", datetime(2024, 3, 5, 10, 15, tzinfo=UTC)),
        ("mardi 5 août 2024 10:15", datetime(2024, 8, 5, 10, 15, tzinfo=UTC)),
        ("martes, 5 de marzo de 2024 10:15", datetime(2024, 3, 5, 10, 15, tzinfo=UTC)),
        ("martedì 5 giugno 2024 10:15", datetime(2024, 6, 5, 10, 15, tzinfo=UTC)),
        ("5 марта 2024 г. 10:15", datetime(2024, 3, 5, 10, 15, tzinfo=UTC)),
        ("5 Mayıs 2024 Pazar 10:15", datetime(2024, 5, 5, 10, 15, tzinfo=UTC)),
        ("05.03.2024 10:15", datetime(2024, 3, 5, 10, 15, tzinfo=UTC)),
        ("05.03.2024 10.15", datetime(2024, 3, 5, 10, 15, tzinfo=UTC)),
        ("3/15/2024 10:15 AM", datetime(2024, 3, 15, 10, 15, tzinfo=UTC)),
        ("15/03/2024 10:15", datetime(2024, 3, 15, 10, 15, tzinfo=UTC)),
        ("2024-03-05 10:15", datetime(2024, 3, 5, 10, 15, tzinfo=UTC)),
        ("2024年3月5日(火) 午後2:15", datetime(2024, 3, 5, 14, 15, tzinfo=UTC)),
        ("2024년 3월 5일 화요일 오후 2:15", datetime(2024, 3, 5, 14, 15, tzinfo=UTC)),
        ("٥ مارس ٢٠٢٤ ١٠:١٥", datetime(2024, 3, 5, 10, 15, tzinfo=UTC)),
        ("5 במרץ 2024 10:15", datetime(2024, 3, 5, 10, 15, tzinfo=UTC)),
        ("the 5th of something 2024", None),
        ("yesterday", None),
        ("99/99/9999 99:99", None),
        ("", None),
    ],
)
def test_date_is_read_in_many_languages_or_not_at_all(value: str, expected: datetime | None) -> None:
    assert date_of(value) == expected
