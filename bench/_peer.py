"""django-helpdesk in a virtual environment and a database of its own, set up as its documentation says; used by mail_in.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "var" / "bench" / "peers" / "django-helpdesk"
PACKAGE, WANTED = "django-helpdesk", "2.6.1"
_SETTINGS = """
import os
from urllib.parse import unquote, urlsplit
url = urlsplit(os.environ["PEER_DATABASE_URL"])
SECRET_KEY = "only for a bench"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:], "USER": unquote(url.username or ""),
    "PASSWORD": unquote(url.password or ""), "HOST": os.environ["PEER_DATABASE_HOST"], "PORT": url.port or ""}}
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.sites",
    "django.contrib.humanize", "django.contrib.messages", "django.contrib.staticfiles", "django.contrib.admin",
    "rest_framework", "helpdesk"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
SILENCED_SYSTEM_CHECKS = ["admin.E402", "admin.E403", "admin.E404", "admin.E408", "admin.E409", "admin.E410"]
SITE_ID = 1
USE_TZ = True
ROOT_URLCONF = "peer_urls"
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
MEDIA_ROOT = os.environ["PEER_MEDIA"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
HELPDESK_TEAMS_MODE_ENABLED = False
HELPDESK_TEAMS_MODEL = "auth.Group"
HELPDESK_TEAMS_MIGRATION_DEPENDENCIES = []
HELPDESK_KBITEM_TEAM_GETTER = lambda item: None
"""
_URLS = (
    'from django.urls import include, path\nurlpatterns = [path("", include("helpdesk.urls", namespace="helpdesk"))]\n'
)
_QUEUE = """
import os, django
django.setup()
from django.contrib.sites.models import Site
from helpdesk.models import FollowUp, Queue, Ticket
Ticket.objects.all().delete()
Queue.objects.update_or_create(slug="bench", defaults=dict(title="Bench", email_address="support@halden.example",
    allow_email_submission=True, email_box_type="imap", email_box_host="127.0.0.1", email_box_port=int(os.environ["PEER_PORT"]),
    email_box_user=os.environ["PEER_USER"], email_box_pass=os.environ["PEER_PASSWORD"], email_box_imap_folder="INBOX",
    email_box_ssl=False, email_box_interval=0, email_box_last_check=None, logging_type="none"))
"""
_COUNT = """
import django
django.setup()
from helpdesk.models import FollowUp, Ticket
print(Ticket.objects.count(), FollowUp.objects.count())
"""


class CannotInstall(Exception):
    """The peer cannot be had here; the message says why."""


class Peer:
    """The peer on one database; `prepare` points it at a mailbox."""

    def __init__(self, url: str, host: str) -> None:
        self.python = FOLDER / "bin" / "python"
        self.project = FOLDER / "project"
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(self.project),
            "DJANGO_SETTINGS_MODULE": "peer_settings",
            "PEER_DATABASE_URL": url,
            "PEER_DATABASE_HOST": host,
            "PEER_MEDIA": str(FOLDER / "media"),
        }

    def install(self) -> str:
        """Makes the environment when it is missing; returns the version. Raises CannotInstall."""
        if not self.python.exists():
            print(f"installing {PACKAGE} into {FOLDER} (once) ...", flush=True)
            subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)
            for requirement in (f"{PACKAGE}=={WANTED}", PACKAGE):
                pip = [str(self.python), "-m", "pip", "install", "-q", requirement, "psycopg[binary]", "setuptools"]
                if subprocess.run(pip, check=False, stderr=subprocess.DEVNULL).returncode == 0:
                    break
            else:
                raise CannotInstall(f"pip could not install {PACKAGE}")
        self.project.mkdir(exist_ok=True)
        (self.project / "peer_settings.py").write_text(_SETTINGS, encoding="utf-8")
        (self.project / "peer_urls.py").write_text(_URLS, encoding="utf-8")
        return self._python(f"import importlib.metadata as m; print(m.version({PACKAGE!r}))").strip()

    def migrate(self) -> None:
        """Its tables."""
        self._run([str(self.python), "-m", "django", "migrate", "-v", "0"])

    def prepare(self, user: str, password: str, port: int) -> None:
        """An empty helpdesk with one queue that reads this mailbox."""
        self.environment |= {"PEER_USER": user, "PEER_PASSWORD": password, "PEER_PORT": str(port)}
        self._python(_QUEUE)

    def counts(self) -> tuple[int, int]:
        """Tickets and follow-ups."""
        tickets, follow_ups = self._python(_COUNT).split()
        return int(tickets), int(follow_ups)

    def _python(self, code: str) -> str:
        return self._run([str(self.python), "-c", code])

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, env=self.environment, cwd=self.project, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise CannotInstall(f"{' '.join(command)[:80]}: {done.stderr[-600:]}")
        return done.stdout
