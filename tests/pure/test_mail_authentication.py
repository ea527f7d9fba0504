"""Whom our own receiving server proves, and whose word about a sender is not taken."""

from __future__ import annotations

import pytest

from helpdesk.mail.authentication import Authentication, Verdict, evaluate

OURS = frozenset({"mx.desk.example"})


def verdict(*headers: str, domain: str = "shop.example", trusted: frozenset[str] = OURS) -> Verdict:
    return evaluate(headers, trusted_ids=trusted, sender_domain=domain).verdict


@pytest.mark.parametrize(
    "results",
    [
        "dmarc=pass header.from=shop.example",
        "dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=shop.example",
        "dmarc=pass",
        "DMARC=Pass header.from=SHOP.example",
        "dkim=pass header.d=shop.example",
        "dkim=pass header.i=@shop.example header.s=k1 header.b=abc123",
        "dkim=pass header.d=mail.shop.example",
        "dkim=fail header.d=other.example; dkim=pass header.d=shop.example",
        "spf=pass smtp.mailfrom=bounce@shop.example",
        "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=shop.example; dkim=none",
        'spf=fail smtp.mailfrom=relay.example; dkim=pass reason="good; (very) good" header.d=shop.example',
        "spf=pass smtp.mailfrom=shop.example; dkim=none; dmarc=bestguesspass action=none header.from=shop.example",
        "dmarc=none header.from=shop.example; dkim=pass header.d=shop.example",
    ],
)
def test_proof_of_the_sender_domain_passes(results: str) -> None:
    assert verdict(f"mx.desk.example; {results}") == Verdict.PASS


@pytest.mark.parametrize(
    "results",
    [
        "dmarc=fail header.from=shop.example",
        "dmarc=fail (p=none) header.from=shop.example; dkim=pass header.d=shop.example",
        "dmarc=pass header.from=shop.example; dmarc=fail header.from=shop.example",
        "dkim=fail header.d=shop.example; spf=fail smtp.mailfrom=shop.example",
        "dkim=fail (bad signature) header.d=shop.example; spf=softfail smtp.mailfrom=a@mail.shop.example",
    ],
)
def test_disproof_of_the_sender_domain_fails(results: str) -> None:
    assert verdict(f"mx.desk.example; {results}") == Verdict.FAIL


@pytest.mark.parametrize(
    "results",
    [
        "none",
        "dmarc=temperror header.from=shop.example",
        "dkim=pass header.d=evil.example",
        "dkim=pass header.d=myshop.example",
        "spf=pass smtp.mailfrom=evil.example",
        "spf=pass smtp.helo=shop.example",
        "dkim=pass",
        "dmarc=pass header.from=evil.example",
        "dkim=fail header.d=shop.example",
        "spf=fail smtp.mailfrom=shop.example",
        "dkim=fail header.d=evil.example; spf=fail smtp.mailfrom=evil.example",
        "auth=pass smtp.auth=ines@shop.example",
        "arc=pass; iprev=pass policy.iprev=192.0.2.1",
        "x-checker=pass (dmarc=pass header.from=shop.example)",
        'spf=fail smtp.mailfrom="a; dmarc=pass header.from=shop.example"',
    ],
)
def test_what_is_neither_proof_nor_disproof_says_nothing(results: str) -> None:
    assert verdict(f"mx.desk.example; {results}") == Verdict.NONE


def test_without_a_trusted_server_nothing_is_believed() -> None:
    header = "mx.desk.example; dmarc=pass header.from=shop.example"
    assert verdict(header, trusted=frozenset()) == Verdict.NONE
    assert verdict(header, trusted=frozenset({"mx.elsewhere.example"})) == Verdict.NONE
    assert verdict() == Verdict.NONE


def test_forged_header_below_ours_changes_nothing() -> None:
    ours = "mx.desk.example; dmarc=fail header.from=shop.example"
    forged = "mx.desk.example; dmarc=pass header.from=shop.example"
    assert verdict(ours, forged) == Verdict.FAIL
    assert verdict("mx.desk.example; none", forged) == Verdict.NONE


def test_header_of_ours_that_cannot_be_read_does_not_hand_the_word_to_one_below() -> None:
    forged = "mx.desk.example; dmarc=pass header.from=shop.example"
    assert verdict("mx.desk.example; dmarc= header.from", forged) == Verdict.NONE
    assert verdict("mx.desk.example", forged) == Verdict.NONE
    assert verdict("mx.desk.example; " + "x=y a.b=c; " * 2000, forged) == Verdict.NONE


def test_header_of_a_stranger_above_ours_is_passed_over() -> None:
    assert (
        verdict(
            "mx.evil.example; dmarc=pass header.from=shop.example",
            "mx.desk.example; dmarc=fail header.from=shop.example",
        )
        == Verdict.FAIL
    )
    assert (
        verdict("mx.evil.example; dmarc=fail", "mx.desk.example; dmarc=pass header.from=shop.example") == Verdict.PASS
    )


@pytest.mark.parametrize(
    "stranger",
    [
        "mx.desk.example.evil.example; dmarc=pass header.from=shop.example",
        "evil.example mx.desk.example; dmarc=pass header.from=shop.example",
        "(mx.desk.example;) evil.example; dmarc=pass header.from=shop.example",
        "dmarc=pass header.from=shop.example",
        "",
        "; dmarc=pass",
    ],
)
def test_name_that_only_looks_like_ours_is_a_stranger(stranger: str) -> None:
    assert verdict(stranger) == Verdict.NONE


@pytest.mark.parametrize(
    "header",
    [
        "MX.Desk.Example; dmarc=pass header.from=shop.example",
        "mx.desk.example 1; dmarc=pass header.from=shop.example",
        "(added by us) mx.desk.example (host [192.0.2.5]); dmarc=pass header.from=shop.example",
        "mx.desk.example;\r\n\tdmarc=pass (p=none\r\n dis=none)\r\n\theader.from=shop.example",
        '"mx.desk.example"; dmarc=pass header.from=shop.example',
        "mx.desk.example; dmarc = pass header.from = shop.example",
        "mx.desk.example; dkim/1=pass header.d=shop.example;",
    ],
)
def test_our_name_is_known_in_every_lawful_writing(header: str) -> None:
    assert verdict(header) == Verdict.PASS


@pytest.mark.parametrize(
    "header",
    [
        "mx.desk.example; dmarc=pass header.from=shop.example (never closed",
        'mx.desk.example; dmarc=pass header.from="shop.example',
        "mx.desk.example; (((((" + "(" * 3000,
        "mx.desk.example; \x00=\ud800",
        "mx.desk.example; =pass; dmarc=pass header.from=shop.example",
    ],
)
def test_broken_syntax_proves_nothing_and_never_raises(header: str) -> None:
    assert verdict(header) == Verdict.NONE


@pytest.mark.parametrize(
    ("checked", "domain", "expected"),
    [
        ("mail.shop.example", "shop.example", Verdict.PASS),
        ("shop.example", "mail.shop.example", Verdict.PASS),
        ("shop.co.uk", "mail.shop.co.uk", Verdict.PASS),
        ("co.uk", "shop.co.uk", Verdict.NONE),
        ("evil.co.uk", "shop.co.uk", Verdict.NONE),
        ("example", "shop.example", Verdict.NONE),
        ("xn--bcher-kva.example", "bücher.example", Verdict.PASS),
    ],
)
def test_alignment_is_relaxed_within_one_owner(checked: str, domain: str, expected: Verdict) -> None:
    assert verdict(f"mx.desk.example; dkim=pass header.d={checked}", domain=domain) == expected


def test_the_reason_names_the_check_and_the_server() -> None:
    found = evaluate(
        ["mx.desk.example; dmarc=pass header.from=shop.example"], trusted_ids=OURS, sender_domain="shop.example"
    )
    assert found == Authentication(Verdict.PASS, "dmarc=pass for shop.example, says mx.desk.example.")


def test_mail_without_a_sender_domain_proves_nothing() -> None:
    assert verdict("mx.desk.example; dmarc=pass", domain="") == Verdict.NONE
