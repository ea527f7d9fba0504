"""Mails to staff about their own account. Job functions, enqueued by sign_in; they carry ids and words, never a secret."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _
from django.utils.translation import override

from helpdesk.models import User


def tell_of_change(user_id: int, change: str) -> None:
    """Tells somebody that his password or second factor changed (`change` is a value of sign_in.CHANGES)."""
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        return
    with override(user.language):
        body = _(
            "%(what)s\n\n"
            "If this was you, there is nothing to do. If not, tell a manager at once and set a new password:\n%(link)s\n"
        ) % {"what": _sentence(change), "link": f"{settings.BASE_URL}/accounts/password/reset/"}
        send_mail(_("Your helpdesk account was changed"), body, settings.DEFAULT_FROM_EMAIL, [user.email])


def _sentence(change: str) -> str:
    return {
        "password_changed": _("The password of your account was changed."),
        "password_reset": _("The password of your account was set anew by a mailed link."),
        "authenticator_app_added": _("An authenticator app was added to your account."),
        "authenticator_app_removed": _("The authenticator app was removed from your account."),
        "recovery_codes_renewed": _("New recovery codes were made for your account."),
        "security_key_added": _("A security key was added to your account."),
        "security_key_removed": _("A security key was removed from your account."),
        "company_account_connected": _("Your company account was connected to your helpdesk account."),
        "company_account_disconnected": _("Your company account was disconnected from your helpdesk account."),
    }.get(change, _("What you sign in with was changed."))
