"""Single sign-on: whom the company vouches for comes in, if a manager has entered him; nobody else, by no trick."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.http import HttpResponse
from django.test import Client

from helpdesk.models import AuditEntry, User
from tests.accounts.company import SECRET, Company
from tests.accounts.conftest import LOGIN, type_at
from tests.factories import make_user

START = "/accounts/oidc/company/login/"


@pytest.fixture
def company(settings: Any) -> Iterator[Company]:
    """The company's sign-in, configured."""
    with Company() as company:
        settings.SOCIALACCOUNT_PROVIDERS = company.settings()
        yield company


def go_there(door: Client) -> str:
    """Presses the button; returns where the browser is sent."""
    response = door.post(START)
    assert response.status_code == 302, response.content
    return str(response["Location"])


def come_back(company: Company, location: str) -> str:
    """What the provider answers, as path and query of ours."""
    asked = {key: values[0] for key, values in parse_qs(urlsplit(location).query).items()}
    parts = urlsplit(company.authorize(asked))
    return f"{parts.path}?{parts.query}"


def sign_in(door: Client, company: Company) -> HttpResponse:
    """The whole way there and back; the page it ends on."""
    return door.get(come_back(company, go_there(door)), follow=True)  # type: ignore[return-value]


def _inside(door: Client) -> bool:
    return door.get("/profile/").status_code == 200


def test_the_button_stands_on_the_page_only_when_there_is_a_company_sign_in(
    door: Client, user: User, settings: Any
) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = {}
    assert START not in door.get(LOGIN).content.decode()
    assert door.post(START).status_code == 404
    with Company() as company:
        settings.SOCIALACCOUNT_PROVIDERS = company.settings()
        page = door.get(LOGIN).content.decode()
    assert START in page
    assert "Halden account" in page


def test_a_verified_address_of_somebody_here_opens_the_desk(door: Client, user: User, company: Company) -> None:
    sign_in(door, company)

    assert _inside(door)
    assert SocialAccount.objects.get().user == user
    entries = {entry.action: entry.data for entry in AuditEntry.objects.all()}
    assert entries["user.signed_in"]["by"] == ["socialaccount"]
    assert "user.company_account_connected" in entries


def test_the_second_time_the_connection_counts_and_not_the_address(door: Client, user: User, company: Company) -> None:
    sign_in(door, company)
    company.person["email"] = "sara.renamed@halden.example"
    again = Client()

    sign_in(again, company)

    assert _inside(again)
    assert SocialAccount.objects.count() == 1


def test_the_request_asks_for_a_code_with_a_state_and_a_challenge(door: Client, user: User, company: Company) -> None:
    asked = parse_qs(urlsplit(go_there(door)).query)

    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) >= 16
    assert SECRET not in str(asked)


def test_an_address_nobody_entered_is_refused_with_a_sentence(door: Client, user: User, company: Company) -> None:
    company.person["email"] = "stranger@halden.example"

    page = sign_in(door, company)

    assert "Ask a manager to add your address" in page.content.decode()
    assert not _inside(door)
    assert (User.objects.count(), SocialAccount.objects.count(), EmailAddress.objects.count()) == (1, 0, 0)
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["user.company_account_refused"]


@pytest.mark.parametrize("word", [False, "false", "False", None, 0, ""])
def test_an_address_that_is_not_verified_is_refused(door: Client, user: User, company: Company, word: object) -> None:
    company.person["email_verified"] = word

    page = sign_in(door, company)

    assert "Ask a manager" in page.content.decode()
    assert not _inside(door)


def test_somebody_switched_off_is_refused_before_and_after_he_was_connected(
    door: Client, user: User, company: Company
) -> None:
    User.objects.update(is_active=False)
    sign_in(door, company)
    assert not _inside(door)
    User.objects.update(is_active=True)
    sign_in(door, company)
    assert _inside(door)
    User.objects.update(is_active=False)
    again = Client()

    page = sign_in(again, company)

    assert not _inside(again)
    assert "switched off" in page.content.decode()


def test_the_second_factor_of_the_house_is_asked_for_as_well(
    door: Client, user: User, company: Company, settings: Any
) -> None:
    settings.REQUIRE_MFA = True

    sign_in(door, company)

    assert door.get("/inbox/team/")["Location"] == "/accounts/2fa/"


def test_an_answer_with_a_changed_state_is_refused(door: Client, user: User, company: Company) -> None:
    back = come_back(company, go_there(door))

    response = door.get(back[:-3] + "xyz")

    assert response.status_code in {400, 401, 403}
    assert not _inside(door)


def test_an_answer_to_somebody_elses_question_is_refused(door: Client, user: User, company: Company) -> None:
    """The attacker begins, and has his victim's browser finish: it would sit in the attacker's account."""
    attacker = Client()
    back = come_back(company, go_there(attacker))

    door.get(back)

    assert not _inside(door)


def test_a_stolen_code_is_worth_nothing_in_another_browser(door: Client, user: User, company: Company) -> None:
    """Injecting the victim's code into the attacker's own question: the verifier does not fit."""
    stolen = parse_qs(urlsplit(come_back(company, go_there(door))).query)["code"][0]
    attacker = Client()
    own = parse_qs(urlsplit(come_back(company, go_there(attacker))).query)

    attacker.get("/accounts/oidc/company/login/callback/", {"code": stolen, "state": own["state"][0]})

    assert not _inside(attacker)


def test_an_answer_counts_once(door: Client, user: User, company: Company) -> None:
    back = come_back(company, go_there(door))
    door.get(back)
    door.post("/accounts/logout/")

    door.get(back)

    assert not _inside(door)


@pytest.mark.parametrize(("issuer", "audience"), [("https://evil.test", ""), ("", "another-client")])
def test_a_token_of_another_issuer_or_for_another_client_is_refused(
    door: Client, user: User, company: Company, issuer: str, audience: str
) -> None:
    company.bent_issuer = issuer
    company.audience = audience or company.audience

    sign_in(door, company)

    assert not _inside(door)


def test_a_company_that_is_away_is_a_sentence_and_not_an_error(door: Client, user: User, settings: Any) -> None:
    with Company() as company:
        settings.SOCIALACCOUNT_PROVIDERS = company.settings()
    response = door.post(START, follow=True)

    assert response.redirect_chain == [(LOGIN, 302)]
    assert "cannot be reached" in response.content.decode()


def test_a_broken_company_shows_no_secret(
    door: Client, user: User, company: Company, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    company.broken = True

    page = sign_in(door, company)

    assert not _inside(door)
    assert page.status_code < 500
    assert SECRET not in page.content.decode() + caplog.text + capsys.readouterr().err


def test_signed_in_people_cannot_hang_another_account_onto_their_own(
    door: Client, user: User, company: Company
) -> None:
    make_user(email="otto@halden.example")
    type_at(door, email="otto@halden.example")
    response = door.post(f"{START}?process=connect")

    door.get(come_back(company, str(response["Location"])))

    assert not SocialAccount.objects.exists()


def test_a_get_does_not_begin_a_sign_in(door: Client, user: User, company: Company) -> None:
    assert "state=" not in door.get(START).headers.get("Location", "")


def test_no_tokens_of_the_company_are_kept(door: Client, user: User, company: Company) -> None:
    sign_in(door, company)

    assert not SocialToken.objects.exists()
