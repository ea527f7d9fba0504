"""Who gets in, what is written down about it, and what Django permissions follow from the role. Used by settings, admin, allauth.

All of allauth's hooks of ours stand here. Sign-ins, failed sign-ins and changes of password or second factor become lines of
the audit book; mails about them are jobs, so that a known and an unknown address take the same time and a dead mail server
breaks no page.
"""

from __future__ import annotations

from typing import Any

from allauth.account import app_settings as account_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.account.utils import user_pk_to_url_str
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.base import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from helpdesk import events, jobs
from helpdesk.limits import too_many_requests
from helpdesk.models import SYSTEM, Actor, Role, User
from helpdesk.models.fields import seal, unseal
from helpdesk.now import now

#: What a manager may do in the admin, by model of this app. Administrators may do everything.
MANAGER_MAY: dict[str, str] = {
    "user": "view add change",
    "team": "view add change",
    "teammembership": "view add change delete",
    "site": "view add change",
    "businesscalendar": "view add change",
    "calendarholiday": "view add change delete",
    "queue": "view add change",
    "skillgroup": "view add change delete",
    "skill": "view add change delete",
    "agentskill": "view add change delete",
    "tag": "view add change delete",
    "issuetype": "view add change delete",
    "statuslabel": "view add change delete",
    "customfield": "view add change delete",
    "customer": "view add change",
    "customeraddress": "view add change delete",
    "organisation": "view add change",
    "ticket": "view",
    "tickettag": "view",
    "ticketlink": "view",
    "participant": "view",
    "message": "view",
    "attachment": "view",
    "ticketevent": "view",
    "auditentry": "view",
    "mailbox": "view add change",
    "rawmail": "view change",
    "outgoingmail": "view change",
    "portalmail": "view",
    "savedview": "view add change delete",
    "cannedresponse": "view add change delete",
    "cannedfile": "view add change delete",
    "macro": "view add change delete",
    "apitoken": "view add change",
}
#: The same for the models of routing.
MANAGER_MAY_OF_ROUTING: dict[str, str] = {
    "queuerouting": "view add change",
    "routingplan": "view add change delete",
    "planversion": "view",
    "demandrule": "view add change delete",
    "notreadyreason": "view add change delete",
    "disposition": "view add change delete",
    "teamrouting": "view add change",
    "shift": "view add change delete",
    "agentpresence": "view add change",
    "agentstateinterval": "view",
    "breakrequest": "view",
    "workitem": "view",
    "offer": "view",
    "assignment": "view",
    "decision": "view",
    "callback": "view",
    "waitforecast": "view",
}
_MANAGER_PERMISSIONS = frozenset(
    f"{app}.{verb}_{model}"
    for app, models in (("helpdesk", MANAGER_MAY), ("routing", MANAGER_MAY_OF_ROUTING))
    for model, verbs in models.items()
    for verb in verbs.split()
)
#: allauth's names of what it would mail about -> our word in the audit book and in the mail to the person.
CHANGES: dict[str, str] = {
    "account/email/password_changed": "password_changed",
    "account/email/password_set": "password_changed",
    "account/email/password_reset": "password_reset",
    "mfa/email/totp_activated": "authenticator_app_added",
    "mfa/email/totp_deactivated": "authenticator_app_removed",
    "mfa/email/recovery_codes_generated": "recovery_codes_renewed",
    "mfa/email/webauthn_added": "security_key_added",
    "mfa/email/webauthn_removed": "security_key_removed",
    "socialaccount/email/account_connected": "company_account_connected",
    "socialaccount/email/account_disconnected": "company_account_disconnected",
}
#: Where a session keeps when it began and when it was last used, in seconds since 1970.
BEGAN, SEEN = "began_at", "seen_at"


class RoleBackend(BaseBackend):
    """Derives Django's permissions from the role; signs nobody in."""

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """The permissions of a manager; others have none here (administrators are superusers)."""
        if isinstance(user_obj, User) and user_obj.is_active and user_obj.role == Role.MANAGER:
            return set(_MANAGER_PERMISSIONS)
        return set()

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Whether the admin lists the app for this person."""
        return app_label in {"helpdesk", "routing"} and bool(self.get_user_permissions(user_obj))


def lacks_second_factor(user: User) -> bool:
    """Whether the house demands a second factor that this person has not set up."""
    return bool(settings.REQUIRE_MFA) and not is_mfa_enabled(user)


def client_address(request: HttpRequest) -> str:
    """The address limits count on: X-Forwarded-For is believed for as many proxies as are configured, from the right."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    trusted = settings.TRUSTED_PROXIES
    if trusted and len(hops) >= trusted:
        return hops[-trusted]
    return str(request.META.get("REMOTE_ADDR", ""))


def signed_in_within(request: HttpRequest, seconds: int) -> bool:
    """Whether this session's person showed a password, a second factor or a company account in the last `seconds`."""
    records = get_authentication_records(request, request.user if isinstance(request.user, User) else None)
    return any(now().timestamp() - record.get("at", 0) < seconds for record in records)


def password_link(user: User) -> str:
    """A link by which this person sets a new password, once, within settings.PASSWORD_RESET_TIMEOUT seconds.

    It names the configured address: a Host header has no say in what we mail.
    """
    token = account_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": token})
    return f"{settings.BASE_URL}{path}"


class StaffAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by managers; nobody signs himself up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """See `client_address`."""
        return client_address(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Counts the attempt by address and by account; above the limit the answer is 429, not a form."""
        key = self._get_login_attempts_cache_key(request, **credentials)
        self._login_failed_rl_usage = ratelimit.consume(request, app="allauth.account", action="login_failed", key=key)
        if not self._login_failed_rl_usage:
            raise ImmediateHttpResponse(too_many_requests(request))

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Writes it down. What was typed is not kept: people type passwords into the wrong field."""
        user = User.objects.filter(email=str(credentials.get("email", "")).lower()).first()
        events.audit(SYSTEM, "user.sign_in_failed", user, {"address": client_address(request)})

    def login(self, request: HttpRequest, user: Any) -> None:
        """Every way in ends here: a fresh session key, its clock, and a line in the audit book."""
        super().login(request, user)
        request.session[BEGAN] = request.session[SEEN] = int(now().timestamp())
        records = get_authentication_records(request, user)
        if records:
            # Who has just signed in is not asked for the same again before he may set up his second factor.
            records[-1]["reauthenticated"] = True
            request.session[AUTHENTICATION_METHODS_SESSION_KEY] = records
        data = {"address": client_address(request), "by": [record["method"] for record in records]}
        events.audit(Actor.of(user), "user.signed_in", user, data)

    def logout(self, request: HttpRequest) -> None:
        """Ends the session and writes it down."""
        if isinstance(request.user, User):
            events.audit(Actor.of(request.user), "user.signed_out", request.user)
        super().logout(request)

    def reauthenticate(self, user: Any, password: str) -> bool:
        """Asks for the password again, by the one address an account has (allauth would look into a table we leave empty)."""
        again = self.authenticate(self.request, email=user.email, password=password)
        return again is not None and again.pk == user.pk

    def send_password_reset_mail(self, user: Any, email: str, context: dict[str, Any]) -> None:
        """Leaves it to a job, which makes the link from the configured address and not from a Host header."""
        jobs.enqueue("helpdesk.tasks.mail_password_link", user.pk)

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Called by allauth after each change of what somebody signs in with: audit book and a mail to the person."""
        change = CHANGES.get(template_prefix, "sign_in_changed")
        events.audit(Actor.of(user), f"user.{change}", user, {"address": client_address(self.request)})
        jobs.enqueue("helpdesk.account_mail.tell_of_change", user.pk, change)


class StaffSecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Authenticator apps, security keys, recovery codes."""

    def encrypt(self, text: str) -> str:
        """Their secrets rest sealed, like the mailboxes' passwords."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Opens what `encrypt` sealed; empty under another key, which no code matches."""
        return unseal(encrypted_text)

    def _get_site_name(self) -> str:
        return str(settings.MFA_TOTP_ISSUER)


def _second_factor_failed(user: User, request: HttpRequest) -> None:
    events.audit(SYSTEM, "user.second_factor_failed", user, {"address": client_address(request)})


class SecondStepForm(AuthenticateForm):  # type: ignore[misc]
    """The code after the password; a wrong one is written down."""

    def _emit_authentication_failed(self, authenticator: Any) -> None:
        _second_factor_failed(self.user, _request())
        super()._emit_authentication_failed(authenticator)


class SecondStepAgainForm(ReauthenticateForm):  # type: ignore[misc]
    """The code before something delicate; a wrong one is written down."""

    def _emit_authentication_failed(self, authenticator: Any) -> None:
        _second_factor_failed(self.user, _request())
        super()._emit_authentication_failed(authenticator)


def _request() -> HttpRequest:
    from allauth.core import context

    request: HttpRequest = context.request
    return request


class StaffSocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Single sign-on lets in whom a manager has entered, by verified address; it makes no accounts."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Never."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Finds the person with the same verified address and connects the company account, once; refuses all others."""
        if sociallogin.state.get("process") != AuthProcess.LOGIN:
            self._refuse(request, _("Log out first; then log in with your company account."), "mfa_index")
        if sociallogin.is_existing:
            if not sociallogin.user.is_active:
                self._refuse(request, _("This account is switched off. Ask a manager."))
            return
        # Some providers send the word "false", which is true to Python.
        verified = [a.email.lower() for a in sociallogin.email_addresses if str(a.verified).lower() == "true"]
        user = User.objects.filter(email__in=verified, is_active=True).first()
        if user is None:
            self._refuse(
                request, _("Your company account is not known here. Ask a manager to add your address to the helpdesk.")
            )
            return
        sociallogin.connect(request, user)

    def _refuse(self, request: HttpRequest, words: str, where: str = "account_login") -> None:
        events.audit(SYSTEM, "user.company_account_refused", None, {"address": client_address(request)})
        messages.error(request, words)
        raise ImmediateHttpResponse(redirect(where))
