"""Headers as real mailers write them: words, addresses, parameters, identifiers, dates, file names, charsets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.mail import addresses, charset, filenames, headers
from helpdesk.mail.message import Address


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"Plain words", "Plain words"),
        (b"folded\r\n over two\r\n\tlines", "folded over two lines"),
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=", "Grüße aus Köln"),
        (b"=?UTF-8?B?2YXYsdit2KjYpw==?=", "مرحبا"),
        (b"=?gb2312?B?xOO6ww==?= and more", "你好 and more"),
        # Two words of one charset with a character split between them.
        (b"=?utf-8?B?4pyT4g==?= =?utf-8?B?nJM=?=", "✓✓"),
        (b"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?a?= b =?iso-8859-1?q?=E9?=", "a b é"),
        (b"=?utf-8?q?blanks inside=3F?=", "blanks inside?"),
        (b"=?utf-8?q?a question? mark?=", "a question? mark"),
        (b"=?utf-8?b?w7xiZXI?=", "über"),  # padding lost
        (b"=?utf-8?q?never_closed", "never closed"),
        (b"=?utf-8?B?8J+YgA==?=", "😀"),
        (b"=?unknown-8bit?q?caf=E9?=", "café"),
        (b"=?iso-2022-jp?B?GyRCJDMkcyRLJEEkTxsoQg==?=", "こんにちは"),
        (b"=?iso-8859-1*en?q?caf=E9?=", "café"),
        ("naïve".encode(), "naïve"),
        ("naïve".encode("latin-1"), "naïve"),
        (b"=?iso-8859-1?q?Fr\xc3\xb6sche?=", "Frösche"),  # raw UTF-8 inside an encoded word of another charset
        (b"nul\x00 and bell\x07", "nul and bell"),
        (b"=?", "=?"),
        (b"=?utf-8?x?bad?=", "=?utf-8?x?bad?="),
        (b"", ""),
    ],
)
def test_unstructured_header_is_read_as_its_writer_meant_it(raw: bytes, expected: str) -> None:
    assert headers.decode_text(raw) == expected


def test_raw_eight_bit_header_is_read_in_the_charset_of_the_body() -> None:
    raw = "Вопрос о заказе".encode("koi8-r")
    assert headers.decode_text(raw, "koi8-r") == "Вопрос о заказе"


@given(st.binary(max_size=400))
def test_any_bytes_give_a_header_text_fit_for_the_database(raw: bytes) -> None:
    text = headers.decode_text(raw)
    assert "\x00" not in text
    assert text.encode("utf-8").decode("utf-8") == text


JANE = Address("jane@example.org", "Jane Doe")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"jane@example.org", [Address("jane@example.org")]),
        (b"Jane Doe <jane@example.org>", [JANE]),
        (b'"Doe, Jane" <jane@example.org>', [Address("jane@example.org", "Doe, Jane")]),
        (b"Doe, Jane R <jane@example.org>", [Address("jane@example.org", "Doe, Jane R")]),
        (b"jane@example.org (Jane Doe)", [JANE]),
        (b"jane@EXAMPLE.org", [Address("jane@example.org")]),
        (b"Jane.Doe@Example.ORG", [Address("Jane.Doe@example.org")]),
        (b"=?utf-8?q?J=C3=A4ne?= <j@example.org>", [Address("j@example.org", "Jäne")]),
        (b'"=?utf-8?q?J=C3=A4ne?=" <j@example.org>', [Address("j@example.org", "Jäne")]),
        (b"'Jane Doe' <jane@example.org>", [JANE]),
        (b"a@x.org, b@x.org; c@x.org", [Address("a@x.org"), Address("b@x.org"), Address("c@x.org")]),
        (b"a@x.org b@x.org", [Address("a@x.org")]),
        (b"Team: a@x.org, B <b@x.org>;", [Address("a@x.org"), Address("b@x.org", "B")]),
        (b"undisclosed-recipients:;", []),
        (b"Undisclosed recipients", []),
        (b"<jane@example.org", [Address("jane@example.org")]),
        (b"<<jane@example.org>>", [Address("jane@example.org")]),
        (b"<mailto:jane@example.org>", [Address("jane@example.org")]),
        (b"<@relay.org,@other.org:jane@example.org>", [Address("jane@example.org")]),
        (b"jane (a (nested) comment) @ example . org", [Address("jane@example.org", "a (nested) comment")]),
        (b"Pete(A nice \\) chap) <pete(his account)@silvie.test(his host)>", [Address("pete@silvie.test", "Pete")]),
        (b'"odd local"@example.org', [Address('"odd local"@example.org')]),
        (b"MAILER-DAEMON", [Address("MAILER-DAEMON")]),
        (b"j@xn--bcher-kva.example", [Address("j@bücher.example")]),
        (b"j@xn--\xff.example", [Address("j@xn--ÿ.example")]),
        (b"Shop <>", []),
        (b"(only a comment)", []),
        (b",,;,", []),
        (b'"unclosed <jane@example.org>', [Address("jane@example.org", "unclosed")]),
        (b"Jane (sales <jane@example.org>", [Address("jane@example.org", "Jane ( sales")]),
        (b"Jane: Support <jane@example.org>", [Address("jane@example.org", "Support")]),
        (b"jane@example.org <jane@example.org>", [Address("jane@example.org", "jane@example.org")]),
    ],
)
def test_address_list_is_read_as_mailers_write_it(raw: bytes, expected: list[Address]) -> None:
    found, cut = headers.address_list([raw], 500)
    assert (list(found), cut) == (expected, False)


def test_name_that_looks_like_another_address_stays_a_name() -> None:
    found, _cut = headers.address_list([b'"support@bank.example" <attacker@evil.test>'], 10)
    assert found == (Address("attacker@evil.test", "support@bank.example"),)


def test_encoded_angle_bracket_in_a_name_makes_no_address() -> None:
    found, _cut = headers.address_list([b"=?utf-8?q?boss=40bank.example_=3Cboss=40bank.example=3E?= <evil@x.test>"], 10)
    assert [address.email for address in found] == ["evil@x.test"]


def test_address_list_is_cut_at_its_limit_and_says_so() -> None:
    value = b", ".join(b"u%d@example.org" % number for number in range(600))
    found, cut = headers.address_list([value], 500)
    assert (len(found), cut) == (500, True)


def test_addresses_of_two_fields_are_joined_in_order() -> None:
    found, _cut = headers.address_list([b"a@x.org", b"b@x.org"], 500)
    assert found == (Address("a@x.org"), Address("b@x.org"))


@given(st.text(alphabet='ab@.,;:<>()"\\ =?', max_size=200))
def test_any_address_text_is_read_without_an_error_and_gives_single_line_values(value: str) -> None:
    found, _cut = addresses.parse_addresses(value, headers.decode_words, 50)
    assert all(address.email and "\n" not in address.email + address.name for address in found)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ([b"<a@x.org>"], ("a@x.org",)),
        ([b"<a@x.org> <b@x.org>\r\n\t<c@x.org>"], ("a@x.org", "b@x.org", "c@x.org")),
        ([b"<a@x.org><b@x.org>,<a@x.org>"], ("a@x.org", "b@x.org")),
        ([b"<very-long-\r\n identifier@x.org>"], ("very-long-identifier@x.org",)),
        ([b"Your message of Monday <a@x.org>"], ("a@x.org",)),
        ([b"a@x.org b@x.org"], ("a@x.org", "b@x.org")),
        ([b"<>"], ()),
        ([b""], ()),
        ([b"<no-at-sign>"], ("no-at-sign",)),
    ],
)
def test_identifiers_are_found_without_brackets_and_once(raw: list[bytes], expected: tuple[str, ...]) -> None:
    assert headers.identifiers(raw) == expected


def test_endless_references_keep_the_newest() -> None:
    found = headers.identifiers([b" ".join(b"<%d@x.org>" % number for number in range(5000))])
    assert (len(found), found[-1]) == (200, "4999@x.org")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"Mon, 02 Mar 2026 10:00:00 +0100", datetime(2026, 3, 2, 10, tzinfo=timezone(timedelta(hours=1)))),
        (b"2 Mar 2026 10:00:00 -0000 (comment)", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        (b"2026-03-02T10:00:00Z", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        (b"yesterday", None),
        (b"Mon, 02 Mar 1926 10:00:00 +0000", None),
        (b"Mon, 02 Mar 9999 10:00:00 +0000", None),
        (b"Mon, 02 Mar 2026 10:00:00 +9900", None),
        (b"9" * 5000, None),
        (b"(" * 5000, None),
        (b"", None),
    ],
)
def test_date_is_read_or_left_out(raw: bytes, expected: datetime | None) -> None:
    assert headers.parse_date(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"text/plain; charset=utf-8", ("text", "plain", {"charset": "utf-8"})),
        (b'TEXT/HTML;CHARSET="utf-8"', ("text", "html", {"charset": "utf-8"})),
        (b"text/html charset=utf-8", ("text", "html", {"charset": "utf-8"})),
        (b"text", ("text", "plain", {})),
        (b"multipart/mixed boundary=abc", ("multipart", "mixed", {"boundary": "abc"})),
        (b'multipart/mixed; boundary="a;b\\"c"', ("multipart", "mixed", {"boundary": 'a;b"c'})),
        (b"application/pdf; name=my report.pdf", ("application", "pdf", {"name": "my report.pdf"})),
        (b"application/pdf; name=a.pdf; name=b.pdf", ("application", "pdf", {"name": "a.pdf"})),
        (b"application/pdf; name*=utf-8'de'%C3%BCber.pdf", ("application", "pdf", {"name": "über.pdf"})),
        (b"a/b; name*0*=utf-8''%C3; name*1*=%BC.pdf", ("a", "b", {"name": "ü.pdf"})),
        (b'a/b; name*1="b.pdf"; name*0="a"', ("a", "b", {"name": "ab.pdf"})),
        (b"a/b; name*=us-ascii''%E9.pdf", ("a", "b", {"name": "é.pdf"})),
        (b"a/b; name*=iso-8859-1'%E9.pdf", ("a", "b", {"name": "é.pdf"})),
        (b'a/b; name="=?utf-8?q?=C3=BCber.pdf?="', ("a", "b", {"name": "über.pdf"})),
        (b'a/b; name="C:\\reports\\may.pdf"', ("a", "b", {"name": "C:\\reports\\may.pdf"})),
        (b"a/b; ;;; x", ("a", "b", {})),
        (b"=garbage", ("", "", {})),
        (b"", ("", "", {})),
    ],
)
def test_content_type_is_read_however_it_is_written(raw: bytes, expected: tuple[str, str, dict[str, str]]) -> None:
    assert headers.content_type(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'attachment; filename="a.pdf"', ("attachment", {"filename": "a.pdf"})),
        (b"INLINE", ("inline", {})),
        (b"filename=a.pdf", ("", {"filename": "a.pdf"})),
        (b"", ("", {})),
    ],
)
def test_disposition_is_read_with_or_without_its_word(raw: bytes, expected: tuple[str, dict[str, str]]) -> None:
    assert headers.disposition(raw) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report.pdf", "report.pdf"),
        ("Rechnung Nr. 5.pdf", "Rechnung Nr. 5.pdf"),
        ("تقرير المبيعات.pdf", "تقرير المبيعات.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/etc/passwd", "passwd"),
        ("C:\\Users\\Jane\\may.pdf", "may.pdf"),
        ("Invoice 10/2024.pdf", "Invoice 10_2024.pdf"),
        ("exe.\u202egpj.cod", "exe.gpj.cod"),
        ("two\r\nlines\x00.txt", "two lines.txt"),
        ("  spaced .txt  ", "spaced .txt"),
        ("trailing dots...", "trailing dots"),
        ("%E4%BD%A0%E5%A5%BD.txt", "你好.txt"),
        ("100%.txt", "100%.txt"),
        ("...", ""),
        ("", ""),
        ("\u200e\u200f", ""),
    ],
)
def test_file_name_is_harmless_and_readable(name: str, expected: str) -> None:
    assert filenames.safe_name(name) == expected


def test_long_file_name_keeps_its_extension_within_200_bytes() -> None:
    name = filenames.safe_name("文" * 300 + ".docx")
    assert name.endswith("文.docx")
    assert len(name.encode()) <= 200


@given(st.text(max_size=300))
def test_no_file_name_leaves_its_folder_or_its_length(name: str) -> None:
    safe = filenames.safe_name(name)
    assert "/" not in safe
    assert "\\" not in safe
    assert safe not in (".", "..")
    assert len(safe.encode("utf-8", "surrogatepass")) <= 200


@pytest.mark.parametrize(
    ("content_type", "hint", "expected"),
    [
        ("image/png", "", "image-3.png"),
        ("text/calendar", "", "invite.ics"),
        ("message/rfc822", "Re: order 5", "Re: order 5.eml"),
        ("message/rfc822", "", "message-3.eml"),
        ("application/x-unheard-of", "", "attachment-3.bin"),
        ("application/pkcs7-signature", "", "smime.p7s"),
    ],
)
def test_part_without_a_name_gets_one_by_its_type(content_type: str, hint: str, expected: str) -> None:
    assert filenames.default_name(content_type, 3, hint) == expected


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("UTF-8", "utf-8"),
        ('"utf-8"', "utf-8"),
        ("utf8mb4", "utf-8"),
        ("iso-8859-1", "cp1252"),
        ("latin-1", "cp1252"),
        ("gb2312", "gb18030"),
        ("ks_c_5601-1987", "cp949"),
        ("windows-1256", "cp1256"),
        ("unicode-1-1-utf-7", "utf-7"),
        ("ISO-8859-8-I", "iso8859-8"),
        ("charset=utf-8", "utf-8"),
        ("windows-1252http-equivcontent-type", "cp1252"),
        ("x-unknown", ""),
        ("base64", ""),
        ("rot13", ""),
        ("unicode_escape", ""),
        ("idna", ""),
        ("a\x00b", ""),
        ("", ""),
    ],
)
def test_charset_label_finds_its_codec(label: str, expected: str) -> None:
    assert charset.python_codec(label) == expected


@pytest.mark.parametrize(
    ("data", "declared", "expected"),
    [
        ("Grüße".encode(), "utf-8", "Grüße"),
        ("Grüße".encode(), "us-ascii", "Grüße"),
        ("Grüße".encode(), "x-unknown", "Grüße"),
        ("Grüße".encode(), "", "Grüße"),
        ("Grüße".encode("latin-1"), "utf-8", "Grüße"),
        (b"\x93quoted\x94 \x80", "iso-8859-1", "“quoted” €"),
        ("中文邮件内容".encode("gb18030"), "gb2312", "中文邮件内容"),
        ("안녕하세요".encode("cp949"), "euc-kr", "안녕하세요"),
        ("サポート".encode("cp932"), "shift_jis", "サポート"),
        ("日本語".encode("iso2022_jp"), "", "日本語"),
        ("سلام".encode("cp1256"), "windows-1256", "سلام"),
        (("Zufällige Wörter über Köln, " * 20).encode()[:-1] + b"\xff", "utf-8", None),
        (b"nul\x00s", "utf-8", "nuls"),
        (b"+ZeVnLIqe-", "utf-7", "日本語"),
    ],
)
def test_bytes_are_read_by_what_was_declared_or_what_holds(data: bytes, declared: str, expected: str | None) -> None:
    text, _defect = charset.decode(data, declared)
    if expected is None:
        assert "Wörter über Köln" in text
    else:
        assert text == expected


@pytest.mark.parametrize(
    ("codec", "original"),
    [
        ("koi8-r", "Добрый день, мой заказ до сих пор не доставлен, помогите пожалуйста разобраться."),
        ("cp1251", "Добрый день, мой заказ до сих пор не доставлен, помогите пожалуйста разобраться."),
        ("gb18030", "您好，我上周在网上购买了一台洗衣机，但是到现在还没有收到货，请帮我查一下订单状态。"),
        ("big5", "您好，我上週在網上購買了一台洗衣機，但是到現在還沒有收到貨，請幫我查一下訂單狀態。"),
        ("shift_jis", "お世話になっております。先週注文した商品がまだ届いておりません。"),
        ("euc_kr", "안녕하세요. 지난주에 주문한 상품이 아직 도착하지 않았습니다. 확인 부탁드립니다."),
        ("cp1256", "السلام عليكم، لم تصلني الطلبية التي طلبتها الأسبوع الماضي. أرجو التحقق من حالة الطلب وشكرا."),
        ("cp1253", "Καλησπέρα, η παραγγελία μου δεν έχει φτάσει ακόμα. Παρακαλώ ελέγξτε την κατάσταση."),
        ("cp1252", "Guten Tag, die Lieferung für München ist noch nicht da, schöne Grüße, auf Rückruf hofft Jörg."),
    ],
)
def test_undeclared_text_is_guessed_from_its_bytes(codec: str, original: str) -> None:
    assert charset.decode(original.encode(codec))[0] == original


@given(st.binary(max_size=600), st.sampled_from(["", "utf-8", "gb2312", "shift_jis", "utf-7", "nonsense", "utf-16"]))
def test_any_bytes_in_any_charset_give_text_fit_for_the_database(data: bytes, declared: str) -> None:
    text, _defect = charset.decode(data, declared)
    assert "\x00" not in text
    assert text.encode("utf-8").decode("utf-8") == text
