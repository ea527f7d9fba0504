"""What servers answer becomes a sentence people can read: no Python in it, and none of our secrets."""

from __future__ import annotations

import pytest

from helpdesk.mail.discretion import in_words, without_secrets
from helpdesk.models import Mailbox


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"NO \xe2\x80\x93 away\r\n", "NO – away"),
        ("b'[AUTHENTICATIONFAILED] Wrong.'", "[AUTHENTICATIONFAILED] Wrong."),
        ('command: SELECT => b"Mailbox doesn\'t exist"', "command: SELECT => Mailbox doesn't exist"),
        ("fetch failed: [b'Internal', b'error']", "fetch failed: Internal, error"),
        (r"b'caf\xc3\xa9 \'x\''", "café 'x'"),
        ("Bob'b'b", "Bob'b'b"),
        (ValueError("two\r\n lines"), "two lines"),
    ],
)
def test_an_answer_is_one_line_without_the_marks_of_python(answer: object, words: str) -> None:
    assert in_words(answer) == words


def test_a_secret_behind_an_escape_is_blanked_once_the_words_are_clean() -> None:
    box = Mailbox(username="u", password="pass\\word")

    assert without_secrets(in_words(repr(b"bad pass\\word")), box) == "bad •••"
