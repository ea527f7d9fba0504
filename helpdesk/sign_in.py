"""Who gets in, and what Django permissions follow from the role. Used by settings, the admin and allauth."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from helpdesk.models import Role, User

#: What a manager may do in the admin, by model of this app. Administrators may do everything.
MANAGER_MAY: dict[str, str] = {
    "user": "view add change",
    "team": "view add change",
    "teammembership": "view add change delete",
    "site": "view add change",
    "businesscalendar": "view add change",
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
    "savedview": "view add change delete",
    "apitoken": "view add change",
}
_MANAGER_PERMISSIONS = frozenset(
    f"helpdesk.{verb}_{model}" for model, verbs in MANAGER_MAY.items() for verb in verbs.split()
)


class RoleBackend(BaseBackend):
    """Derives Django's permissions from the role; signs nobody in."""

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """The permissions of a manager; others have none here (administrators are superusers)."""
        if isinstance(user_obj, User) and user_obj.is_active and user_obj.role == Role.MANAGER:
            return set(_MANAGER_PERMISSIONS)
        return set()

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Whether the admin lists the app for this person."""
        return app_label == "helpdesk" and bool(self.get_user_permissions(user_obj))


def lacks_second_factor(user: User) -> bool:
    """Whether the house demands a second factor that this person has not set up."""
    return bool(settings.REQUIRE_MFA) and not is_mfa_enabled(user)


class StaffAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by managers; nobody signs himself up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address limits count on: X-Forwarded-For is believed for as many proxies as are configured."""
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
        trusted = settings.TRUSTED_PROXIES
        if trusted and len(hops) >= trusted:
            return hops[-trusted]
        return str(request.META.get("REMOTE_ADDR", ""))


class StaffSocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Single sign-on lets in whom a manager has entered, by verified address; it makes no accounts."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Never."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Connects the company account to the person with the same verified address."""
        if sociallogin.is_existing:
            return
        verified = [a.email for a in sociallogin.email_addresses if a.verified]
        user = User.objects.filter(email__in=[a.lower() for a in verified], is_active=True).first()
        if user is None:
            messages.error(
                request, _("Your company account is not known here. Ask a manager to add your address to the helpdesk.")
            )
            raise ImmediateHttpResponse(redirect("account_login"))
        sociallogin.connect(request, user)
