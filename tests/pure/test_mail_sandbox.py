"""The child process that reads mails: what it gives back, and that a hostile mail costs nothing but its own reading."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpdesk.mail import wire
from helpdesk.mail.message import (
    Address,
    Bounce,
    BouncedRecipient,
    Forwarded,
    MachineKind,
    ParsedAttachment,
    ParsedMail,
    UnreadableMail,
)
from helpdesk.mail.mime import Limits
from helpdesk.mail.parse import parse_mail
from helpdesk.mail.sandbox import Outcome, ParserSandbox

OBEDIENT = "tests.pure.misbehaving_child"


@pytest.fixture(scope="module")
def real() -> Iterator[ParserSandbox]:
    with ParserSandbox(our_addresses=frozenset({"support@shop.example"})) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def obedient() -> Iterator[ParserSandbox]:
    with ParserSandbox(module=OBEDIENT, wall_seconds=20, max_cpu_seconds=1, limits=Limits(max_bytes=1000)) as sandbox:
        yield sandbox


def told(outcomes: list[Outcome]) -> list[str]:
    """Subjects of the mails that were read, reasons of those that were not."""
    return [outcome.reason if isinstance(outcome, UnreadableMail) else outcome.subject for outcome in outcomes]


# --- the real reader ---

RAW = (
    "From: Jäne <jane@customer.example>\r\nSubject: Grüße 你好 سلام\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hello</p>\r\n"
    "--b\r\nContent-Type: image/png; name=a.png\r\n\r\n\x01\x02\r\n--b--"
).encode()


def test_mail_read_in_the_child_equals_the_mail_read_here(real: ParserSandbox) -> None:
    assert real.parse(RAW) == parse_mail(RAW)


def test_our_addresses_reach_the_child(real: ParserSandbox) -> None:
    assert real.parse(b"From: support@shop.example\r\n\r\nx").machine is MachineKind.LOOP


def test_unreadable_mail_is_raised_with_its_reason(real: ParserSandbox) -> None:
    with pytest.raises(UnreadableMail) as caught:
        real.parse(b"  ")
    assert caught.value.reason == "The mail is empty."


def test_many_mails_come_back_in_order(real: ParserSandbox) -> None:
    raws = [b"From: a@x.example\r\nSubject: %d\r\n\r\n%s" % (n, b"x" * (n * 997 % 200_000)) for n in range(120)]
    assert told(list(real.parse_many(raws))) == [str(n) for n in range(120)]


def test_large_attachment_comes_back_whole(real: ParserSandbox) -> None:
    content = os.urandom(9_000_000)
    raw = b"From: a@x.example\r\nContent-Type: application/zip; name=a.zip\r\n\r\n" + content
    assert real.parse(raw).attachments[0].content == content


def test_no_mails_give_no_outcomes(real: ParserSandbox) -> None:
    assert list(real.parse_many([])) == []


def test_caller_who_stops_early_leaves_a_sandbox_that_reads_on(real: ParserSandbox) -> None:
    outcomes = real.parse_many([RAW] * 200)
    next(outcomes)
    outcomes.close()
    assert real.parse(RAW).subject == "Grüße 你好 سلام"


def test_two_threads_may_share_one_sandbox(real: ParserSandbox) -> None:
    results: dict[int, list[str]] = {}

    def read(number: int) -> None:
        raws = [b"From: a@x.example\r\nSubject: %d-%d\r\n\r\nx" % (number, n) for n in range(30)]
        results[number] = told(list(real.parse_many(raws)))

    threads = [threading.Thread(target=read, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: [f"{number}-{n}" for n in range(30)] for number in range(2)}


def test_closed_sandbox_leaves_no_process_and_may_be_used_again() -> None:
    sandbox = ParserSandbox(module=OBEDIENT)
    sandbox.parse(b"one")
    child = sandbox._child
    assert child is not None
    sandbox.close()
    assert child.process.returncode is not None
    assert sandbox.parse(b"two").subject == "two"
    sandbox.close()


# --- a reader that misbehaves ---


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"spin", "Reading the mail took more than 1 seconds of processor time."),
        (b"eat", "Reading the mail needs more memory than it may take."),
        (b"die", "Reading the mail ended the reader (exit code 3)."),
        (b"crash", f"Reading the mail ended the reader (signal {signal.SIGABRT.value})."),
        (b"lie", "The reader's answer was not sound: an answer out of all bounds."),
        (b"refuse", "The mail is empty."),
        (b"x" * 1001, "The mail has 1001 bytes, more than the 1000 that are read."),
    ],
)
def test_mail_that_ends_its_reader_is_unreadable_and_the_next_ones_are_read(
    obedient: ParserSandbox, raw: bytes, reason: str
) -> None:
    assert told(list(obedient.parse_many([b"before", raw, b"after", b"last"]))) == ["before", reason, "after", "last"]


def test_mail_that_hangs_is_given_up_after_its_time() -> None:
    with ParserSandbox(module=OBEDIENT, wall_seconds=2) as sandbox:
        outcomes = told(list(sandbox.parse_many([b"before", b"hang", b"after"])))
    assert outcomes == ["before", "Reading the mail took longer than 2 seconds.", "after"]


def test_error_in_the_reader_names_its_place_and_not_what_the_mail_says(obedient: ParserSandbox) -> None:
    with pytest.raises(UnreadableMail) as caught:
        obedient.parse(b"raise")
    assert caught.value.reason.startswith("Reading the mail failed: KeyError in misbehaving_child.py:")
    assert "secret" not in caught.value.reason


def test_child_killed_between_two_mails_costs_neither(obedient: ParserSandbox) -> None:
    assert obedient.parse(b"one").subject == "one"
    assert obedient._child is not None
    obedient._child.process.kill()
    obedient._child.process.wait()
    assert obedient.parse(b"two").subject == "two"


def test_what_a_library_prints_does_not_disturb_the_answers(obedient: ParserSandbox) -> None:
    assert told(list(obedient.parse_many([b"print", b"after"]))) == ["print", "after"]


def test_child_cannot_write_files(obedient: ParserSandbox) -> None:
    with pytest.raises(UnreadableMail) as caught:
        obedient.parse(b"open")
    assert "OSError" in caught.value.reason


def test_child_sees_no_secret_of_the_environment(obedient: ParserSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "x")
    obedient.close()
    assert "SECRET_KEY" not in obedient.parse(b"environment").subject.split()


def test_child_has_no_open_file_of_its_parent(obedient: ParserSandbox) -> None:
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(40)]
    for number in held:
        os.set_inheritable(number, True)
    obedient.close()
    assert len(obedient.parse(b"files").subject.split()) < 10
    for number in held:
        os.close(number)


# --- the wire ---

_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
_addresses = st.builds(Address, _texts, _texts)
_dates = st.datetimes(
    min_value=datetime(1980, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-840, 840).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
_rows = st.lists(_texts, max_size=3).map(tuple)
_mails = st.builds(
    ParsedMail,
    message_id=_texts,
    in_reply_to=_rows,
    references=_rows,
    subject=_texts,
    sender=st.none() | _addresses,
    reply_to=st.lists(_addresses, max_size=2).map(tuple),
    to=st.lists(_addresses, max_size=3).map(tuple),
    cc=st.lists(_addresses, max_size=2).map(tuple),
    original_from=st.none() | _addresses,
    delivered_to=_rows,
    return_path=st.none() | _texts,
    date=st.none() | _dates,
    text=_texts,
    reply_text=_texts,
    signature=_texts,
    html=_texts,
    reply_html=_texts,
    has_remote_content=st.booleans(),
    language_hint=_texts,
    attachments=st.lists(
        st.builds(ParsedAttachment, _texts, _texts, st.binary(max_size=50), _texts, st.booleans()), max_size=3
    ).map(tuple),
    machine=st.sampled_from(MachineKind),
    machine_reason=_texts,
    bounce=st.none()
    | st.builds(
        Bounce,
        st.lists(st.builds(BouncedRecipient, _texts, _texts, st.booleans(), _texts), max_size=2).map(tuple),
        _texts,
        st.booleans(),
        st.booleans(),
    ),
    is_forward=st.booleans(),
    forwarded=st.none() | st.builds(Forwarded, st.none() | _addresses, _texts, st.none() | _dates, _texts),
    authentication_results=_rows,
    list_id=_texts,
    defects=_rows,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_mails)
def test_mail_survives_the_wire_unchanged(mail: ParsedMail) -> None:
    head, contents = wire.encode(mail)
    assert wire.decode(head, contents) == mail


def test_every_field_of_a_mail_goes_over_the_wire() -> None:
    mail = ParsedMail(
        message_id="m",
        in_reply_to=("i",),
        references=("r",),
        subject="s",
        sender=Address("a", "b"),
        reply_to=(Address("c"),),
        to=(Address("d"),),
        cc=(Address("e"),),
        original_from=Address("f"),
        delivered_to=("g",),
        return_path="h",
        date=datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=1))),
        text="t",
        reply_text="u",
        signature="v",
        html="w",
        reply_html="x",
        has_remote_content=True,
        language_hint="de",
        attachments=(ParsedAttachment("n", "c/t", b"x", "id", True),),
        machine=MachineKind.BOUNCE,
        machine_reason="y",
        bounce=Bounce((BouncedRecipient("z", "5.1.1", False, "d"),), "o", False, True),
        is_forward=True,
        forwarded=Forwarded(Address("k"), "l"),
        authentication_results=("ar",),
        list_id="li",
        defects=("de",),
    )
    empty = ParsedMail()
    assert all(getattr(mail, name) != getattr(empty, name) for name in ParsedMail.__dataclass_fields__)
    assert wire.decode(*wire.encode(mail)) == mail


HEAD, CONTENTS = wire.encode(ParsedMail(subject="s", attachments=(ParsedAttachment("n", "c/t", b"xy"),)))


@pytest.mark.parametrize(
    ("head", "contents"),
    [
        (b"", []),
        (b"[]", []),
        (b"{}", []),
        (b"[" * 100_000, []),
        (b"cos\nsystem\n(S'true'\ntR.", []),
        (HEAD, []),
        (HEAD, [b"xyz"]),
        (HEAD, [*CONTENTS, b""]),
        (HEAD.replace(b'"subject":"s"', b'"subject":5'), CONTENTS),
        (HEAD.replace(b'"subject":"s"', b'"subject":"\\u0000"'), CONTENTS),
        (HEAD.replace(b'"subject":"s"', b'"subject":"\\ud800"'), CONTENTS),
        (HEAD.replace(b'"subject":"s"', b'"subject":"s","new":1'), CONTENTS),
        (HEAD.replace(b'"machine":""', b'"machine":"robot"'), CONTENTS),
        (HEAD.replace(b'"date":null', b'"date":"2026-01-01T00:00:00"'), CONTENTS),
        (HEAD.replace(b'"date":null', b'"date":"soon"'), CONTENTS),
        (HEAD.replace(b'"is_forward":false', b'"is_forward":0'), CONTENTS),
        (HEAD.replace(b'"sender":null', b'"sender":["a"]'), CONTENTS),
    ],
)
def test_answer_of_a_captured_child_makes_no_values(head: bytes, contents: list[bytes]) -> None:
    with pytest.raises(wire.WireError):
        wire.decode(head, contents)


def test_sound_answer_is_decoded() -> None:
    assert wire.decode(HEAD, CONTENTS).subject == "s"
