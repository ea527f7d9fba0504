"""The form of a mailbox: secrets that can be written and never read, and a clear sentence for every setting that cannot work."""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk.admin.lists import LinesField, mail_address
from helpdesk.models import Mailbox, Security

SECRETS = ("password", "oauth_client_secret", "oauth_refresh_token", "smtp_password")
#: Fields on which the OAuth2 access token rests.
OAUTH_FIELDS = frozenset(
    {"oauth_token_url", "oauth_client_id", "oauth_client_secret", "oauth_refresh_token", "username"}
)
#: Fields that name the folder: a cursor of another folder means nothing in this one.
FOLDER_FIELDS = frozenset({"imap_host", "imap_port", "username", "folder"})
#: What a first look at a folder sets; forgotten, it is looked at anew.
_CURSOR: dict[str, Any] = {"uidvalidity": None, "last_uid": 0, "tidied_uid": 0, "since_at": None}
_LONGEST_IMPORT_DAYS = 36_500
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_SIGNATURE_WORDS = {"agent_name", "mailbox_name", "ticket_number"}
_ACKNOWLEDGEMENT_WORDS = {"mailbox_name", "ticket_number"}
_LONGEST_POLL_SECONDS = 86_400
#: What well-known ports speak: (protocol, port) -> security.
_PORTS = {
    ("imap", 993): Security.TLS,
    ("imap", 143): Security.STARTTLS,
    ("smtp", 465): Security.TLS,
    ("smtp", 587): Security.STARTTLS,
    ("smtp", 25): Security.STARTTLS,
}


def _secret(label: Any) -> forms.CharField:
    # "new-password" keeps browsers from filling in the manager's own password
    widget = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"})
    return forms.CharField(label=label, required=False, strip=False, max_length=8000, widget=widget)


class MailboxForm(forms.ModelForm[Mailbox]):
    """A mailbox's settings."""

    aliases = LinesField(
        label=gettext_lazy("other addresses that are ours"),
        required=False,
        check=mail_address,
        help_text=gettext_lazy(
            "One a line. Mail to them counts as mail to this mailbox. Mail from them opens a ticket like any other, and is never "
            "answered automatically, so that nothing loops."
        ),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("language"), required=False, choices=[("", "-"), *settings.LANGUAGES]
    )
    oauth_token_url = forms.URLField(label=gettext_lazy("token address"), required=False, assume_scheme="https")
    password = _secret(gettext_lazy("password"))
    oauth_client_secret = _secret(gettext_lazy("client secret"))
    oauth_refresh_token = _secret(gettext_lazy("refresh token"))
    smtp_password = _secret(gettext_lazy("SMTP password"))

    class Meta:
        model = Mailbox
        fields = (
            "name",
            "address",
            "aliases",
            "from_name",
            "queue",
            "language",
            "calendar",
            "is_active",
            "signature",
            "imap_host",
            "imap_port",
            "imap_security",
            "username",
            "auth",
            "password",
            "folder",
            "watch",
            "poll_seconds",
            "after_fetch",
            "move_to",
            "import_existing",
            "import_days",
            "oauth_token_url",
            "oauth_client_id",
            "oauth_client_secret",
            "oauth_refresh_token",
            "smtp_host",
            "smtp_port",
            "smtp_security",
            "smtp_username",
            "smtp_password",
            "plus_addressing",
            "auto_acknowledge",
            "acknowledgement",
            "portal_link",
            "new_tickets_require_verified_sender",
        )

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.stored = {name: getattr(self.instance, name) for name in SECRETS}
        for name in SECRETS:
            self.initial[name] = ""
            if name in self.fields:
                self.fields[name].help_text = (
                    _("One is stored. Leave empty to keep it.") if self.stored[name] else _("None is stored yet.")
                )

    def clean(self) -> dict[str, Any]:
        """Looks at the settings as a whole; every refusal says what to do."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        for name in SECRETS:
            values[name] = values.get(name) or self.stored[name]
        self._clean_address(values)
        self._clean_line(values, "imap")
        self._clean_line(values, "smtp")
        self._clean_sign_in(values)
        self._clean_fetching(values)
        self._clean_words(values, "signature", _SIGNATURE_WORDS)
        self._clean_words(values, "acknowledgement", _ACKNOWLEDGEMENT_WORDS)
        return values

    def _clean_address(self, values: dict[str, Any]) -> None:
        address = str(values.get("address") or "").lower()
        values["address"] = address
        values["aliases"] = [alias for alias in values.get("aliases") or [] if alias != address]
        ours = {address, *values["aliases"]}
        for other in Mailbox.objects.exclude(pk=self.instance.pk).only("name", "address", "aliases"):
            for shared in sorted(ours & other.own_addresses()):
                field = "address" if shared == address else "aliases"
                self._refuse(
                    field, _("%(address)s belongs to the mailbox %(name)s."), {"address": shared, "name": other.name}
                )

    def _clean_line(self, values: dict[str, Any], kind: str) -> None:
        host, port, security = (values.get(f"{kind}_{part}") for part in ("host", "port", "security"))
        line = kind.upper()
        values[f"{kind}_host"] = host = str(host or "").strip()
        if values.get("is_active") and not host:
            self._refuse(f"{kind}_host", _("Name the %(line)s server, or switch the mailbox off."), {"line": line})
        if "://" in host or "/" in host or "@" in host or " " in host:
            self._refuse(f"{kind}_host", _("Only the server's name, such as mail.example.com."))
        if port is not None and not 1 <= port <= 65535:
            self._refuse(f"{kind}_port", _("A port is a number from 1 to 65535."))
        if security == Security.PLAIN and host and not _is_this_machine(host):
            self._refuse(
                f"{kind}_security",
                _("Without encryption the password would travel in the clear: only inside one machine."),
            )
            return
        usual = _PORTS.get((kind, port or 0))
        if usual is not None and security != Security.PLAIN and security != usual:
            words = _("Port %(port)s speaks “%(usual)s”: change one of the two.")
            self._refuse(f"{kind}_security", words, {"port": port, "usual": usual.label})

    def _clean_sign_in(self, values: dict[str, Any]) -> None:
        active = bool(values.get("is_active"))
        if active and not values.get("username"):
            self._refuse("username", _("Name the user, mostly the mail address itself."))
        if values.get("auth") == Mailbox.Auth.PASSWORD:
            if active and not values["password"]:
                self._refuse("password", _("Enter the password, or choose OAuth2."))
            if values.get("smtp_username") and not values["smtp_password"]:
                self._refuse("smtp_password", _("Enter the SMTP password, or leave the SMTP user name empty."))
            return
        if active:
            for name, words in (
                ("oauth_token_url", _("Enter the token address of the provider; the presets above name it.")),
                ("oauth_client_id", _("Enter the client id under which this helpdesk is registered at the provider.")),
                ("oauth_refresh_token", _("Enter the refresh token the provider gave when the mailbox was consented.")),
            ):
                if not values.get(name):
                    self._refuse(name, words)
        url = urlsplit(str(values.get("oauth_token_url") or ""))
        if url.hostname and url.scheme != "https" and not _is_this_machine(url.hostname):
            self._refuse("oauth_token_url", _("The token address must begin with https://."))

    def _clean_fetching(self, values: dict[str, Any]) -> None:
        seconds = values.get("poll_seconds")
        if seconds is not None and not 5 <= seconds <= _LONGEST_POLL_SECONDS:
            self._refuse("poll_seconds", _("Ask every 5 seconds at the most often, and at least once a day (86400)."))
        days = values.get("import_days")
        if days is not None and not 1 <= days <= _LONGEST_IMPORT_DAYS:
            self._refuse("import_days", _("Enter a number of days from 1 to 36500."))
        if values.get("after_fetch") == Mailbox.AfterFetch.MOVE:
            if not values.get("move_to"):
                self._refuse("move_to", _("Name the folder fetched mail is moved to."))
            elif values.get("move_to") == values.get("folder"):
                self._refuse("move_to", _("This is the folder mail is fetched from: name another one."))

    def _clean_words(self, values: dict[str, Any], field: str, known: set[str]) -> None:
        unknown = sorted(set(_PLACEHOLDER.findall(str(values.get(field) or ""))) - known)
        if unknown:
            names = ", ".join("{" + name + "}" for name in unknown)
            usable = ", ".join("{" + name + "}" for name in sorted(known))
            self._refuse(
                field, _("%(names)s is no placeholder here: use %(usable)s."), {"names": names, "usable": usable}
            )

    def _refuse(self, field: str, words: str, parts: dict[str, Any] | None = None) -> None:
        self.add_error(field if field in self.fields else None, words % parts if parts else words)

    def save(self, commit: bool = True) -> Any:
        """Forgets what rested on settings that were changed: the access token, and the cursor of another folder."""
        box, changed = self.instance, set(self.changed_data)
        if changed & OAUTH_FIELDS:
            box.oauth_access_token, box.oauth_expires_at = "", None
        if self._looks_anew():
            for name, value in _CURSOR.items():
                setattr(box, name, value)
        return super().save(commit)

    def _looks_anew(self) -> bool:
        """Another folder, or more of the old mail than so far. Known mail is recognised and comes in once."""
        changed = set(self.changed_data)
        wider = self.cleaned_data.get("import_existing") != Mailbox.ImportExisting.NOTHING
        return bool(changed & FOLDER_FIELDS) or (wider and bool(changed & {"import_existing", "import_days"}))

    def columns(self) -> list[str]:
        """The columns this form changed, and no other: the cursor moves while the form is open."""
        changed = set(self.changed_data)
        columns = [field.name for field in Mailbox._meta.concrete_fields if field.name in changed]
        if changed & OAUTH_FIELDS:
            columns += ["oauth_access_token", "oauth_expires_at"]
        if self._looks_anew():
            columns += _CURSOR
        return columns


def _is_this_machine(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
